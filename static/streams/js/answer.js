// One answer on the page and the run behind it; `state` is that of
// streams/views/transcript_presenter.py.

import { AnswerBlocks } from "./answer_blocks.js";
import { AnswerCalls } from "./answer_calls.js";
import { endingWords, silentWords, waitingWords } from "./answer_sentences.js";
import { showTime } from "./time_format.js";
import { clone } from "./template_clone.js";
import { gettext, modelWords, unfinished } from "./gettext.js";
import { runAddress } from "./run_address.js";
import { WorkTime } from "./work_time.js";

export class Answer {
  #blocks;
  #calls;
  #time;

  constructor(element, formatter) {
    this.element = element;
    const { model, steps } = element.dataset;
    const place = element.querySelector(".blocks");
    this.#time = new WorkTime(element.dataset, this.status === "running");
    this.#blocks = new AnswerBlocks(place, { formatter, model, open: this.open });
    this.#calls = new AnswerCalls(this.run, this.#blocks, place, steps);
  }

  static fresh({ run, prompt, message, model, rank = 0 }, formatter) {
    const element = clone("streams-answer-template");
    Object.assign(element.dataset, { run, prompt, message, model, rank, status: "queued", attempt: 0 });
    element.setAttribute("aria-busy", "true");
    for (const each of element.querySelectorAll(".answer-model")) each.textContent = modelWords(model);
    showTime(element.querySelector(".about"), new Date());
    for (const [act, verb] of [["remove", "cancel"], ["retry", "retry"]]) {
      element.querySelector(`[data-act="${act}"]`).action = runAddress(run, verb);
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
    return this.#blocks.text;
  }

  requeue() {
    this.#time.pause();
    this.element.dataset.status = "queued";
    this.element.dataset.restarted = "";
  }

  start({ attempt, step, from_block = 0 }) {
    Object.assign(this.element.dataset, { status: "running", attempt });
    this.#time.go();
    this.#calls.restart(step);
    if (from_block > 0) this.#blocks.discardFrom(from_block);
    else if (attempt > 1) this.#beginAgain();
  }

  waitForPeople() {
    this.#time.pause();
    this.element.dataset.status = "waiting";
  }

  // Of a run with tools. Returns the call that it is about.
  step(type, data) {
    const call = this.#calls.apply(type, data);
    this.#showCalls();
    return call;
  }

  // A prompt that is part of this answer from here on.
  join(prompt) {
    this.#blocks.append(prompt);
  }

  // This browser's device.
  set device(id) {
    this.#calls.device = id;
    if (this.open) this.#showCalls();
  }

  // The call that a form within it is about.
  callOf(form) {
    return this.#blocks.holding(form);
  }

  startBlock(data) {
    this.#blocks.start(data);
  }

  grow(data, replaces) {
    this.#blocks.grow(data, replaces);
  }

  endBlock(data) {
    this.#blocks.end(data);
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
    this.#blocks.endAll();
    this.#time.pause();
    this.#showCalls();
    this.#say(".stopped", stopped);
    this.#say(".failed .sentence", error?.message && gettext(error.message));
    this.#say(".failure-code", error?.code);
    this.#say(".ending", endingWords(stop_reason));
    if (unfinished.includes(stop_reason)) dataset.unfinished = "";
  }

  waitFor(worker) {
    this.#say(".silent", silentWords(worker));
  }

  // `ahead`: so many answers come first, the one that it `joins`, if any, included.
  update(ahead, joins) {
    const state = this.#state(ahead > 0);
    this.#say(".ahead", waitingWords(ahead, joins));
    if (this.element.dataset.state !== state) this.element.dataset.state = state;
  }

  #state(waiting) {
    if (!this.open) return this.status;
    if (waiting) return "waiting";
    if (this.stopping) return "stopping";
    if (this.status === "waiting") return "asking";
    return this.#blocks.readable ? "streaming" : "thinking";
  }

  #beginAgain() {
    this.#blocks.discardAll();
    this.element.dataset.restarted = "";
  }

  #showCalls() {
    this.#calls.show({ open: this.open, seconds: this.#time.seconds });
  }

  #say(selector, words) {
    const place = this.element.querySelector(selector);
    if (place.textContent !== (words ?? "")) place.textContent = words ?? "";
  }
}
