// AG-UI's own HttpAgent against a server of ours; prints {check: "ok" or what went wrong}.
// usage: node judge.mjs URL TOKEN FOREIGN_TOKEN, with `@ag-ui/client` beside it.

import assert from "node:assert/strict";
import { HttpAgent } from "@ag-ui/client";
import { EventSchema } from "@ag-ui/core/schemas";

const [url, token, foreign] = process.argv.slice(2);
const checks = {};
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
let made = 0;
const fresh = (what) => `${what} ${process.pid}/${++made}?`;
const counted = (n) => Array.from({ length: n }, (_, at) => at + 1).join(" ");
const user = (content, id = fresh("message")) => ({ id, role: "user", content });

function ask(path, { method = "GET", body, as = token, headers = {} } = {}) {
  const authorization = as && { authorization: `Bearer ${as}` };
  return fetch(`${url}/ag-ui${path}`, {
    method,
    headers: { ...headers, ...authorization, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
}

const query = (fields) => `?${new URLSearchParams(fields)}`;
const history = async (threadId, as = token) => (await ask(query({ threadId }), { as })).json();
const texts = (messages) => messages.map((message) => message.content);

function agent(threadId, { as = token, messages = [] } = {}) {
  const headers = as ? { Authorization: `Bearer ${as}` } : {};
  return new HttpAgent({ url: `${url}/ag-ui`, headers, threadId, initialMessages: messages });
}

// Runs an agent; the events come through its verifier.
async function run(one, model, { runId = fresh("run"), tools = [], onEvent } = {}) {
  const events = [];
  const failures = [];
  await one
    .runAgent(
      { runId, tools, forwardedProps: { model } },
      {
        onEvent: ({ event }) => {
          events.push(event);
          onEvent?.(event);
        },
        onRunFailed: ({ error }) => void failures.push(error),
      },
    )
    .catch((error) => failures.push(error));
  return { events, failures, runId, types: events.map((event) => event.type) };
}

// Frames as they are sent: [id, event].
async function frames(answer) {
  assert.equal(answer.status, 200, await (answer.status === 200 ? "" : answer.text()));
  const text = await answer.text();
  assert.ok(!text.includes("\r"));
  return text
    .split("\n\n")
    .filter((each) => each && !each.startsWith(":"))
    .map((each) => {
      const [, id, data] = each.match(/^id: (\S+)\ndata: (.*)$/);
      return [id, JSON.parse(data)];
    });
}

const input = (threadId, runId, messages, model) => ({
  threadId, runId, messages, forwardedProps: { model }, tools: [], context: [], state: {},
});

checks["an image, whose address is told"] = async () => {
  const threadId = fresh("thread");
  const source = { type: "data", mimeType: "image/gif", value: "R0lGODlhAQABAIAAAP8AAP///yH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==" };
  const image = { type: "image", source, metadata: { filename: "dot.gif" } };
  const asked = [user([{ type: "text", text: "What?" }, image])];
  const one = agent(threadId, { messages: asked });
  const { failures, runId } = await run(one, "scripted:echo@0");
  assert.deepEqual(failures, []);
  const { messages } = await history(threadId);
  assert.equal(messages[0].content[0].source.mimeType, "image/gif");
  assert.match(messages[0].content[0].source.value, /\/dot\.gif$/);
  assert.equal(messages[0].content[1].text, "What?");
  const [, [, snapshot]] = await frames(await ask(query({ runId })));
  assert.deepEqual(EventSchema.parse(snapshot).messages[0].content, messages[0].content);
  one.setMessages([...messages, user("And now?")]);
  assert.deepEqual((await run(one, "scripted:echo@0")).failures, []);
  assert.equal((await history(threadId)).messages.length, 4);
};

checks["tools that the client brings along"] = async () => {
  const one = agent(fresh("thread"), { messages: [user('locate {"of": "me"} + locate {"of": "you"}')] });
  const tools = [{ name: "locate", description: "Where?", parameters: { type: "object" } }];
  const calling = await run(one, "scripted:tools", { tools });
  assert.deepEqual(calling.failures, []);
  assert.deepEqual(calling.events.at(-1).outcome, { type: "success" });
  const calls = one.messages.flatMap((message) => message.toolCalls ?? []);
  assert.deepEqual(calls.map((it) => JSON.parse(it.function.arguments).of), ["me", "you"]);
  for (const [at, { id: toolCallId }] of calls.entries())
    one.addMessage({ id: `result ${at}`, role: "tool", toolCallId, content: ["Bern", "Rome"][at] });
  const answer = await run(one, "scripted:tools", { tools });
  assert.deepEqual(answer.failures, []);
  assert.match(one.messages.at(-1).content, /Rome/);
  const broken = { ...input(fresh("thread"), fresh("run"), [user("Hi")]), tools: [{ name: "a b" }] };
  assert.equal((await ask("", { method: "POST", body: broken })).status, 422);
};

checks["plain"] = async () => {
  const threadId = fresh("thread");
  const one = agent(threadId, { messages: [user("Count")] });
  const { events, failures, types, runId } = await run(one, "scripted:count-8@200");
  assert.deepEqual(failures, []);
  assert.deepEqual(one.messages.map((it) => it.role), ["user", "assistant"]);
  assert.equal(one.messages[1].content, counted(8));
  const words = Array(8).fill("TEXT_MESSAGE_CONTENT");
  const around = ["TEXT_MESSAGE_START", ...words, "TEXT_MESSAGE_END"];
  assert.deepEqual(types, ["RUN_STARTED", ...around, "RUN_FINISHED"]);
  assert.deepEqual([events[0].threadId, events[0].runId], [threadId, runId]);
  assert.deepEqual(events.at(-1).outcome, { type: "success" });
  assert.deepEqual((await history(threadId)).messages.map((it) => it.id), one.messages.map((it) => it.id));
};

checks["every frame is one the schema knows"] = async () => {
  for (const model of ["scripted:demo@0", "scripted:fail-late-overloaded"]) {
    const body = input(fresh("thread"), fresh("run"), [user("Hi")], model);
    const sent = await frames(await ask("", { method: "POST", body, headers: { accept: "text/html" } }));
    for (const [, event] of sent) {
      EventSchema.parse(event);
      assert.ok(Object.values(event).every((value) => value !== null));
    }
    assert.equal(new Set(sent.map(([id]) => id)).size, sent.length);
  }
};

checks["several turns, each with what came before"] = async () => {
  const one = agent(fresh("thread"));
  for (const text of ["One", "Two", "Three"]) {
    one.addMessage(user(text));
    await run(one, "scripted:echo@0");
    assert.equal(one.messages.at(-1).content, text);
  }
  const known = (await history(one.threadId)).messages;
  assert.deepEqual(known.map((it) => it.id), one.messages.map((it) => it.id));
  assert.deepEqual(texts(known), ["One", "One", "Two", "Two", "Three", "Three"]);
};

checks["reasoning is a message of its own"] = async () => {
  const one = agent(fresh("thread"), { messages: [user("Think")] });
  const { failures, types } = await run(one, "scripted:demo@0");
  assert.deepEqual(failures, []);
  assert.deepEqual(one.messages.map((it) => it.role), ["user", "reasoning", "assistant"]);
  assert.equal(types.filter((it) => it === "REASONING_END").length, 1);
};

checks["joined while it runs, and cut at every place"] = async () => {
  const [threadId, runId] = [fresh("thread"), fresh("run")];
  const body = input(threadId, runId, [user("Count")], "scripted:count-30@30");
  const whole = frames(await ask("", { method: "POST", body }));
  const began = Date.now();
  const joined = await ask(query({ offset: "-1", runId }));
  const first = await joined.body.getReader().read();
  assert.ok(Date.now() - began < 2000);
  assert.match(new TextDecoder().decode(first.value), /^id: 0\.0\ndata: {"type":"RUN_STARTED"/);
  const all = await whole;
  for (const headers of [{}, { "last-event-id": all[0][0] }]) {
    const again = await frames(await ask(query({ offset: "-1", runId }), { headers }));
    if (!headers["last-event-id"]) assert.deepEqual(again.shift(), all[0]); // its thread's name too
    const [, earlier] = again.shift();
    EventSchema.parse(earlier);
    assert.deepEqual(earlier.messages.map((it) => it.id), [body.messages[0].id]);
    assert.deepEqual(again, all.slice(1));
  }
  const rest = await Promise.all(
    all.slice(0, -1).map(async ([id]) =>
      frames(await ask("", { method: "POST", body, headers: { "last-event-id": id, "x-run-id": runId } })),
    ),
  );
  rest.forEach((each, at) => assert.deepEqual(each, all.slice(at + 1)));
  assert.equal((await history(threadId)).messages.length, 2);
};

checks["a join before the first token"] = async () => {
  const [threadId, runId] = [fresh("thread"), fresh("run")];
  const left = new AbortController();
  const one = agent(threadId, { messages: [user("Wait")] });
  const ended = run(one, "scripted:silent", { runId });
  while ((await history(threadId)).activeRun === null) await sleep(20);
  const { activeRun, messages } = await history(threadId);
  assert.deepEqual(texts(messages), ["Wait"]);
  for (const known of [runId, activeRun.runId]) {
    const joined = await fetch(`${url}/ag-ui${query({ offset: "-1", runId: known })}`, {
      headers: { authorization: `Bearer ${token}` }, signal: left.signal,
    });
    const { value } = await joined.body.getReader().read();
    assert.match(new TextDecoder().decode(value), new RegExp(`RUN_STARTED.*${known.slice(0, 9)}`));
  }
  left.abort();
  assert.equal((await ask(`/${encodeURIComponent(activeRun.runId)}/cancel`, { method: "POST" })).status, 202);
  const { events, failures } = await ended;
  assert.deepEqual(failures, []);
  assert.deepEqual(events.at(-1).outcome, { type: "cancelled" });
};

checks["cancelled in mid-answer"] = async () => {
  const one = agent(fresh("thread"), { messages: [user("Go on")] });
  const runId = fresh("run");
  const stop = (as) => ask(`/${encodeURIComponent(runId)}/cancel`, { method: "POST", as });
  const both = async () => [(await stop(foreign)).status, (await stop(token)).status];
  const stops = []; // the stream may be told of the end before the stop is answered
  const { events, failures } = await run(one, "scripted:stall", {
    runId,
    onEvent: (event) => {
      if (event.type === "TEXT_MESSAGE_CONTENT") stops.push(both());
    },
  });
  assert.deepEqual(failures, []);
  assert.deepEqual(events.at(-1).outcome, { type: "cancelled" });
  assert.deepEqual(await Promise.all(stops), [[404, 202]]);
  assert.equal((await stop(token)).status, 200);
  assert.equal((await history(one.threadId)).messages[1].content, one.messages[1].content);
};

checks["a disconnect is no cancel"] = async () => {
  const one = agent(fresh("thread"), { messages: [user("Count")] });
  const runId = fresh("run");
  await run(one, "scripted:count-20@40", {
    runId,
    onEvent: (event) => event.type === "TEXT_MESSAGE_CONTENT" && one.abortRun(),
  });
  assert.ok(one.messages[1].content.length < counted(20).length);
  await frames(await ask(query({ offset: "-1", runId })));
  assert.equal((await history(one.threadId)).messages[1].content, counted(20));
};

checks["a failure"] = async () => {
  const one = agent(fresh("thread"), { messages: [user("Fail")] });
  const { events } = await run(one, "scripted:fail-late-overloaded");
  const end = events.at(-1);
  assert.deepEqual([end.type, end.code], ["RUN_ERROR", "overloaded"]);
  assert.equal(events.at(-2).type, "TEXT_MESSAGE_END");
  assert.ok(end.message.length > 10);
};

checks["a post that comes again begins nothing"] = async () => {
  const [threadId, runId] = [fresh("thread"), fresh("run")];
  const body = input(threadId, runId, [user("Count")], "scripted:count-5@60");
  const answers = [1, 2, 3].map(() => ask("", { method: "POST", body }));
  const told = await Promise.all(answers.map(async (each) => frames(await each)));
  assert.deepEqual(told[1], told[0]);
  assert.deepEqual(told[2], told[0]);
  assert.equal((await history(threadId)).messages.length, 2);
  const never = input(fresh("thread"), fresh("run"), [user("Hi")], "scripted:echo@0");
  const lost = await ask("", { method: "POST", body: never, headers: { "last-event-id": "3.0" } });
  assert.equal(lost.status, 404);
  assert.deepEqual(await history(never.threadId), { messages: [], activeRun: null });
  const other = { ...body, threadId: fresh("thread") };
  assert.equal((await ask("", { method: "POST", body: other })).status, 409);
};

checks["another answer, and an edited prompt"] = async () => {
  const threadId = fresh("thread");
  const prompt = user("One");
  const one = agent(threadId, { messages: [prompt] });
  await run(one, "scripted:echo@0");
  const again = agent(threadId, { messages: [prompt] });
  await run(again, "scripted:echo@0");
  assert.notEqual(again.messages[1].id, one.messages[1].id);
  const edited = agent(threadId, { messages: [{ ...prompt, content: "Better" }] });
  await run(edited, "scripted:echo@0");
  assert.equal(edited.messages[1].content, "Better");
};

checks["unknown and foreign ids are the same"] = async () => {
  const one = agent(fresh("thread"), { messages: [user("Count")] });
  const { runId } = await run(one, "scripted:count-3@0");
  for (const [known, as] of [["never seen", token], [runId, foreign]]) {
    const joined = await ask(query({ offset: "-1", runId: known }), { as });
    const stopped = await ask(`/${encodeURIComponent(known)}/cancel`, { method: "POST", as });
    assert.deepEqual([joined.status, stopped.status], [404, 404]);
    assert.equal((await joined.json()).error.code, "not_found");
  }
  assert.deepEqual(await history(one.threadId, foreign), { messages: [], activeRun: null });
};

checks["no token"] = async () => {
  const one = agent(fresh("thread"), { as: null, messages: [user("Count")] });
  const { failures } = await run(one, "scripted:count-3@0");
  assert.equal(failures[0].status, 401);
};

checks["what cannot be sent is refused in words"] = async () => {
  const good = input(fresh("thread"), fresh("run"), [user("Hi")], "scripted:echo@0");
  const picture = [{ type: "image", source: { type: "url", value: "https://x.test/i.png" } }];
  for (const bad of [
    { messages: [] }, { messages: "no" }, { messages: [user(picture)] }, { threadId: 7 },
    { runId: "" }, { forwardedProps: { model: "nobody:none" } }, { forwardedProps: [1] },
    { messages: [{ role: "user", content: "no id" }] }, { messages: [{ ...user("Hi"), role: "else" }] },
  ]) {
    const answer = await ask("", { method: "POST", body: { ...good, ...bad } });
    assert.equal(answer.status, 422, JSON.stringify(bad));
    assert.ok((await answer.json()).error.message);
  }
  const cursor = await ask("", { method: "POST", body: good, headers: { "last-event-id": "x" } });
  assert.deepEqual([cursor.status, (await cursor.json()).error.code], [400, "bad_cursor"]);
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
