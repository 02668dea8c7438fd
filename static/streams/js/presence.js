// Says that this device is here, as long as its page is looked at, and whether it types.

import { request } from "./requests.js";

const STILL_TYPING = 3000; // after the last key

export class Presence {
  #url;
  #every;
  #timer = 0;
  #still = 0;
  #typing = false;

  constructor(url, every) {
    this.#url = url;
    this.#every = every;
  }

  start() {
    if (this.#timer) return;
    this.#timer = setInterval(() => this.#tell(), this.#every);
    this.#tell();
  }

  stop() {
    if (!this.#timer) return;
    this.#end();
    this.#post({ here: false }, { keepalive: true });
  }

  // For good: there is nothing any more to be present at.
  #end() {
    clearInterval(this.#timer);
    clearTimeout(this.#still);
    this.#timer = 0;
    this.#typing = false;
  }

  typed(something) {
    clearTimeout(this.#still);
    if (something) this.#still = setTimeout(() => this.typed(false), STILL_TYPING);
    if (this.#typing === something || !this.#timer) return;
    this.#typing = something;
    this.#tell();
  }

  #tell() {
    this.#post({ typing: this.#typing });
  }

  // What is lost is said again by the next one.
  #post(body, options) {
    request("POST", this.#url, body, options).catch((error) => {
      if (error.status === 401 || error.status === 404) this.#end();
    });
  }
}
