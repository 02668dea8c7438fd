// The conversation on the page: what streams/log/transcript.py does to a list, done to the document.
// No network; whoever reads the stream hands each event in, in order and once.

import { Answer } from "./answer.js";
import { showTime } from "./clock.js";
import { gettext } from "./gettext.js";
import { markLong } from "./long_prompt.js";

export class Transcript {
  #element;
  #formatter;
  #device;
  #answers = new Map(); // by run, in the order they were queued
  #branched; // there are messages that are not shown
  #left = new Map(); // what stood where a message of another branch stands now, by that message
  #on;

  constructor(element, { formatter, device }) {
    this.#element = element;
    this.#formatter = formatter;
    this.#device = device;
    this.#branched = "branched" in element.dataset;
    for (const each of element.querySelectorAll(".answer[data-run]")) {
      this.#know(new Answer(each, formatter));
    }
    this.#sortByQueue();
  }

  // `on` hears: changed(), posted(message, clientKey), queued(clientKey), takenBack(text, device),
  // said(words).
  wire(on) {
    this.#on = on;
    this.refresh();
  }

  // This browser's, known a little later on a page of a site's own.
  set device(id) {
    this.#device = id;
    for (const answer of this.#answers.values()) answer.device = id;
  }

  // The run that Stop stops: the running one, else the first that waits.
  get front() {
    return this.#inTurn()[0] ?? null;
  }

  // Answers from before those on the page, which are put above them.
  knowEarlier(elements) {
    this.#branched = true;
    for (const each of elements) {
      const answers = [each, ...each.querySelectorAll(".answer[data-run]")];
      for (const one of answers.filter((it) => it.matches(".answer[data-run]"))) {
        this.#know(new Answer(one, this.#formatter));
      }
    }
    this.#sortByQueue();
    this.refresh();
  }

  answer(run) {
    return this.#answers.get(run);
  }

  has(message) {
    return this.#find(message) !== null;
  }

  hasPrompt(key) {
    return this.#element.querySelector(`[data-client-key="${CSS.escape(key)}"]`) !== null;
  }

  clear() {
    this.#element.replaceChildren();
    this.#answers.clear();
    this.#left.clear();
    this.#branched = false;
    this.refresh();
  }

  // Nothing more will come; what has been said stands.
  close() {
    for (const answer of this.#answers.values()) if (answer.open) answer.end("cancelled", {});
    this.refresh();
  }

  apply({ type, data, replaces }) {
    const answer = this.#answers.get(data.run);
    if (data.run && !answer && this.#branched && !this.#find(data.prompt)) return;
    switch (type) {
      case "message.created": this.#created(data); break;
      case "run.queued": answer ? answer.requeue() : this.#queued(data); break;
      case "run.started": answer.start(data); break;
      case "run.waiting": answer.waitForPeople(); break;
      case "run.steered": this.#steered(data); break;
      case "step.started":
      case "step.ended":
      case "tool.waiting":
      case "tool.decided":
      case "tool.started":
      case "tool.progress":
      case "tool.ended": this.#stepped(answer, type, data); break;
      case "block.started": answer.startBlock(data); break;
      case "block.delta": answer.grow(data, replaces); break;
      case "block.ended": answer.endBlock(data); break;
      case "run.cancel_requested": answer.askToStop(); break;
      case "run.completed": this.#ended(answer, "completed", data, gettext("Answer finished")); break;
      case "run.failed": this.#ended(answer, "failed", { error: data }, gettext(data.message)); break;
      case "run.cancelled": this.#cancelled(answer, data); break;
    }
    this.refresh();
  }

  #created({ message, role, text, client_key, parent }) {
    if (this.has(message)) return;
    if (role === "assistant") throw new Error("said elsewhere: the server draws it");
    if (parent !== undefined) this.#branch(message, parent);
    const element = clone("streams-prompt-template");
    element.dataset.message = message;
    if (client_key) element.dataset.clientKey = client_key;
    element.querySelector(".said").textContent = text;
    markLong(element, text);
    showTime(element.querySelector(".about"), new Date());
    this.#element.append(element);
    this.#on.posted(message, client_key);
  }

  // A message that follows another than the last one leaves what is behind that one.
  #branch(message, parent) {
    const all = [...this.#element.children];
    const at = all.findIndex((each) => each.dataset.message === parent);
    if (parent && at < 0) throw new Error("it follows a message that is not shown");
    const left = document.createDocumentFragment();
    left.append(...all.slice(at + 1));
    this.#left.set(message, left);
    this.#branched = true;
  }

  #queued(data) {
    const template = document.getElementById("streams-answer-template");
    const answer = Answer.fresh(template, data, this.#formatter);
    this.#know(answer);
    const prompt = this.#find(data.prompt);
    const earlier = this.#setAside(data.prompt);
    (earlier ?? prompt ?? this.#element.lastElementChild).after(answer.element);
    this.#on.queued(prompt?.dataset.clientKey);
  }

  // Answers a new one replaces go behind a fold; nothing is returned when there are none.
  #setAside(prompt) {
    const current = this.#element.querySelector(`:scope > .answer[data-prompt="${prompt}"]`);
    if (!current) return null;
    let fold = this.#element.querySelector(`:scope > .earlier[data-prompt="${prompt}"]`);
    if (!fold) {
      fold = document.createElement("details");
      fold.className = "earlier";
      fold.dataset.prompt = prompt;
      fold.append(Object.assign(document.createElement("summary"), { textContent: gettext("Earlier answer") }));
      current.before(fold);
    }
    fold.append(current);
    return fold;
  }

  // A prompt joined a running answer: the one that was to answer it alone is no more.
  #steered({ run, message, absorbed }) {
    this.#answers.get(absorbed)?.element.remove();
    this.#answers.delete(absorbed);
    const prompt = this.#find(message);
    if (prompt) this.#answers.get(run).join(prompt);
  }

  #stepped(answer, type, data) {
    const call = answer.step(type, data);
    if (type === "tool.waiting" && call) this.#on.said(gettext("It needs your decision"));
  }

  #ended(answer, status, details, words) {
    answer.end(status, details);
    this.#on.said(words);
  }

  #cancelled(answer, { device }) {
    if (answer.attempt === 0) return this.#takeBack(answer, device);
    const other = device && device.id !== this.#device;
    const stopped = other
      ? gettext("Stopped by %(name)s", { name: device.name })
      : gettext("Stopped");
    this.#ended(answer, "cancelled", { stopped }, stopped);
  }

  // A run that never began leaves with its answer, and with a prompt nothing else answers.
  #takeBack(answer, device) {
    this.#answers.delete(answer.run);
    const { prompt } = answer;
    answer.element.remove();
    if ([...this.#answers.values()].some((other) => other.prompt === prompt)) {
      return this.#bringBack(prompt);
    }
    const element = this.#find(prompt);
    const text = element?.querySelector(".said").textContent;
    element?.remove();
    this.#element.append(this.#left.get(prompt) ?? "");
    this.#left.delete(prompt);
    this.#on.takenBack(text, device?.id === this.#device);
  }

  #bringBack(prompt) {
    const fold = this.#element.querySelector(`:scope > .earlier[data-prompt="${prompt}"]`);
    if (!fold) return;
    fold.after(fold.lastElementChild);
    if (!fold.querySelector(".answer")) fold.remove();
  }

  #know(answer) {
    answer.device = this.#device;
    this.#answers.set(answer.run, answer);
  }

  // The page stands in reading order; runs were queued in the order of their answers' numbers.
  #sortByQueue() {
    const byNumber = [...this.#answers.values()].sort(
      (a, b) => a.element.dataset.seq - b.element.dataset.seq,
    );
    this.#answers = new Map(byNumber.map((answer) => [answer.run, answer]));
  }

  refresh() {
    const inTurn = this.#inTurn();
    for (const answer of this.#answers.values()) {
      answer.update(Math.max(0, inTurn.indexOf(answer)));
    }
    this.#on.changed();
  }

  // The open ones as they will be answered: streams/log/transcript.py says the same.
  #inTurn() {
    const first = (answer) => (answer.holdsTurn ? -Infinity : answer.rank);
    const open = [...this.#answers.values()].filter((answer) => answer.open);
    return open.sort((a, b) => (first(a) < first(b) ? -1 : first(a) > first(b) ? 1 : 0));
  }

  #find(message) {
    return this.#element.querySelector(`[data-message="${message}"]`);
  }
}

export function clone(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}
