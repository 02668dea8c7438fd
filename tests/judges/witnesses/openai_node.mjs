// openai-node in background mode, which goes on behind the last event as often as it is cut.
// usage: node script.mjs URL TOKEN NAME MODEL

import OpenAI from "openai";
import { ended, shown, sleep } from "./told.mjs";

const [url, token, name, model] = process.argv.slice(2);
const { responses } = new OpenAI({ apiKey: token, baseURL: `${url}/v1` });
const events = [];

async function read(asked) {
  for await (const event of await asked) {
    events.push(event);
    shown(pieces().join("|"));
  }
}

function pieces() {
  const items = new Map();
  for (const event of events) {
    if (event.type !== "response.output_text.delta") continue;
    items.set(event.item_id, (items.get(event.item_id) ?? "") + event.delta);
  }
  return [...items.values()];
}

const over = () => /^response\.(completed|incomplete|failed)$/.test(events.at(-1)?.type);
let asked = () => responses.create({ model, input: name, background: true, stream: true });
while (!over()) {
  await read(asked()).catch(() => sleep(20));
  const [first] = events;
  const after = { stream: true, starting_after: events.at(-1)?.sequence_number };
  if (first) asked = () => responses.retrieve(first.response.id, after);
}
const { response } = events.at(-1);
const stands = (await responses.retrieve(response.id)).output_text;
const gapless = events.every((event, at) => event.sequence_number === at);
const end = gapless ? response.status : "the numbers have gaps";
ended({ pieces: pieces(), stands, messages: 2, end });
