// AG-UI's HttpAgent, which asks again for the same run as often as it is cut, or joins the run JOINED.
// usage: node script.mjs URL TOKEN NAME MODEL [JOINED]

import { HttpAgent } from "@ag-ui/client";
import { ended, shown, sleep } from "./told.mjs";

const [url, token, name, model, joined] = process.argv.slice(2);
const headers = { Authorization: `Bearer ${token}` };
const address = `${url}/ag-ui`;
const joining = `${address}?${new URLSearchParams({ offset: "-1", runId: joined })}`;
const options = joined ? { fetch: () => fetch(joining, { headers }) } : {};
const prompt = { id: `${name} prompt`, role: "user", content: name };
const pieces = (messages) => messages.filter((it) => it.role === "assistant").map((it) => it.content);

// A cut is told to the subscriber, and beside that rejects a promise that nobody can hold.
process.on("unhandledRejection", () => {});

async function run() {
  const known = { url: address, headers, threadId: name, initialMessages: joined ? [] : [prompt] };
  const agent = new HttpAgent({ ...known, ...options });
  let last;
  const onEvent = ({ event, messages }) => {
    last = event;
    shown(pieces(messages).join("|"));
  };
  const onMessagesChanged = ({ messages }) => shown(pieces(messages).join("|"));
  const asked = { runId: joined || `${name} run`, forwardedProps: { model } };
  await agent.runAgent(asked, { onEvent, onMessagesChanged, onRunFailed: () => {} }).catch(() => {});
  return { last, messages: agent.messages };
}

let seen = await run();
while (!["RUN_FINISHED", "RUN_ERROR"].includes(seen.last?.type)) {
  await sleep(20);
  seen = await run();
}
const known = await (await fetch(`${address}?${new URLSearchParams({ threadId: name })}`, { headers })).json();
ended({
  pieces: pieces(seen.messages),
  stands: pieces(known.messages).join("|"),
  messages: seen.messages.length,
  end: seen.last.outcome?.type ?? seen.last.code,
});
