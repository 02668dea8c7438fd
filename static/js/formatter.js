// Has growing text formatted by the server, at a pace its own answers set.

import { Refused, request } from "./http.js";

const SOONEST = 150; // ms between two requests
const SHARE = 4; // at most a quarter of the time is spent on formatting
const RETRY = 2000;

export class Formatter {
  #url;
  #due = new Set();
  #tooLong = new WeakSet();
  #running = false;

  constructor(url) {
    this.#url = url;
  }

  // `block` has tail, ended, version, and show(answer, length, ended) for what they became.
  want(block) {
    if (this.#tooLong.has(block)) return;
    this.#due.add(block);
    if (!this.#running) this.#run();
  }

  async #run() {
    this.#running = true;
    while (this.#due.size) {
      const [block] = this.#due;
      this.#due.delete(block);
      await sleep(await this.#format(block));
    }
    this.#running = false;
  }

  // Returns how long to rest.
  async #format(block) {
    const { tail, ended, version } = block;
    const began = performance.now();
    try {
      const answer = await request("POST", this.#url, { text: tail, ended });
      if (block.version === version) block.show(answer, tail.length, ended);
    } catch (error) {
      // What is refused stays plain text; asking again for every token would help nobody.
      if (error.status === 413) this.#tooLong.add(block);
      else if (!(error instanceof Refused) || error.status >= 500) this.#due.add(block);
      return RETRY;
    }
    return Math.max(SOONEST, SHARE * (performance.now() - began));
  }
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
