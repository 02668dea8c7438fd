// One answer on the page and the run behind it; `state` is what streams/views/transcript_presenter.py calls so.

import { Block } from "./block.js";
import { showTime } from "./clock.js";
import { endings, gettext, modelWords, ngettext, unfinished, unknown } from "./gettext.js";
import { LostAttempt } from "./lost_attempt.js";
import { RunSteps } from "./run_steps.js";
import { ToolCall } from "./tool_call.js";
import { WorkFold } from "./work_fold.js";
import { WorkTime } from "./work_time.js";

const READABLE = ["text", "refusal"];
// Why nothing comes, by what the run's `worker` is said to be.
const WAITS = {
  alive: gettext("Still waiting…"),
  lost: gettext("Its server has gone silent. Another takes over in a moment…"),
  none: gettext("No server is there to answer. It begins as soon as one is."),
};

export class Answer {
  blocks = new Map();
  #blocks;
  #formatter;
  #old = null;
  #fold;
  #time;
  #device = null; // who looks, once it is known

  constructor(element, formatter) {
    this.element = element;
    this.#time = new WorkTime(element.dataset, this.status === "running");
    this.steps = new RunSteps(JSON.parse(element.dataset.steps ?? "{}"));
    this.#blocks = element.querySelector(".blocks");
    this.#fold = new WorkFold(this.#blocks);
    this.#formatter = formatter;
    for (const each of this.#blocks.querySelectorAll("[data-index]")) {
      if (this.open || each.dataset.kind === "tool_call") this.#know(each);
    }
    if (this.open) for (const block of [...this.blocks.values()].slice(0, -1)) block.end();
  }

  static fresh(template, { run, prompt, message, model, rank = 0 }, formatter) {
    const element = template.content.firstElementChild.cloneNode(true);
    Object.assign(element.dataset, { run, prompt, message, model, rank, status: "queued", attempt: 0 });
    element.setAttribute("aria-busy", "true");
    for (const each of element.querySelectorAll(".answer-model")) each.textContent = modelWords(model);
    showTime(element.querySelector(".about"), new Date());
    for (const [act, verb] of [["remove", "cancel"], ["retry", "retry"]]) {
      element.querySelector(`[data-act="${act}"]`).action = place(run, verb);
    }
    return new Answer(element, formatter);
  }

  get run() {
    return this.element.dataset.run;
  }

  get prompt() {
    return this.element.dataset.prompt;
  }

  get status() {
    return this.element.dataset.status;
  }

  get attempt() {
    return Number(this.element.dataset.attempt);
  }

  get rank() {
    return Number(this.element.dataset.rank);
  }

  get stopping() {
    return "stopping" in this.element.dataset;
  }

  get open() {
    return ["queued", "running", "waiting"].includes(this.status);
  }

  // It has steps, between which a prompt may join it.
  get steerable() {
    return this.element.dataset.model.startsWith("agent:");
  }

  // It has begun, and nothing else starts before it.
  get holdsTurn() {
    return this.status !== "queued" || this.attempt > 0;
  }

  get text() {
    const shown = [...this.#blocks.querySelectorAll(".block.text, .block.refusal")];
    return shown.map((each) => this.blocks.get(each.dataset.index)?.text ?? each.dataset.source)
      .join("\n\n");
  }

  requeue() {
    this.#time.pause();
    this.element.dataset.status = "queued";
    this.element.dataset.restarted = "";
  }

  start({ attempt, step, from_block = 0 }) {
    Object.assign(this.element.dataset, { status: "running", attempt });
    this.#time.go();
    this.steps.restart(step);
    if (from_block > 0) this.#discardFrom(from_block);
    else if (attempt > 1) this.#discard();
  }

  waitForPeople() {
    this.#time.pause();
    this.element.dataset.status = "waiting";
  }

  // Of a run with tools: `steps` is what static/streams/js/run_steps.js makes of it. Returns the
  // call that it is about.
  step(type, data) {
    this.steps.apply(type, data);
    this.#showCalls();
    return this.steps.calls.get(data.call_id);
  }

  // A prompt that is part of this answer from here on.
  join(prompt) {
    this.#blocks.append(prompt);
  }

  // This browser's device.
  set device(id) {
    this.#device = id;
    if (this.open) this.#showCalls();
  }

  // The call that a form within it is about.
  callOf(form) {
    return this.blocks.get(form.closest("[data-index]").dataset.index);
  }

  startBlock({ index, kind, name }) {
    const template = document.getElementById(`streams-${kind}-template`);
    if (!template) return;
    const element = template.content.firstElementChild.cloneNode(true);
    element.dataset.index = index;
    if (kind === "tool_call") Object.assign(element.dataset, { name: name ?? "", status: "" });
    this.#blocks.append(element);
    this.#know(element);
  }

  grow({ index, text }, replaces) {
    const block = this.blocks.get(String(index));
    if (!block) return;
    replaces ? block.replace(text) : block.add(text);
  }

  endBlock({ index }) {
    this.blocks.get(String(index))?.end();
  }

  askToStop() {
    this.element.dataset.stopping = "";
  }

  keepGoing() {
    delete this.element.dataset.stopping;
  }

  end(status, { stop_reason, stopped, error }) {
    const { dataset } = this.element;
    dataset.status = status;
    delete dataset.stopping;
    delete dataset.restarted;
    this.element.removeAttribute("aria-busy");
    this.#old?.remove();
    for (const block of this.blocks.values()) block.end();
    this.#time.pause();
    this.#showCalls();
    this.#say(".stopped", stopped);
    this.#say(".failed .sentence", error?.message && gettext(error.message));
    this.#say(".failure-code", error?.code);
    this.#say(".ending", ending(stop_reason));
    if (unfinished.includes(stop_reason)) dataset.unfinished = "";
  }

  waitFor(worker) {
    this.#say(".silent", WAITS[worker] ?? WAITS.alive);
  }

  // `ahead`: so many answers come first.
  update(ahead) {
    const state = this.#state(ahead > 0);
    this.#say(".ahead", waitingWords(ahead));
    if (this.element.dataset.state !== state) this.element.dataset.state = state;
  }

  #state(waiting) {
    if (!this.open) return this.status;
    if (waiting) return "waiting";
    if (this.stopping) return "stopping";
    if (this.status === "waiting") return "asking";
    return this.#readable() ? "streaming" : "thinking";
  }

  // As `Turn.thinking` in streams/views/transcript_presenter.py.
  #readable() {
    for (const each of [...this.#blocks.querySelectorAll("[data-index]")].reverse()) {
      const block = this.blocks.get(each.dataset.index);
      if (block instanceof ToolCall) return !block.settled;
      if (READABLE.includes(each.dataset.kind) && block?.text) return true;
    }
    return false;
  }

  #know(element) {
    const called = element.dataset.kind === "tool_call";
    const { model } = this.element.dataset;
    const block = called ? new ToolCall(element, model) : new Block(element, this.#formatter);
    this.blocks.set(element.dataset.index, block);
  }

  // Each call as it is now, and what has long been done behind a fold.
  #showCalls() {
    const { open } = this;
    const at = (call, verb) => place(this.run, `calls/${call.id}/${verb}`);
    const calls = new Map([...this.steps.calls.values()].map((call) => [String(call.block), call]));
    for (const [index, block] of this.blocks) {
      if (!(block instanceof ToolCall)) continue;
      block.show(calls.get(index), { open, here: this.#device, place: at });
    }
    this.#fold.arrange([...calls.values()], { open, seconds: this.#time.seconds });
  }

  // The old text gives way to the new without a jump. A third attempt takes the place of the first.
  #discard() {
    for (const block of this.blocks.values()) block.version += 1;
    this.blocks.clear();
    if (this.#old && !this.#old.gone) this.#blocks.replaceChildren();
    else this.#old = new LostAttempt(this.#blocks);
    this.element.dataset.restarted = "";
  }

  // What the steps that have ended have said stays.
  #discardFrom(first) {
    for (const [index, block] of this.blocks) {
      if (Number(index) < first) continue;
      block.version += 1;
      this.blocks.delete(index);
      this.#blocks.querySelector(`[data-index="${index}"]`)?.remove();
    }
  }

  #say(selector, words) {
    const place = this.element.querySelector(selector);
    if (place.textContent !== (words ?? "")) place.textContent = words ?? "";
  }
}

function ending(reason) {
  if (!reason) return "";
  return Object.hasOwn(endings, reason) ? gettext(endings[reason]) : gettext(unknown, { reason });
}

function waitingWords(ahead) {
  return ngettext(
    "Waiting for the answer before this one",
    "Waiting for %(count)d answers before this one",
    ahead,
  );
}

// Where a run is found, and what can be done to it.
export function place(run, verb) {
  const { run: pattern } = document.getElementById("streams-conversation").dataset;
  return pattern.replace(/[0-9a-f-]{36}/, run) + verb;
}
