// The answers on the page by their runs, and whose turn it is among those that have not ended.

import { Answer } from "./answer.js";

export class AnswerQueue {
  #answers = new Map(); // by run, in the order they were queued
  #branches;
  #later = 2 ** 40; // counts runs that were queued since the page was made

  // `branches` knows of open runs that are not shown.
  constructor(branches) {
    this.#branches = branches;
  }

  [Symbol.iterator]() {
    return this.#answers.values();
  }

  get(run) {
    return this.#answers.get(run);
  }

  // Where the next run stands that is queued.
  next() {
    return this.#later++;
  }

  add(answer) {
    answer.at = Number(answer.element.dataset.seq) || this.next();
    this.#answers.set(answer.run, answer);
  }

  remove(run) {
    this.#answers.delete(run);
  }

  clear() {
    this.#answers.clear();
  }

  // The page stands in reading order; runs were queued in the order of their answers' numbers.
  sort() {
    const byNumber = [...this.#answers.values()].sort((a, b) => a.at - b.at);
    this.#answers = new Map(byNumber.map((answer) => [answer.run, answer]));
  }

  // The one that Stop stops: the running one, else the first that waits.
  get front() {
    return this.#inTurn().find((it) => it instanceof Answer) ?? null;
  }

  // Tells each answer how many come before it, and whether it may join the first of them.
  update(onBusy) {
    const inTurn = this.#inTurn();
    const joins = onBusy === "steer" && Boolean(inTurn[0]?.steerable);
    for (const answer of this) answer.update(Math.max(0, inTurn.indexOf(answer)), joins);
  }

  // The open ones as they will be answered: streams/log/transcript.py says the same.
  #inTurn() {
    const first = (run) => (run.holdsTurn ? -Infinity : run.rank);
    const here = [...this].filter((answer) => answer.open);
    const open = [...here, ...this.#branches.open];
    return open.sort((a, b) => (first(a) < first(b) ? -1 : first(a) > first(b) ? 1 : a.at - b.at));
  }
}
