// The React page of docs/dialects/ai-sdk.md, in a browser's place; prints {check: "ok" or why not}.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { transformSync } from "esbuild";
import { JSDOM } from "jsdom";

const [url, token] = process.argv.slice(2);
const { window } = new JSDOM("<main></main>");
Object.assign(globalThis, { window, document: window.document, FormData: window.FormData });
globalThis.IS_REACT_ACT_ENVIRONMENT = false;
const { createElement } = await import("react");
const { createRoot } = await import("react-dom/client");
const options = { loader: "jsx", jsx: "automatic" };
writeFileSync("page.mjs", transformSync(readFileSync("page.jsx", "utf8"), options).code);
const { ChatPage } = await import(`${process.cwd()}/page.mjs`);

const api = `${url}/api/chat`;
const headers = { Authorization: `Bearer ${token}` };
const main = document.querySelector("main");
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function until(check) {
  for (let n = 0; !check(); n++) {
    if (n > 500) assert.fail(`never: ${check}: ${main.innerHTML}`);
    await sleep(20);
  }
}

async function load(id) {
  /* LOADING */
  const root = createRoot(main);
  root.render(createElement(ChatPage, { id, api, token, messages }));
  await until(() => main.querySelector("form"));
  return root;
}

const answer = () => main.querySelector(".assistant")?.textContent ?? "";

async function walk() {
  let root = await load("a page");
  main.querySelector("input").value = "Hello";
  main.querySelector("form").requestSubmit();
  await until(() => answer().length > 20);
  root.unmount(); // a reload
  root = await load("a page");
  await until(() => answer().length > 40 && main.querySelector("button"));
  main.querySelector("button").click();
  await until(() => !main.querySelector("button"));
  const { messages } = await (await fetch(`${api}/a%20page`, { headers })).json();
  const stored = messages[1].parts.filter((it) => it.type === "text").map((it) => it.text);
  assert.equal(answer(), stored.join(""));
  assert.equal(main.querySelectorAll("p").length, 2);
}

const result = await walk().then(
  () => "ok",
  (error) => String(error.stack).slice(0, 900),
);
console.log(JSON.stringify({ walk: result }));
process.exit(0);
