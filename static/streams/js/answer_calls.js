// The calls of tools in one answer: drawn by the run's events; the calls of older steps stand
// behind a fold.

import { runAddress } from "./run_address.js";
import { RunSteps } from "./run_steps.js";
import { WorkFold } from "./work_fold.js";

export class AnswerCalls {
  #run;
  #blocks;
  #steps;
  #fold;
  #device = null; // who looks, once it is known

  // `place` holds the elements of `blocks`; `steps` is what the server knows of run_steps.js.
  constructor(run, blocks, place, steps) {
    this.#run = run;
    this.#blocks = blocks;
    this.#steps = new RunSteps(JSON.parse(steps ?? "{}"));
    this.#fold = new WorkFold(place);
  }

  set device(id) {
    this.#device = id;
  }

  restart(step) {
    this.#steps.restart(step);
  }

  // Returns the call that the event is about, if it is about one.
  apply(type, data) {
    this.#steps.apply(type, data);
    return this.#steps.calls.get(data.call_id);
  }

  // `open`: whether the run goes on; `seconds`: how long it has been at work.
  show({ open, seconds }) {
    const calls = [...this.#steps.calls.values()];
    const byBlock = new Map(calls.map((call) => [String(call.block), call]));
    const place = (call, verb) => runAddress(this.#run, `calls/${call.id}/${verb}`);
    for (const [index, block] of this.#blocks.calls) {
      block.show(byBlock.get(index), { open, here: this.#device, place });
    }
    this.#fold.arrange(calls, { open, seconds });
  }
}
