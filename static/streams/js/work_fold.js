// Folds the steps of a long answer away, by the rules of streams/views/work_fold.py.

import { workedWords } from "./call_sentences.js";

const FEW = 2;
const NEWEST = 3;

export class WorkFold {
  #place;

  // `place` holds the blocks of an answer, and prompts that joined it.
  constructor(place) {
    this.#place = place;
  }

  // `calls` are those of run_steps.js; `seconds` of work are said once the answer is not `open`.
  arrange(calls, { open, seconds }) {
    const end = foldedBefore(calls, open);
    for (const each of [...this.#place.children]) {
      if (Number(each.dataset.index) < end) this.#foldBefore(each).append(each);
    }
    const folds = [...this.#place.querySelectorAll(":scope > .work")];
    for (const fold of folds) say(fold, calls, folds.length === 1 && !open ? seconds : 0);
  }

  #foldBefore(element) {
    const before = element.previousElementSibling;
    if (before?.matches(".work")) return before;
    const fold = document.getElementById("streams-work-template").content.firstElementChild.cloneNode(true);
    element.before(fold);
    return fold;
  }
}

function foldedBefore(calls, open) {
  const steps = [...new Set(calls.map((call) => call.step))].sort((a, b) => a - b);
  if (steps.length <= FEW) return 0;
  const folded = new Set(open ? steps.slice(0, -NEWEST) : steps);
  const ends = calls.filter((call) => folded.has(call.step)).map((call) => call.block + 1);
  return Math.max(0, ...ends);
}

function say(fold, calls, seconds) {
  const within = calls.filter((call) => fold.querySelector(`:scope > [data-index="${call.block}"]`));
  const words = workedWords(seconds, new Set(within.map((call) => call.step)).size);
  const place = fold.querySelector(":scope > summary");
  if (place.textContent !== words) place.textContent = words;
  const unknown = within.some((call) => call.status === "unknown");
  if (unknown && !("unknown" in fold.dataset)) {
    fold.dataset.unknown = "";
    fold.open = true;
  }
}
