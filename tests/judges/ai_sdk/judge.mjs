// The AI SDK's own client against a server of ours; prints {check: "ok" or what went wrong}.
// usage: node judge.mjs URL TOKEN FOREIGN_TOKEN, with `ai` and `@ai-sdk/react` beside it.

import assert from "node:assert/strict";
import { Chat } from "@ai-sdk/react";
import { DefaultChatTransport } from "ai";

const [url, token, foreign] = process.argv.slice(2);
const checks = {};
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
let made = 0;
const fresh = () => `chat ${process.pid}/${++made}?`;
const counted = (n) => Array.from({ length: n }, (_, at) => at + 1).join(" ");

function ask(path, { method = "GET", body, as = token, headers = {} } = {}) {
  const authorization = as && { authorization: `Bearer ${as}` };
  return fetch(`${url}/api/chat${path}`, {
    method,
    headers: { ...headers, ...authorization, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
}

const at = (id, more = "") => `/${encodeURIComponent(id)}${more}`;

// What the server has of a chat, as a page loads it.
async function stored(id) {
  const answer = await ask(at(id));
  assert.equal(answer.status, 200, await answer.clone().text());
  return (await answer.json()).messages;
}

// A client; `cut` breaks its connection after so many frames.
function client(id, { model = "scripted:count-8@200", as = token, cut, messages } = {}) {
  const seen = { responses: [], finished: [], cut };
  const transport = new DefaultChatTransport({
    api: `${url}/api/chat`,
    headers: as ? { Authorization: `Bearer ${as}` } : {},
    body: { model },
    fetch: async (...request) => {
      const response = await fetch(...request);
      seen.responses.push(response);
      return seen.cut === undefined || !response.body ? response : cutAfter(response, seen.cut);
    },
  });
  const chat = new Chat({
    id,
    transport,
    messages,
    onFinish: (event) => seen.finished.push(event),
    onError: () => {},
  });
  return { chat, seen };
}

function cutAfter(response, frames) {
  let left = frames;
  const reader = response.body.getReader();
  const body = new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) return controller.close();
      const text = new TextDecoder().decode(value);
      const parts = text.split(/(?<=\n\n)/);
      controller.enqueue(new TextEncoder().encode(parts.slice(0, left).join("")));
      left -= parts.length;
      if (left <= 0) {
        await reader.cancel();
        controller.error(new TypeError("network error"));
      }
    },
  });
  return new Response(body, response);
}

const textOf = (message) =>
  message.parts
    .filter((part) => part.type === "text")
    .map((part) => part.text)
    .join("");
const last = (chat) => textOf(chat.messages.at(-1));
const ids = (messages) => messages.map((message) => message.id);

checks["plain"] = async () => {
  const { chat, seen } = client(fresh());
  await chat.sendMessage({ text: "Count" });
  assert.equal(chat.status, "ready");
  assert.equal(last(chat), counted(8));
  assert.equal(seen.responses[0].headers.get("x-vercel-ai-ui-message-stream"), "v1");
  assert.equal(seen.finished[0].finishReason, "stop");
  assert.deepEqual(ids(await stored(chat.id)), ids(chat.messages));
  assert.equal(textOf((await stored(chat.id)).at(-1)), counted(8));
};

checks["the frames are the protocol's own, in its order"] = async () => {
  const messages = [{ id: "m", role: "user", parts: [{ type: "text", text: "Count" }] }];
  const body = { id: fresh(), messages, model: "scripted:count-2@200" };
  const answer = await ask("", { method: "POST", body, headers: { accept: "text/html" } });
  const frames = (await answer.text()).split("\n\n").filter((frame) => !frame.startsWith(":"));
  assert.match(answer.headers.get("content-type"), /^text\/event-stream/);
  assert.equal(frames.pop(), "");
  assert.equal(frames.pop(), "data: [DONE]");
  const types = frames.map((frame) => JSON.parse(frame.replace(/^data: /, "")).type);
  const words = ["text-start", "text-delta", "text-delta", "text-end"];
  assert.deepEqual(types, ["start", "start-step", ...words, "finish-step", "finish"]);
};

checks["several turns, each with what came before"] = async () => {
  const { chat } = client(fresh(), { model: "scripted:echo@0" });
  for (const text of ["One", "Two", "Three"]) {
    await chat.sendMessage({ text });
    assert.equal(last(chat), text);
  }
  assert.deepEqual(ids(await stored(chat.id)), ids(chat.messages));
  assert.equal(chat.messages.length, 6);
};

checks["reasoning is a part of its own"] = async () => {
  const { chat } = client(fresh(), { model: "scripted:demo@0" });
  await chat.sendMessage({ text: "Think" });
  const kinds = chat.messages.at(-1).parts.map((part) => part.type);
  assert.deepEqual(kinds, ["step-start", "reasoning", "text"]);
  assert.ok(chat.messages.at(-1).parts.every((part) => part.type === "step-start" || part.state === "done"));
};

checks["cut at every place and resumed in a new page"] = async () => {
  const places = [0, 1, 2, 3, 5, 8, 10];
  await Promise.all(
    places.map(async (cut) => {
      const first = client(fresh(), { model: "scripted:count-40@12", cut });
      await first.chat.sendMessage({ text: "Count" });
      assert.equal(first.chat.status, "error", `cut after ${cut}`);
      const { chat, seen } = client(first.chat.id, { messages: await stored(first.chat.id) });
      await chat.resumeStream();
      assert.equal(seen.responses[0].status, 200);
      assert.equal(last(chat), counted(40), `cut after ${cut}`);
      assert.equal(chat.messages.length, 2, `cut after ${cut}`);
      assert.equal(chat.messages[1].id, (await stored(chat.id))[1].id);
    }),
  );
};

checks["cut and resumed on the same page"] = async () => {
  const { chat, seen } = client(fresh(), { model: "scripted:count-40@12", cut: 9 });
  await chat.sendMessage({ text: "Count" });
  seen.cut = 14;
  await chat.resumeStream();
  seen.cut = undefined;
  await chat.resumeStream();
  assert.equal(last(chat), counted(40));
  assert.equal(chat.messages.length, 2);
};

checks["a disconnect is no cancel"] = async () => {
  const { chat } = client(fresh(), { model: "scripted:count-20@40" });
  const sent = chat.sendMessage({ text: "Count" });
  while (chat.status !== "streaming" || !last(chat)) await sleep(10);
  await chat.stop();
  await sent;
  assert.ok(last(chat).length < counted(20).length);
  const again = client(chat.id, { messages: await stored(chat.id) });
  await again.chat.resumeStream();
  assert.equal(textOf((await stored(chat.id)).at(-1)), counted(20));
};

checks["stop, from another place"] = async () => {
  const { chat } = client(fresh(), { model: "scripted:stall" });
  const sent = chat.sendMessage({ text: "Go on" });
  while (chat.status !== "streaming" || !last(chat)) await sleep(10);
  const stopped = await ask(at(chat.id, "/stop"), { method: "POST" });
  assert.equal(stopped.status, 202);
  assert.equal((await stopped.json()).stopped, chat.messages[1].id);
  await sent;
  assert.equal(chat.status, "ready");
  assert.equal(last(chat), textOf((await stored(chat.id)).at(-1)));
  assert.equal((await ask(at(chat.id, "/stop"), { method: "POST" })).status, 200);
};

checks["a stop that is late hits nothing newer"] = async () => {
  const { chat } = client(fresh(), { model: "scripted:count-3@0" });
  await chat.sendMessage({ text: "Count" });
  const body = { messageId: chat.messages[1].id };
  const next = client(chat.id, { model: "scripted:count-20@60", messages: chat.messages });
  const sent = next.chat.sendMessage({ text: "Again" });
  while (next.chat.status !== "streaming") await sleep(10);
  const stopped = await ask(at(chat.id, "/stop"), { method: "POST", body });
  assert.equal((await stopped.json()).stopped, null);
  await sent;
  assert.equal(last(next.chat), counted(20));
};

checks["a failure"] = async () => {
  const { chat, seen } = client(fresh(), { model: "scripted:fail-late-overloaded" });
  await chat.sendMessage({ text: "Fail" });
  assert.equal(chat.status, "error");
  assert.ok(chat.error.message.length > 10, chat.error.message);
  assert.ok(!chat.error.message.includes("{"), chat.error.message);
  assert.equal(last(chat), counted(5));
  assert.equal(seen.responses[0].status, 200);
};

checks["nothing is active"] = async () => {
  const { chat, seen } = client(fresh());
  await chat.resumeStream();
  assert.deepEqual([seen.responses[0].status, chat.status], [204, "ready"]);
  await chat.sendMessage({ text: "Count" });
  await chat.resumeStream();
  assert.equal(seen.responses.at(-1).status, 204);
  assert.equal(last(chat), counted(8));
};

checks["unknown and foreign ids are the same"] = async () => {
  const { chat } = client(fresh());
  await chat.sendMessage({ text: "Count" });
  for (const [id, as] of [["never seen", token], [chat.id, foreign]]) {
    const told = await Promise.all([
      ask(at(id, "/stop"), { method: "POST", as }),
      ask(at(id), { as }),
      ask(at(id, "/stream"), { as }),
    ]);
    assert.deepEqual(told.map((each) => each.status), [404, 404, 204]);
    assert.equal((await told[0].json()).error.code, "not_found");
  }
  const theirs = client(chat.id, { as: foreign });
  await theirs.chat.sendMessage({ text: "Mine" });
  assert.equal((await stored(chat.id)).length, 2);
};

checks["no token, and a wrong one"] = async () => {
  for (const as of [null, "cs_wrong"]) {
    const { chat } = client(fresh(), { as });
    await chat.sendMessage({ text: "Count" });
    assert.equal(chat.status, "error");
    assert.equal(JSON.parse(chat.error.message).error.code, "not_signed_in");
  }
};

checks["another answer"] = async () => {
  const { chat } = client(fresh(), { model: "scripted:echo@0" });
  await chat.sendMessage({ text: "One" });
  await chat.sendMessage({ text: "Two" });
  const before = ids(chat.messages);
  await chat.regenerate();
  const after = ids(chat.messages);
  assert.deepEqual(after.slice(0, 3), before.slice(0, 3));
  assert.notEqual(after[3], before[3]);
  assert.equal(last(chat), "Two");
  const { chat: next } = client(chat.id, { model: "scripted:echo@0", messages: chat.messages });
  await next.sendMessage({ text: "Three" });
  assert.deepEqual(ids(next.messages).slice(0, 4), after);
};

checks["an edited prompt begins a branch"] = async () => {
  const { chat } = client(fresh(), { model: "scripted:echo@0" });
  await chat.sendMessage({ text: "One" });
  await chat.sendMessage({ text: "Two" });
  const [first, , second] = ids(chat.messages);
  await chat.sendMessage({ text: "Two, but better", messageId: second });
  assert.equal(last(chat), "Two, but better");
  assert.deepEqual(ids(await stored(chat.id)), ids(chat.messages));
  assert.equal((await stored(chat.id))[2].id, second);
  await chat.sendMessage({ text: "From the start", messageId: first });
  assert.deepEqual((await stored(chat.id)).map(textOf), ["From the start", "From the start"]);
  await chat.sendMessage({ text: "And on" });
  assert.deepEqual(ids(await stored(chat.id)), ids(chat.messages));
};

checks["a post that comes twice is answered once"] = async () => {
  const messages = [{ id: "m", role: "user", parts: [{ type: "text", text: "Count" }] }];
  const body = { id: fresh(), messages, model: "scripted:count-5@60" };
  const told = await Promise.all(
    [1, 2, 3].map(async () => (await ask("", { method: "POST", body })).text()),
  );
  assert.equal(new Set(told.map((each) => each.replace(/^: *\n\n/gm, ""))).size, 1);
  assert.equal((await stored(body.id)).length, 2);
};

checks["a request whose response was lost is answered once"] = async () => {
  for (const [cut, model] of [[0, "scripted:count-3@0"], [0, "scripted:count-20@40"]]) {
    const { chat, seen } = client(fresh(), { model, cut });
    await chat.sendMessage({ text: "Count" });
    assert.equal(chat.status, "error");
    const written = async () => textOf((await stored(chat.id)).at(-1)) === counted(3);
    while (model.includes("count-3@") && !(await written())) await sleep(20);
    const [, answer] = await stored(chat.id);
    seen.cut = undefined;
    await chat.sendMessage();
    assert.equal(chat.status, "ready", chat.error?.message);
    assert.equal(last(chat), counted(model.includes("count-3@") ? 3 : 20));
    assert.deepEqual(ids(chat.messages), [chat.messages[0].id, answer.id]);
    assert.deepEqual(ids(await stored(chat.id)), ids(chat.messages));
  }
};

checks["cut in mid-answer, and the rest by the same request"] = async () => {
  for (const [cut, count, pace] of [[4, 40, 12], [6, 40, 12], [5, 4, 0], [7, 4, 0], [8, 4, 0]]) {
    const { chat, seen } = client(fresh(), { model: `scripted:count-${count}@${pace}`, cut });
    await chat.sendMessage({ text: "Count" });
    assert.equal(chat.status, "error", `cut after ${cut}`);
    while (!pace && textOf((await stored(chat.id))[1]) !== counted(count)) await sleep(20);
    seen.cut = undefined;
    await chat.sendMessage();
    assert.equal(chat.status, "ready", chat.error?.message);
    assert.equal(last(chat), counted(count), `cut after ${cut}`);
    assert.deepEqual(ids(await stored(chat.id)), ids(chat.messages));
  }
};

checks["messages that were said elsewhere come along"] = async () => {
  const said = (id, role, text) => ({ id, role, parts: [{ type: "text", text }] });
  const before = [said("a", "user", "Hi"), said("b", "assistant", "Hello")];
  const { chat } = client(fresh(), { model: "scripted:echo@0", messages: before });
  await chat.sendMessage({ text: "So" });
  assert.deepEqual((await stored(chat.id)).map(textOf), ["Hi", "Hello", "So", "So"]);
};

const dot = "data:image/gif;base64,R0lGODlhAQABAIAAAP8AAP///yH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==";

checks["a file, and on with it after a reload"] = async () => {
  const { chat } = client(fresh(), { model: "scripted:echo@0" });
  const files = [{ type: "file", mediaType: "image/gif", filename: "dot.gif", url: dot }];
  await chat.sendMessage({ text: "What is this?", files });
  assert.equal(chat.status, "ready", chat.error?.message);
  const messages = await stored(chat.id);
  const [file] = messages[0].parts;
  assert.deepEqual([file.type, file.mediaType, file.filename], ["file", "image/gif", "dot.gif"]);
  const read = await fetch(file.url, { headers: { Authorization: `Bearer ${token}` } });
  assert.equal(Buffer.from(await read.arrayBuffer()).toString("base64"), dot.split(",")[1]);
  const { chat: next } = client(chat.id, { model: "scripted:echo@0", messages });
  await next.regenerate();
  await next.sendMessage({ text: "And now?" });
  assert.equal(next.status, "ready", next.error?.message);
  assert.equal(last(next), "And now?");
  assert.deepEqual(ids(await stored(chat.id)), ids(next.messages));
  assert.equal((await stored(chat.id))[0].parts[0].url, file.url);
};

checks["what cannot be sent is refused in words"] = async () => {
  const said = (parts) => ({ id: fresh(), messages: [{ id: "m", role: "user", parts }] });
  const file = { type: "file", mediaType: "image/png", url: "https://x.test/i.png" };
  const bodies = [
    said([file]), said([]), said("no"), { id: 7, messages: [] }, { id: "x" }, [],
    { ...said([{ type: "text", text: "Hi" }]), model: "nobody:none" },
    { ...said([{ type: "text", text: "Hi" }]), trigger: "else" },
  ];
  for (const body of bodies) {
    const answer = await ask("", { method: "POST", body });
    assert.equal(answer.status, 422, JSON.stringify(body));
    assert.ok((await answer.json()).error.message);
  }
  assert.equal((await ask("", { method: "PUT" })).status, 405);
};

const chosen = process.env.CHECK;
const results = {};
for (const [name, check] of Object.entries(checks)) {
  if (chosen && !name.includes(chosen)) continue;
  const late = sleep(20000).then(() => assert.fail("took too long"));
  results[name] = await Promise.race([check(), late]).then(
    () => "ok",
    (error) => String(error.stack).slice(0, 900),
  );
}
console.log(JSON.stringify(results));
process.exit(0);
