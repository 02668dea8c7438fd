// TanStack AI's own chat client against a server of ours; prints {check: "ok" or what went wrong}.
// usage: node tanstack.mjs URL TOKEN FOREIGN_TOKEN, with `@tanstack/ai-client` beside it.

import assert from "node:assert/strict";
import { ChatClient, fetchServerSentEvents } from "@tanstack/ai-client";

const [url, token] = process.argv.slice(2);
const checks = {};
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
let made = 0;
const fresh = () => `thread ${process.pid}/${++made}?`;
const counted = (n) => Array.from({ length: n }, (_, at) => at + 1).join(" ");

// A client; its connection breaks after so many bytes, as often as `cuts` says.
function client(threadId, { model = "scripted:count-8@200", as = token, cuts = [] } = {}) {
  const seen = { requests: [], errors: [] };
  const connection = fetchServerSentEvents(`${url}/ag-ui`, {
    headers: as ? { Authorization: `Bearer ${as}` } : {},
    body: { model },
    reconnect: { delayMs: 10, maxAttempts: 5 },
    fetchClient: async (at, init) => {
      const response = await fetch(at, init);
      seen.requests.push([init.method, response.status, init.headers["Last-Event-ID"]]);
      const cut = init.method === "POST" || String(at).includes("runId") ? cuts.shift() : undefined;
      return cut === undefined ? response : cutAfter(response, cut);
    },
  });
  const chat = new ChatClient({
    threadId,
    connection,
    persistence: true, // what there is, the server knows
    onError: (error) => seen.errors.push(error),
  });
  return { chat, seen, threadId };
}

function cutAfter(response, bytes) {
  let left = bytes;
  const reader = response.body.getReader();
  const body = new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) return controller.close();
      controller.enqueue(value.slice(0, left));
      left -= value.length;
      if (left <= 0) {
        await reader.cancel();
        controller.error(new TypeError("network error"));
      }
    },
  });
  return new Response(body, response);
}

const messages = (chat) => chat.getMessages();
const textOf = (message) =>
  message.parts
    .filter((part) => part.type === "text")
    .map((part) => part.content)
    .join("");
const last = (chat) => textOf(messages(chat).at(-1));

async function until(check, within = 15000) {
  const end = Date.now() + within;
  while (!check()) {
    if (Date.now() > end) assert.fail(`never: ${check}`);
    await sleep(20);
  }
}

checks["an image, and on with it after a reload"] = async () => {
  const { chat, seen, threadId } = client(fresh(), { model: "scripted:echo@0" });
  const source = { type: "data", mimeType: "image/gif", value: "R0lGODlhAQABAIAAAP8AAP///yH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==" };
  await chat.sendMessage({ content: [{ type: "text", content: "What?" }, { type: "image", source }] });
  assert.deepEqual(seen.errors, []);
  assert.equal(last(chat), "What?");
  const { chat: next, seen: then } = client(threadId, { model: "scripted:echo@0" });
  next.attach();
  await until(() => messages(next).length === 2);
  const image = messages(next)[0].parts.find((part) => part.type === "image");
  assert.match(image.source.value, /^http.*\/attachments\/.*\.gif$/);
  await next.sendMessage("And now?");
  assert.deepEqual(then.errors, []);
  assert.equal(last(next), "And now?");
};

checks["plain, and several turns"] = async () => {
  const { chat, seen } = client(fresh());
  await chat.sendMessage("Count");
  assert.equal(last(chat), counted(8));
  await chat.sendMessage("Again");
  assert.deepEqual(messages(chat).map((it) => it.role), ["user", "assistant", "user", "assistant"]);
  assert.equal(last(chat), counted(8));
  assert.deepEqual(seen.errors, []);
};

checks["cut at every place, it goes on by itself"] = async () => {
  await Promise.all(
    [0, 60, 150, 400, 700, 1000].map(async (place) => {
      const { chat, seen } = client(fresh(), { model: "scripted:count-25@40", cuts: [place + 200, 300] });
      await chat.sendMessage("Count");
      assert.equal(last(chat), counted(25), `cut after ${place}`);
      assert.equal(messages(chat).length, 2);
      assert.ok(seen.requests.filter(([method]) => method === "POST").length > 1);
      assert.ok(seen.requests.some(([, , cursor]) => cursor));
    }),
  );
};

checks["a page that is loaded joins the run"] = async () => {
  const first = client(fresh(), { model: "scripted:count-40@30" });
  const sent = first.chat.sendMessage("Count");
  await until(() => messages(first.chat).length === 2 && last(first.chat).length > 8);
  const { chat, seen } = client(first.threadId, { cuts: [900] });
  chat.attach(); // as a wrapper does when its view mounts
  await until(() => messages(chat).length === 2 && last(chat) === counted(40)).catch((error) => {
    error.stack = JSON.stringify([seen, messages(chat), chat.status]).slice(0, 800);
    throw error;
  });
  await sent;
  assert.deepEqual(messages(chat).map((it) => it.id), messages(first.chat).map((it) => it.id));
  assert.deepEqual(seen.errors, []);
};

checks["a failure"] = async () => {
  const { chat, seen } = client(fresh(), { model: "scripted:fail-late-overloaded" });
  await chat.sendMessage("Fail").catch((error) => seen.errors.push(error));
  assert.ok(seen.errors.length >= 1);
  assert.equal(chat.getStatus?.() ?? "error", "error");
};

checks["cancelled from another place"] = async () => {
  const threadId = fresh();
  const { chat, seen } = client(threadId, { model: "scripted:stall" });
  const sent = chat.sendMessage("Go on");
  await until(() => messages(chat).length === 2 && last(chat));
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const known = await fetch(`${url}/ag-ui?${new URLSearchParams({ threadId })}`, { headers });
  const { activeRun } = await known.json();
  const stopped = await fetch(`${url}/ag-ui/${activeRun.runId}/cancel`, { method: "POST", headers });
  assert.equal(stopped.status, 202);
  await sent;
  assert.equal(chat.getIsLoading?.() ?? false, false);
  assert.deepEqual(seen.errors, []);
};

checks["no token"] = async () => {
  const { chat, seen } = client(fresh(), { as: null });
  await chat.sendMessage("Count").catch((error) => seen.errors.push(error));
  assert.match(String(seen.errors[0]), /401|not_signed_in|Sign in/);
};

const chosen = process.env.CHECK;
const results = {};
for (const [name, check] of Object.entries(checks)) {
  if (chosen && !name.includes(chosen)) continue;
  const late = sleep(25000).then(() => assert.fail("took too long"));
  results[name] = await Promise.race([check(), late]).then(
    () => "ok",
    (error) => String(error.stack).slice(0, 900),
  );
}
console.log(JSON.stringify(results));
process.exit(0);
