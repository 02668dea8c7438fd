// AG-UI's own HttpAgent and an agent whose tools ask; prints {check: "ok" or what went wrong}.
// usage: node tools.mjs URL TOKEN, with `@ag-ui/client` beside it.

import assert from "node:assert/strict";
import { HttpAgent, buildResumeArray } from "@ag-ui/client";
import { EventSchema } from "@ag-ui/core/schemas";

const [url, token] = process.argv.slice(2);
const checks = {};
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const headers = { Authorization: `Bearer ${token}`, "content-type": "application/json" };

function client(threadId, text) {
  const one = new HttpAgent({ url: `${url}/ag-ui`, headers, threadId });
  one.addMessage({ id: `${threadId} prompt`, role: "user", content: text });
  return one;
}

async function run(one, runId, options = {}) {
  const events = [];
  const failures = [];
  await one
    .runAgent(
      { runId, forwardedProps: { model: "agent:a" }, ...options },
      {
        onEvent: ({ event }) => void events.push(EventSchema.parse(event) && event),
        onRunFailed: ({ error }) => void failures.push(error),
      },
    )
    .catch((error) => failures.push(error));
  assert.deepEqual(failures, []);
  return events;
}

const told = (one) => one.messages.map((it) => [it.role, it.content ?? ""]).filter(([, it]) => it);
const calls = (one) => one.messages.flatMap((it) => it.toolCalls ?? []);
const asked = (runId) => fetch(`${url}/ag-ui?${new URLSearchParams({ runId })}`, { headers });

checks["a tool runs"] = async () => {
  const one = client("act", "Act");
  const events = await run(one, "act 1");
  assert.deepEqual(events.at(-1).outcome, { type: "success" });
  assert.deepEqual(told(one).slice(1), [
    ["assistant", "Let me see."], ["tool", "a is done"], ["assistant", "All done."],
  ]);
};

for (const approved of [true, false]) {
  checks[`an interrupt that is ${approved ? "approved" : "denied"}`] = async () => {
    const name = `pay ${approved}`;
    const one = client(name, "Pay");
    const events = await run(one, `${name} 1`);
    const { outcome } = events.at(-1);
    assert.equal(outcome.type, "interrupt");
    const [interrupt] = one.pendingInterrupts;
    assert.equal(interrupt.toolCallId, calls(one)[0].id);
    assert.ok(events.some((it) => it.type === "TOOL_CALL_END"));
    const answer = { status: "resolved", payload: { approved, reason: "So be it" } };
    const resume = buildResumeArray(one.pendingInterrupts, { [interrupt.id]: answer });
    const more = await run(one, `${name} 2`, { resume });
    assert.deepEqual(more[0].runId, `${name} 2`);
    assert.deepEqual(more.at(-1).outcome, { type: "success" });
    assert.ok(!more.some((it) => it.type === "TOOL_CALL_START"));
    assert.equal(told(one).at(-1)[1], "All done.");
    assert.equal(told(one).filter(([role]) => role === "tool").length, 1);
    assert.deepEqual(one.pendingInterrupts, []);
    const again = await (await asked(`${name} 2`)).text();
    assert.equal(again.split("All done.").length, 2);
    const whole = await (await asked(`${name} 1`)).text();
    assert.match(whole, /"threadId":"pay/);
    assert.ok(whole.includes("All done.") && !whole.includes("interrupt"));
  };
}

checks["a tool that the client runs"] = async () => {
  const one = client("locate", "Where?");
  const events = await run(one, "locate 1");
  assert.deepEqual(events.at(-1).outcome, { type: "success" });
  const [call] = calls(one);
  assert.equal(call.function.name, "locate");
  one.addMessage({ id: "result", role: "tool", toolCallId: call.id, content: "Bern" });
  await run(one, "locate 2");
  assert.deepEqual(told(one).slice(1), [["tool", "Bern"], ["assistant", "All done."]]);
};

checks["an answer to nothing"] = async () => {
  const body = { threadId: "never", runId: "n", messages: [], resume: [{ interruptId: "x", status: "resolved" }] };
  const answer = await fetch(`${url}/ag-ui`, { method: "POST", headers, body: JSON.stringify(body) });
  assert.equal(answer.status, 404);
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
