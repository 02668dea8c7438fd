// The AI SDK's client and an agent whose tools ask; prints {check: "ok" or what went wrong}.
// usage: node tools.mjs URL TOKEN

import assert from "node:assert/strict";
import { Chat } from "@ai-sdk/react";
import {
  DefaultChatTransport,
  lastAssistantMessageIsCompleteWithApprovalResponses,
  lastAssistantMessageIsCompleteWithToolCalls,
} from "ai";

const [url, token] = process.argv.slice(2);
const checks = {};
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function client(id, { fetch, ...options } = {}) {
  const transport = new DefaultChatTransport({
    api: `${url}/api/chat`,
    fetch,
    headers: { Authorization: `Bearer ${token}` },
    body: { model: "agent:a" },
  });
  return new Chat({ id, transport, ...options });
}

const states = (chat) =>
  chat.messages.at(-1).parts.filter((it) => it.toolCallId).map((it) => [it.toolName, it.state]);
const texts = (chat) =>
  chat.messages.at(-1).parts.filter((it) => it.type === "text").map((it) => it.text);

async function until(check) {
  for (let n = 0; !check(); n++) {
    if (n > 500) assert.fail(`never: ${check}`);
    await sleep(20);
  }
}

checks["a tool runs"] = async () => {
  const chat = client("act");
  await chat.sendMessage({ text: "Act" });
  assert.deepEqual(states(chat), [["act", "output-available"]]);
  assert.deepEqual(chat.messages.at(-1).parts.find((it) => it.toolCallId).input, { what: "a" });
  assert.deepEqual(texts(chat), ["Let me see.", "All done."]);
};

for (const approved of [true, false]) {
  checks[`a tool that is ${approved ? "approved" : "denied"}`] = async () => {
    const chat = client(`pay ${approved}`, {
      sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
    });
    await chat.sendMessage({ text: "Pay" });
    assert.deepEqual(states(chat), [["pay", "approval-requested"]]);
    assert.equal(chat.status, "ready");
    const again = client(chat.id, { messages: chat.messages.slice(0, 1) });
    await again.resumeStream();
    assert.deepEqual(states(again), [["pay", "approval-requested"]]);
    const { approval } = chat.messages.at(-1).parts.find((it) => it.toolCallId);
    await chat.addToolApprovalResponse({ id: approval.id, approved });
    await until(() => texts(chat).at(-1) === "All done." && chat.status === "ready");
    assert.deepEqual(states(chat), [["pay", approved ? "output-available" : "output-denied"]]);
    assert.equal(chat.messages.length, 2);
    assert.deepEqual(texts(chat), ["All done."]);
  };
}

checks["a tool that the client runs"] = async () => {
  const chat = client("locate", {
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
    onToolCall: ({ toolCall }) =>
      void chat.addToolOutput({ tool: "locate", toolCallId: toolCall.toolCallId, output: "Bern" }),
  });
  await chat.sendMessage({ text: "Where?" });
  await until(() => texts(chat).at(-1) === "All done." && chat.status === "ready");
  assert.deepEqual(states(chat), [["locate", "output-available"]]);
};

checks["an answer that was stopped while the client ran its tool"] = async () => {
  let posts = 0;
  const counted = (...request) => ((posts += request[1].method === "POST"), fetch(...request));
  const chat = client("stopped", {
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
    fetch: counted,
  });
  await chat.sendMessage({ text: "Where?" });
  assert.deepEqual(states(chat), [["locate", "input-available"]]);
  const headers = { Authorization: `Bearer ${token}` };
  const stopped = await fetch(`${url}/api/chat/stopped/stop`, { method: "POST", headers });
  assert.ok(stopped.ok);
  const { toolCallId } = chat.messages.at(-1).parts.find((it) => it.toolCallId);
  await chat.addToolOutput({ tool: "locate", toolCallId, output: "Bern" });
  await until(() => posts === 2 && chat.status === "ready");
  await sleep(500);
  assert.deepEqual([posts, chat.status, chat.messages.length], [2, "ready", 2]);
};

const results = {};
for (const [name, check] of Object.entries(checks)) {
  const late = sleep(20000).then(() => assert.fail("took too long"));
  results[name] = await Promise.race([check(), late]).then(
    () => "ok",
    (error) => String(error.stack).slice(0, 900),
  );
}
console.log(JSON.stringify(results));
process.exit(0);
