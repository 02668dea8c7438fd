// Has growing text formatted by the server, at a pace its own answers set; text that has ended at
// once.

import { Refused, request } from "./requests.js";

const SOONEST = 150; // ms between two requests
const LATEST = 500;
const SHARE = 4; // times as long as the server took
const TIMEOUT = 5000;
const RETRY = 1000;
const PATIENCE = 10_000; // this long without an answer, and text goes on without
const LATER = [408, 429]; // refused for now

export class Formatter {
  #url;
  #due = new Set();
  #ending = new WeakSet();
  #tooLong = new WeakSet();
  #running = false;
  #quickest = Infinity;
  #failingSince = null;

  constructor(url) {
    this.#url = url;
  }

  // `block` has draft, ended, version, and show(answer, draft) for what a draft became.
  want(block) {
    if (this.#ending.has(block)) return;
    if (block.ended) return this.#end(block);
    if (this.#tooLong.has(block)) return; // to be asked for at every word; the whole of it is not
    this.#due.add(block);
    if (!this.#running) this.#run();
  }

  async #end(block) {
    this.#ending.add(block);
    this.#due.delete(block);
    for (let version = null; version !== block.version; ) {
      version = block.version;
      const { done, rest } = await this.#format(block);
      if (done) continue;
      version = null;
      await sleep(rest);
    }
    this.#ending.delete(block);
  }

  async #run() {
    this.#running = true;
    while (this.#due.size) {
      const [block] = this.#due;
      this.#due.delete(block);
      if (block.ended || !block.draft) continue; // what has ended is asked for by itself, once
      const { done, rest } = await this.#format(block);
      if (!done) this.#due.add(block);
      await sleep(rest);
    }
    this.#running = false;
  }

  // Whether it need not be asked again, and how long to rest.
  async #format(block) {
    const { draft, ended, version } = block;
    const began = performance.now();
    try {
      const signal = AbortSignal.timeout(TIMEOUT);
      const answer = await request("POST", this.#url, { text: draft, ended }, { signal });
      if (block.version === version) block.show(answer, draft);
    } catch (error) {
      return { done: this.#failed(block, error, version), rest: RETRY };
    }
    this.#failingSince = null;
    return { done: true, rest: this.#rest(performance.now() - began) };
  }

  // What the quickest answer has taken is the way there and back, which costs the server nothing.
  #rest(took) {
    this.#quickest = Math.min(this.#quickest, took);
    return Math.min(LATEST, Math.max(SOONEST, SHARE * (took - this.#quickest)));
  }

  // What is refused goes on without; asking again for every token would help nobody.
  #failed(block, error, version) {
    this.#failingSince ??= performance.now();
    if (block.version !== version) return true; // about a text that there is no more
    const refused = error instanceof Refused && error.status < 500 && !LATER.includes(error.status);
    if (error.status === 413) this.#tooLong.add(block);
    if (refused || performance.now() - this.#failingSince > PATIENCE) block.goOnAlone();
    return refused;
  }
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
