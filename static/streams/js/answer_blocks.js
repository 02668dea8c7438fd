// The blocks of one answer on the page: events of its run add them and make them grow, and remove
// them when their attempt was lost.

import { answerText } from "./answer_text.js";
import { Block } from "./block.js";
import { clone } from "./template_clone.js";
import { LostAttempt } from "./lost_attempt.js";
import { ToolCall } from "./tool_call.js";

const READABLE = ["text", "refusal"];

export class AnswerBlocks {
  #place;
  #formatter;
  #model;
  #known = new Map(); // by index, as its element says it
  #lost = null;

  // `place` holds the elements. Of an answer that has ended, those the server drew are complete; the
  // calls among them are known nevertheless, since a person may still do something about one.
  constructor(place, { formatter, model, open }) {
    this.#place = place;
    this.#formatter = formatter;
    this.#model = model;
    for (const each of place.querySelectorAll("[data-index]")) {
      if (open || each.dataset.kind === "tool_call") this.#know(each);
    }
    if (open) for (const block of [...this.#known.values()].slice(0, -1)) block.end();
  }

  get text() {
    return answerText(this.#place, (each) => this.#of(each)?.text);
  }

  // The calls of tools among them.
  get calls() {
    return [...this.#known].filter(([, block]) => block instanceof ToolCall);
  }

  // Whether there is something to read since the last call. As `Turn.thinking` in
  // streams/views/transcript_presenter.py.
  get readable() {
    for (const each of [...this.#place.querySelectorAll("[data-index]")].reverse()) {
      const block = this.#of(each);
      if (block instanceof ToolCall) return !block.settled;
      if (READABLE.includes(each.dataset.kind) && block?.text) return true;
    }
    return false;
  }

  // The block that an element is, or is in.
  holding(element) {
    return this.#of(element.closest("[data-index]"));
  }

  start({ index, kind, name }) {
    const template = document.getElementById(`streams-${kind}-template`);
    if (!template) return; // of a kind that this page does not know
    const element = clone(template.id);
    element.dataset.index = index;
    if (kind === "tool_call") Object.assign(element.dataset, { name: name ?? "", status: "" });
    this.#place.append(element);
    this.#know(element);
  }

  grow({ index, text }, replaces) {
    const block = this.#known.get(String(index));
    if (!block) return;
    replaces ? block.replace(text) : block.add(text);
  }

  end({ index }) {
    this.#known.get(String(index))?.end();
  }

  endAll() {
    this.#lost?.remove();
    for (const block of this.#known.values()) block.end();
  }

  // A prompt that joined the answer stands among its blocks.
  append(prompt) {
    this.#place.append(prompt);
  }

  // The old text gives way to the new without a jump. A third attempt takes the place of the first.
  discardAll() {
    for (const block of this.#known.values()) block.version += 1;
    this.#known.clear();
    if (this.#lost && !this.#lost.gone) this.#place.replaceChildren();
    else this.#lost = new LostAttempt(this.#place);
  }

  // What the steps that have ended have said stays.
  discardFrom(first) {
    for (const [index, block] of this.#known) {
      if (Number(index) < first) continue;
      block.version += 1;
      this.#known.delete(index);
      this.#place.querySelector(`[data-index="${index}"]`)?.remove();
    }
  }

  #of(element) {
    return this.#known.get(element.dataset.index);
  }

  #know(element) {
    const called = element.dataset.kind === "tool_call";
    const block = called ? new ToolCall(element, this.#model) : new Block(element, this.#formatter);
    this.#known.set(element.dataset.index, block);
  }
}
