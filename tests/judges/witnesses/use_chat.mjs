// The AI SDK's `useChat` in a React page, which resumes on the same page as often as it is cut.
// usage: node script.mjs URL TOKEN NAME MODEL

import { JSDOM } from "jsdom";
import { ended, shown, sleep } from "./told.mjs";

const [url, token, name, model] = process.argv.slice(2);
const { window } = new JSDOM("<main></main>");
Object.assign(globalThis, { window, document: window.document, IS_REACT_ACT_ENVIRONMENT: false });
const { createElement, useEffect } = await import("react");
const { createRoot } = await import("react-dom/client");
const { Chat, useChat } = await import("@ai-sdk/react");
const { DefaultChatTransport } = await import("ai");

const api = `${url}/api/chat`;
const headers = { Authorization: `Bearer ${token}` };
const main = document.querySelector("main");
const pieces = () => [...main.querySelectorAll(".assistant span")].map((it) => it.textContent);

async function loaded() {
  return (await (await fetch(`${api}/${encodeURIComponent(name)}`, { headers })).json()).messages;
}

function Page({ chat }) {
  const { messages } = useChat({ chat });
  useEffect(() => shown(pieces().join("|")));
  return messages.map((message) =>
    createElement("p", { key: message.id, className: message.role },
      message.parts.map((part, at) => part.type === "text" && createElement("span", { key: at }, part.text))),
  );
}

const transport = new DefaultChatTransport({ api, headers, body: { model } });
const chat = new Chat({ id: name, transport, onError: () => {} });
createRoot(main).render(createElement(Page, { chat }));
await chat.sendMessage({ text: name });
while (chat.status === "error") {
  await sleep(20);
  await chat.resumeStream();
  if (chat.status === "ready") chat.messages = await loaded(); // there may be nothing left to resume
}
const held = () => chat.messages.at(-1).parts.filter((it) => it.type === "text").map((it) => it.text);
for (let n = 0; n < 100 && pieces().join("|") !== held().join("|"); n++) await sleep(20); // rendered
const stands = (await loaded()).at(-1).parts.filter((it) => it.type === "text").map((it) => it.text).join("");
ended({ pieces: pieces(), stands, messages: main.querySelectorAll("p").length, end: chat.status });
