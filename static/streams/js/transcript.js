// The conversation on the page: what streams/log/transcript.py does to a list, done to the document.
// No network; whoever reads the stream hands each event in, in order and once.

import { Answer } from "./answer.js";
import { fill } from "./clock.js";
import { clone } from "./clone.js";
import { gettext } from "./gettext.js";
import { markLong } from "./long_prompt.js";
import { OtherBranches } from "./other_branches.js";
import { Siblings } from "./siblings.js";

export class Transcript {
  #element;
  #formatter;
  #device;
  #answers = new Map(); // by run, in the order they were queued
  #others; // branches that are not shown
  #siblings;
  #replaced = new Map(); // what stood where another answer stands now, by the element of that
  #later = 2 ** 40; // counts runs that were queued since the page was made
  #on;

  constructor(element, { formatter, device }) {
    this.#element = element;
    this.#formatter = formatter;
    this.#device = device;
    this.#others = new OtherBranches(element.dataset);
    this.#siblings = new Siblings(element);
    for (const each of element.querySelectorAll(".answer[data-run]")) {
      this.#know(new Answer(each, formatter));
    }
    this.#sortByQueue();
  }

  // `on` hears: changed(), posted(message, clientKey), queued(clientKey), takenBack(text, device),
  // said(words); and of branches: elsewhere(message, clientKey), a message or an answer that is not
  // shown; replaced(), an answer by another; left(message), when that is what should be shown.
  wire(on) {
    this.#on = on;
    this.refresh();
  }

  // This browser's, known a little later on a page of a site's own.
  set device(id) {
    this.#device = id;
    for (const answer of this.#answers.values()) answer.device = id;
  }

  // The run that Stop stops, of those on the page: the running one, else the first that waits.
  get front() {
    return this.#inTurn().find((it) => it instanceof Answer) ?? null;
  }

  // Whether there are messages in branches that are not shown.
  get branched() {
    return this.#others.any;
  }

  // The last message on the page, by which its branch is known; "" before there is one.
  get end() {
    return this.#element.lastElementChild?.dataset.message ?? "";
  }

  // Answers from before those on the page, which are put above them.
  knowEarlier(elements) {
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
    this.#replaced.clear();
    this.#others.clear();
    this.refresh();
  }

  // Nothing more will come; what has been said stands.
  close() {
    for (const answer of this.#answers.values()) if (answer.open) answer.end("cancelled", {});
    this.refresh();
  }

  apply({ type, data, replaces }) {
    const answer = this.#answers.get(data.run);
    if (!answer && this.#isElsewhere(type, data)) this.#elsewhere(type, data);
    else this.#applyHere(answer, { type, data, replaces });
    this.refresh();
  }

  #isElsewhere(type, data) {
    if (type === "message.created") return !this.has(data.message) && !this.#continues(data.parent);
    return data.run !== undefined && !(type === "run.queued" && this.takesAnother(data.prompt));
  }

  #applyHere(answer, { type, data, replaces }) {
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
  }

  #created({ message, role, text, client_key, parent }) {
    if (this.has(message)) return;
    if (role === "assistant") throw new Error("said elsewhere: the server draws it");
    const element = clone("streams-prompt-template");
    element.dataset.message = message;
    if (client_key) element.dataset.clientKey = client_key;
    if (parent) element.dataset.parent = parent;
    element.querySelector(".edit-link").href = editPlace(message);
    element.querySelector(".said").textContent = text;
    markLong(element, text);
    fill(element.querySelector("time"), new Date());
    this.#element.append(element);
    this.#others.created(message);
    this.#on.posted(message, client_key);
  }

  // Whether a message that follows `parent` is of the branch on the page.
  #continues(parent) {
    const last = this.#element.lastElementChild;
    if (parent === undefined) return !this.#others.any || this.#atNewest();
    if (!last || !parent) return !last && !parent;
    const joined = last.querySelectorAll(".prompt[data-message]");
    return [last, ...joined][joined.length].dataset.message === parent;
  }

  #atNewest() {
    const { newest } = this.#others;
    const answer = this.#current(newest);
    return this.has(newest) && (!answer || this.#siblings.isLast(answer));
  }

  // Whether one more answer to a prompt is shown in the place of the last one, since all that
  // follows on the page follows whichever is the last.
  takesAnother(prompt) {
    const current = this.#current(prompt);
    if (!current) return this.has(prompt);
    return this.#siblings.isLast(current) && !current.nextElementSibling?.dataset.parent;
  }

  // An event of a branch that is not shown: only counts change.
  #elsewhere(type, data) {
    switch (type) {
      case "message.created": this.#createdElsewhere(data); break;
      case "run.queued": this.#queuedElsewhere(data); break;
      case "run.started": this.#others.started(data.run); break;
      case "run.steered": this.#others.started(data.absorbed); this.#others.ended(data.absorbed); break;
      case "run.completed":
      case "run.failed":
      case "run.cancelled":
        for (const id of this.#others.ended(data.run)) this.#siblings.remove(id);
    }
  }

  #createdElsewhere({ message, client_key, parent }) {
    this.#others.any = true;
    this.#others.created(message);
    const place = parent === undefined ? null : this.#behind(parent);
    if (place) this.#siblings.add(place, message);
    this.#on.elsewhere(message, client_key);
  }

  #queuedElsewhere(data) {
    const current = this.#current(data.prompt);
    this.#others.any = true;
    this.#others.queued(data, this.#later++);
    if (!current) return;
    this.#siblings.add(current, data.message);
    this.#on.elsewhere(data.message);
  }

  // The prompt on the page that follows a message.
  #behind(parent) {
    const whole = !this.#element.closest(".conversation")?.querySelector("#streams-earlier");
    const next = parent ? this.#find(parent)?.nextElementSibling : whole && this.#element.firstElementChild;
    return next && next.matches(".prompt") ? next : null;
  }

  #queued(data) {
    const template = document.getElementById("streams-answer-template");
    const answer = Answer.fresh(template, data, this.#formatter);
    this.#know(answer);
    const prompt = this.#find(data.prompt);
    const current = this.#current(data.prompt);
    if (current) this.#replace(current, answer.element);
    else (prompt ?? this.#element.lastElementChild).after(answer.element);
    this.#on.queued(prompt?.dataset.clientKey);
  }

  // The one before stays a step away: it is another branch from now on.
  #replace(current, element) {
    this.#replaced.set(element, current);
    this.#siblings.show(element, [...this.#siblings.of(current), element.dataset.message]);
    current.replaceWith(element);
    this.#others.any = true;
    this.#on.replaced();
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
    const { prompt, element } = answer;
    const left = this.#siblings.of(element).filter((id) => id !== element.dataset.message);
    if (left.length) return this.#bringBack(element, left);
    element.remove();
    const asked = this.#find(prompt);
    const text = asked?.querySelector(".said").textContent;
    const others = asked ? this.#siblings.of(asked).filter((id) => id !== prompt) : [];
    asked?.remove();
    this.#others.removed(prompt);
    this.#on.takenBack(text, device?.id === this.#device);
    if (others.length) this.#on.left(others.at(-1));
  }

  #bringBack(element, ids) {
    const before = this.#replaced.get(element);
    if (!before) return this.#on.left(ids.at(-1));
    element.replaceWith(before);
    this.#siblings.show(before, ids);
  }

  #know(answer) {
    answer.device = this.#device;
    answer.at = Number(answer.element.dataset.seq) || this.#later++;
    this.#answers.set(answer.run, answer);
  }

  // The page stands in reading order; runs were queued in the order of their answers' numbers.
  #sortByQueue() {
    const byNumber = [...this.#answers.values()].sort((a, b) => a.at - b.at);
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
    const first = (run) => (run.holdsTurn ? -Infinity : run.rank);
    const here = [...this.#answers.values()].filter((answer) => answer.open);
    const open = [...here, ...this.#others.open];
    return open.sort((a, b) => (first(a) < first(b) ? -1 : first(a) > first(b) ? 1 : a.at - b.at));
  }

  // The answer to a prompt that is shown.
  #current(prompt) {
    return this.#element.querySelector(`:scope > .answer[data-prompt="${prompt}"]`);
  }

  #find(message) {
    return this.#element.querySelector(`[data-message="${message}"]`);
  }
}

function editPlace(message) {
  const { edit } = document.getElementById("streams-conversation").dataset;
  return edit.replace("00000000-0000-0000-0000-000000000000", message);
}
