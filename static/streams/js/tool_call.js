// A tool's call on the page: one line that opens to arguments and result; a card while it waits for
// a person. Its state is that of run_steps.js.

import { callWords, decidedWords, noteWords } from "./call_sentences.js";
import { fieldsOf } from "./exact_json.js";
import { paint } from "./paint_queue.js";

const SHOWN = 20_000; // as in streams/views/call_presenter.py

export class ToolCall {
  version = 0;
  #element;
  #model;
  #text;
  #call = null;
  #open = true; // the run has not ended

  constructor(element, model) {
    this.#element = element;
    this.#model = model;
    this.#text = element.dataset.source ?? "";
  }

  get text() {
    return this.#text;
  }

  // Nothing is under way: what comes next is the model's.
  get settled() {
    return !["", "approved", "running", "waiting"].includes(this.#call?.status ?? "");
  }

  add(text) {
    this.replace(this.#text + text);
  }

  replace(text) {
    this.#text = text;
    paint(this);
  }

  end() {
    paint(this);
  }

  // `open`: whether the run goes on; `place` is where the call is decided; `here` this device.
  show(call, { open, here, place }) {
    const before = this.#call?.status;
    this.#call = call && { ...call };
    this.#open = open;
    if (!call) return this.paint();
    this.#element.dataset.status = call.status;
    if (before !== call.status) this.#turned(before, call, place);
    this.#say(".progress", call.progress);
    this.#say(".decided", decidedWords(call, here));
    if (call.result !== null) this.#showResult(call.result);
    this.paint();
  }

  paint() {
    const status = this.#call?.status ?? "";
    const fields = this.#showFields();
    const { name } = this.#element.dataset;
    this.#say(".call-words", callWords({ model: this.#model, name, status, fields, open: this.#open }));
    this.#say(".call-note", this.#call && noteWords(this.#call));
  }

  // A person's decision is on its way, or was refused.
  hold(held) {
    for (const button of this.#element.querySelectorAll("form button")) button.disabled = held;
  }

  #turned(before, call, place) {
    const [decision, again] = this.#element.querySelectorAll("form");
    decision.action = place(call, "decision");
    again.action = place(call, "again");
    decision.toggleAttribute("data-client", call.client);
    this.hold(false);
    const details = this.#element.querySelector("details");
    if (call.status === "waiting") details.open = true;
    else if (before === "waiting") details.open = false;
  }

  #showFields() {
    const fields = fieldsOf(this.#text);
    const [list, raw] = this.#element.querySelectorAll(".arguments, .arguments-raw");
    list.hidden = fields === null;
    raw.hidden = fields !== null;
    const written = fields === null ? this.#text : "";
    if (raw.textContent !== written) raw.textContent = written;
    if (fields && list.dataset.of !== this.#text) list.replaceChildren(...fields.map(row));
    list.dataset.of = this.#text;
    return fields;
  }

  #showResult(result) {
    const text = result.length > SHOWN ? cut(result) : result;
    this.#say(".result", text);
    this.#element.querySelector(".returned").hidden = !text;
  }

  #say(selector, words) {
    const place = this.#element.querySelector(selector);
    if (place.textContent !== (words ?? "")) place.textContent = words ?? "";
  }
}

function row([name, value]) {
  const element = document.createElement("div");
  const term = Object.assign(document.createElement("dt"), { textContent: name });
  const description = Object.assign(document.createElement("dd"), { dir: "auto", textContent: value });
  element.append(term, description);
  return element;
}

function cut(text) {
  const characters = [...text];
  return characters.length > SHOWN ? `${characters.slice(0, SHOWN).join("")}…` : text;
}
