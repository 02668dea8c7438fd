// Branches that the page does not show: the prompt that the next prompt without a parent follows,
// and their open answers, which have their turn before the answers on the page.

export class HiddenBranches {
  any; // there are messages in other branches
  #prompts; // the newest of the log, the newest last; null is one that is not known any more
  #fresh = new Set(); // prompts that were not asked twice
  #runs = new Map();

  constructor({ newest, elsewhere }) {
    this.any = elsewhere !== undefined;
    this.#prompts = newest ? [newest] : [];
    for (const run of JSON.parse(elsewhere ?? "[]")) this.#runs.set(run.run, run);
  }

  clear() {
    this.any = false;
    this.#prompts = [];
    this.#runs.clear();
  }

  // The newest prompt of the log, shown or not. Throws where it was taken back, and nobody has
  // said which one was before it.
  get newest() {
    const newest = this.#prompts.at(-1);
    if (newest === null) throw new Error("the newest message is not known");
    return newest;
  }

  get open() {
    return [...this.#runs.values()];
  }

  // A prompt, here or elsewhere.
  created(prompt) {
    this.#prompts.push(prompt);
    this.#fresh.add(prompt);
  }

  removed(prompt) {
    const newest = this.#prompts.at(-1) === prompt;
    this.#prompts = this.#prompts.filter((each) => each !== prompt);
    if (newest && !this.#prompts.length) this.#prompts.push(null);
  }

  queued({ run, prompt, message, rank = 0 }, at) {
    if (this.#runs.has(run)) return; // handed back: it keeps its turn
    const alone = this.#fresh.delete(prompt);
    this.#runs.set(run, { prompt, message, rank, at, alone, holdsTurn: false });
  }

  // One that was on the page so far.
  hide({ run, ...known }) {
    this.any = true;
    this.#fresh.delete(known.prompt);
    this.#runs.set(run, known);
  }

  started(run) {
    const known = this.#runs.get(run);
    if (known) known.holdsTurn = true;
  }

  // Returns the ids that left the conversation with a run: none, if it had begun.
  ended(run) {
    const known = this.#runs.get(run);
    this.#runs.delete(run);
    if (!known || known.holdsTurn) return [];
    if (known.alone) this.removed(known.prompt);
    return known.alone ? [known.message, known.prompt] : [known.message];
  }
}
