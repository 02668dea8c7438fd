// openai-node against a server of ours; prints {check: "ok" or what went wrong}.
// usage: node judge.mjs URL TOKEN FOREIGN_TOKEN, with `openai` beside it.

import assert from "node:assert/strict";
import OpenAI from "openai";

const [url, token, foreign] = process.argv.slice(2);
const checks = {};
const model = "scripted:count-8@200";
const slow = "scripted:count-400@40";
const failing = "scripted:fail-context-length";
const counted = (n) => Array.from({ length: n }, (_, at) => at + 1).join(" ");
const client = new OpenAI({ apiKey: token, baseURL: `${url}/v1` });
const { responses, conversations } = client;

async function check(name, work) {
  if (!name.includes(process.env.CHECK ?? "")) return;
  try {
    await work();
    checks[name] = "ok";
  } catch (error) {
    checks[name] = `${error.stack ?? error}`;
  }
}

async function all(stream) {
  const events = [];
  for await (const event of await stream) events.push(event);
  return events;
}

async function first(stream, n) {
  const events = [];
  for await (const event of stream) {
    events.push(event);
    if (events.length === n) break;
  }
  return events;
}

const numbers = (events) => events.map((event) => event.sequence_number);
const upTo = (n) => Array.from({ length: n }, (_, at) => at);
const status = (wanted) => (error) => error.status === wanted;

await check("an answer whole", async () => {
  const whole = await responses.create({ model, input: "Hi" });
  assert.equal(whole.output_text, counted(8));
  assert.equal(whole.status, "completed");
});

await check("an answer streamed, and again", async () => {
  const events = await all(responses.create({ model, input: "Hi", stream: true }));
  assert.deepEqual(numbers(events), upTo(events.length));
  assert.equal(events.at(-1).type, "response.completed");
  const { id } = events[0].response;
  assert.deepEqual(await all(responses.retrieve(id, { stream: true })), events);
  const after = { stream: true, starting_after: 4 };
  assert.deepEqual(await all(responses.retrieve(id, after)), events.slice(5));
});

await check("a cut, and on from there", async () => {
  const asked = { model: "scripted:count-30@60", input: "Hi", background: true, stream: true };
  const seen = await first(await responses.create(asked), 8);
  const after = { stream: true, starting_after: seen.at(-1).sequence_number };
  const events = [...seen, ...(await all(responses.retrieve(seen[0].response.id, after)))];
  assert.deepEqual(numbers(events), upTo(events.length));
  assert.equal(events.at(-1).response.output[0].content[0].text, counted(30));
});

await check("its own helper", async () => {
  const stream = responses.stream({ model, input: "Hi" });
  const final = await stream.finalResponse();
  assert.equal(final.output_text, counted(8));
  const again = responses.stream({ response_id: final.id, starting_after: 5 });
  const heard = [];
  for await (const event of again) heard.push(event.sequence_number);
  assert.equal(heard[0], 6);
  assert.equal((await again.finalResponse()).output_text, counted(8));
});

await check("a stop", async () => {
  const stream = await responses.create({ model: slow, input: "Hi", background: true, stream: true });
  let stopped;
  const events = [];
  for await (const event of stream) {
    events.push(event);
    if (events.length === 6) stopped = responses.cancel(event.response?.id ?? events[0].response.id);
  }
  assert.equal((await stopped).status, "cancelled");
  assert.equal(events.at(-1).type, "response.incomplete");
  assert.equal(events.at(-1).response.status, "cancelled");
});

await check("a failure", async () => {
  const failed = await responses.create({ model: failing, input: "Hi" });
  assert.equal(failed.status, "failed");
  const events = await all(responses.create({ model: failing, input: "Hi", stream: true }));
  assert.equal(events.at(-1).type, "response.failed");
});

await check("several turns", async () => {
  const one = await responses.create({ model: "scripted:echo", input: "One" });
  const two = await responses.create({
    model: "scripted:echo", input: "Two", previous_response_id: one.id,
  });
  assert.equal(two.previous_response_id, one.id);
  const talk = await conversations.create({ metadata: { a: "b" } });
  await responses.create({ model: "scripted:echo", input: "Three", conversation: talk.id });
  const texts = [];
  for await (const item of conversations.items.list(talk.id, { order: "asc", limit: 1 })) {
    texts.push(item.role);
  }
  assert.deepEqual(texts, ["user", "assistant"]);
  assert.equal((await conversations.delete(talk.id)).deleted, true);
});

await check("input items and deletion", async () => {
  const one = await responses.create({ model, input: "One" });
  const items = await responses.inputItems.list(one.id);
  assert.equal(items.data[0].content[0].text, "One");
  await responses.delete(one.id);
  await assert.rejects(responses.retrieve(one.id), status(404));
});

await check("somebody else's, nobody's, and nobody", async () => {
  const one = await responses.create({ model, input: "One" });
  const theirs = new OpenAI({ apiKey: foreign, baseURL: `${url}/v1` });
  for (const id of [one.id, "resp_x"]) {
    await assert.rejects(theirs.responses.retrieve(id), status(404));
    await assert.rejects(theirs.responses.cancel(id), status(404));
    await assert.rejects(all(theirs.responses.retrieve(id, { stream: true })), status(404));
  }
  const nobody = new OpenAI({ apiKey: "x", baseURL: `${url}/v1` });
  await assert.rejects(nobody.responses.create({ model, input: "x" }), status(401));
  await assert.rejects(nobody.models.list(), status(401));
});

await check("a chat completion", async () => {
  const messages = [{ role: "user", content: "Hi" }];
  const { completions } = client.chat;
  const whole = await completions.create({ model, messages });
  assert.equal(whole.choices[0].message.content, counted(8));
  const options = { stream: true, stream_options: { include_usage: true } };
  const pieces = await all(completions.create({ model, messages, ...options }));
  const text = pieces.map((piece) => piece.choices[0]?.delta.content ?? "").join("");
  assert.equal(text, counted(8));
  assert.equal(pieces.at(-1).choices.length, 0);
  await assert.rejects(completions.create({ model: failing, messages }), status(400));
  await assert.rejects(all(completions.create({ model: failing, messages, stream: true })));
});

const parameters = { type: "object", properties: { city: { type: "string" } } };
const prompt = 'weather {"city": "Bern"}\nweather {"city": "Thun"}';

await check("a tool that the client runs, in responses", async () => {
  const tools = [{ type: "function", name: "weather", parameters, strict: false }];
  const asked = { model: "scripted:tools", tools };
  let input = [{ role: "user", content: prompt }];
  let last = await responses.create({ ...asked, input });
  for (const city of ["Bern", "Thun"]) {
    const [call] = last.output;
    assert.deepEqual(JSON.parse(call.arguments), { city });
    const result = { type: "function_call_output", call_id: call.call_id, output: `Rain in ${city}` };
    const stream = responses.stream({ ...asked, input: [result], previous_response_id: last.id });
    input = [...input, call, result];
    last = await stream.finalResponse();
  }
  assert.equal(last.output_text, "Rain in Thun");
  const more = { role: "user", content: "Over" };
  const next = await responses.create({ ...asked, input: [...input, ...last.output, more] });
  assert.equal(next.output_text, "Over");
  const items = await responses.inputItems.list(next.id, { order: "asc" });
  const outputs = items.data.filter((item) => item.type === "function_call_output");
  assert.deepEqual(outputs.map((item) => item.output), ["Rain in Bern", "Rain in Thun"]);
});

async function completesWithTools(stream) {
  const cities = [];
  const weather = ({ city }) => cities.push(city) && `Rain in ${city}`;
  const described = { function: weather, name: "weather", parse: JSON.parse, parameters };
  const tools = [{ type: "function", function: described }];
  const messages = [{ role: "user", content: prompt }];
  const runner = client.chat.completions.runTools({ model: "scripted:tools", messages, tools, stream });
  assert.equal(await runner.finalContent(), "Rain in Thun");
  assert.deepEqual(cities, ["Bern", "Thun"]);
}

await check("a tool that the client runs, in completions whole", () => completesWithTools(false));
await check("a tool that the client runs, in completions streamed", () => completesWithTools(true));

await check("an image and a file", async () => {
  const data = (type, bytes) => `data:${type};base64,${Buffer.from(bytes).toString("base64")}`;
  const dot = Buffer.from("R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw==", "base64");
  const content = [
    { type: "input_image", image_url: data("image/gif", dot) },
    { type: "input_file", filename: "a.txt", file_data: data("text/plain", "words") },
    { type: "input_text", text: "What?" },
  ];
  const told = "openai-chat:told";
  const whole = await responses.create({ model: told, input: [{ role: "user", content }] });
  assert.equal(whole.output_text, "A dot, and words");
  const { data: [item] } = await responses.inputItems.list(whole.id);
  const file = item.content.find((part) => part.type === "input_file");
  const read = await fetch(file.file_url, { headers: { Authorization: `Bearer ${token}` } });
  assert.equal(await read.text(), "words");
  const again = responses.create({ model: told, input: [{ role: "user", content: [{ type: "input_file", file_id: "f" }] }] });
  await assert.rejects(again, status(400));
});

await check("models", async () => {
  const names = [];
  for await (const each of client.models.list()) names.push(each.id);
  assert.ok(names.includes("openai-chat:told"), names.join());
});

console.log(JSON.stringify(checks));
