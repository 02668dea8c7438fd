// TanStack AI's chat client, which goes on by itself after a cut.
// usage: node script.mjs URL TOKEN NAME MODEL

import { ChatClient, fetchServerSentEvents } from "@tanstack/ai-client";
import { ended, shown } from "./told.mjs";

const [url, token, name, model] = process.argv.slice(2);
const headers = { Authorization: `Bearer ${token}` };
const address = `${url}/ag-ui`;
const textOf = (message) =>
  message.parts.filter((it) => it.type === "text").map((it) => it.content).join("+");
const pieces = (messages) => messages.filter((it) => it.role === "assistant").map(textOf);

const errors = [];
const chat = new ChatClient({
  threadId: name,
  persistence: true,
  connection: fetchServerSentEvents(address, {
    headers,
    body: { model },
    reconnect: { delayMs: 20, maxAttempts: 500 },
  }),
  onMessagesChange: (messages) => shown(pieces(messages).join("|")),
  onError: (error) => errors.push(String(error)),
});
await chat.sendMessage(name).catch((error) => errors.push(String(error)));
const known = await (await fetch(`${address}?${new URLSearchParams({ threadId: name })}`, { headers })).json();
const stands = known.messages.filter((it) => it.role === "assistant").map((it) => it.content);
const messages = chat.getMessages();
ended({ pieces: pieces(messages), stands: stands.join("|"), messages: messages.length, end: errors.join() });
