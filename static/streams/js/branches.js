// The branches of a conversation; the page shows one. Tells which events belong to it, and which
// events of other branches change the counts `‹ 2/3 ›` under its messages.

import { HiddenBranches } from "./hidden_branches.js";
import { Siblings } from "./siblings.js";

export class Branches {
  #element;
  #shown;
  #others;
  #siblings;
  #cut = new Set(); // answers on the page whose followers have left it
  #replaced = new Map(); // what stood where another answer stands now, by the element of that
  #on;

  constructor(transcript, shown) {
    this.#element = transcript;
    this.#shown = shown;
    this.#others = new HiddenBranches(transcript.dataset);
    this.#siblings = new Siblings(transcript);
  }

  // `on` hears: elsewhere(message, clientKey), a message or an answer that is not shown; replaced(),
  // an answer by another; left(message), when that is what should be shown.
  wire(on) {
    this.#on = on;
  }

  // Whether there are messages in branches that are not shown.
  get any() {
    return this.#others.any;
  }

  // The runs there that have not ended.
  get open() {
    return this.#others.open;
  }

  clear() {
    this.#replaced.clear();
    this.#others.clear();
  }

  // Another branch is shown: the transcript's element says what is elsewhere.
  begin() {
    this.#cut.clear();
    this.#replaced.clear();
    this.#others = new HiddenBranches(this.#element.dataset);
  }

  // Whether a message that follows `parent` is of the branch on the page.
  continues(parent) {
    const { last } = this.#shown;
    if (parent === undefined) return !this.#others.any || this.#atNewest();
    if (!last || !parent) return !last && !parent;
    const joined = last.querySelectorAll(".prompt[data-message]");
    return [last, ...joined][joined.length].dataset.message === parent;
  }

  #atNewest() {
    const { newest } = this.#others;
    const answer = this.#shown.answerTo(newest);
    return this.#shown.has(newest) && (!answer || this.#siblings.isLast(answer));
  }

  // Whether one more answer to a prompt is shown in the place of the last one, since all that
  // follows on the page follows whichever is the last.
  takesAnother(prompt) {
    const answer = this.#shown.answerTo(prompt);
    if (!answer) return this.#shown.has(prompt);
    if (this.#cut.has(answer)) return true;
    return this.#siblings.isLast(answer) && !answer.nextElementSibling?.dataset.parent;
  }

  // A prompt has come to stand on the page.
  created(prompt) {
    this.#others.created(prompt);
  }

  // An event of a branch that is not shown: only counts change. `at` is a queued run's place.
  apply(type, data, at) {
    switch (type) {
      case "message.created": this.#created(data); break;
      case "run.queued": this.#queued(data, at); break;
      case "run.started": this.#others.started(data.run); break;
      case "run.steered": this.#others.started(data.absorbed); this.#others.ended(data.absorbed); break;
      case "run.completed":
      case "run.failed":
      case "run.cancelled":
        for (const id of this.#others.ended(data.run)) this.#siblings.remove(id);
    }
  }

  #created({ message, client_key, parent }) {
    this.#others.any = true;
    this.#others.created(message);
    const place = parent === undefined ? null : this.#behind(parent);
    if (place) this.#siblings.add(place, message);
    this.#on.elsewhere(message, client_key);
  }

  #queued(data, at) {
    const answer = this.#shown.answerTo(data.prompt);
    this.#others.any = true;
    this.#others.queued(data, at);
    if (!answer) return;
    this.#siblings.add(answer, data.message);
    this.#on.elsewhere(data.message);
  }

  // The prompt on the page that follows a message.
  #behind(parent) {
    const { first, whole } = this.#shown;
    const next = parent ? this.#shown.find(parent)?.nextElementSibling : whole && first;
    return next && next.matches(".prompt") ? next : null;
  }

  // The ids of all that stands in a message's place.
  versions(element) {
    return this.#siblings.of(element);
  }

  // A prompt has come to stand in the place of others.
  stepFrom(ids, prompt) {
    this.#siblings.show(prompt, [...ids.filter((id) => id !== prompt.dataset.message), prompt.dataset.message]);
    this.#others.any = true;
    this.#on.replaced();
  }

  // From here on another answer may stand in this one's place, whatever followed it.
  cut(answer) {
    this.#cut.add(answer);
  }

  // An open answer leaves the page and keeps its turn.
  hide({ run, prompt, rank, at, holdsTurn, element }) {
    const { message } = element.dataset;
    this.#others.hide({ run, prompt, message, rank, at, holdsTurn, alone: this.#siblings.of(element).length < 2 });
  }

  // The answer before stays a step away: it is another branch from now on.
  replace(before, element) {
    if (!this.#cut.delete(before)) this.#replaced.set(element, before);
    this.#siblings.show(element, [...this.#siblings.of(before), element.dataset.message]);
    before.replaceWith(element);
    this.#others.any = true;
    this.#on.replaced();
  }

  // An answer leaves; tells whether another took its place.
  takeBack(element) {
    const left = this.#siblings.of(element).filter((id) => id !== element.dataset.message);
    if (left.length) this.#bringBack(element, left);
    return left.length > 0;
  }

  #bringBack(element, ids) {
    const before = this.#replaced.get(element);
    if (!before) return this.#on.left(ids.at(-1));
    element.replaceWith(before);
    this.#siblings.show(before, ids);
  }

  // A prompt has left with its answer, and its siblings with it. Returns what is to be shown instead.
  removed(prompt, element) {
    const others = element ? this.#siblings.of(element).filter((id) => id !== prompt) : [];
    this.#others.removed(prompt);
    return others.at(-1);
  }
}
