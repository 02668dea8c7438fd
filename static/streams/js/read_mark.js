// Tells the server how far this device has read: what is worth a mark in the list at once, the
// rest when there is time.

import { request } from "./requests.js";

const PAUSE = 5000;

export class ReadMark {
  #url;
  #told;
  #seq;
  #timer = 0;

  constructor(url, seq) {
    this.#url = url;
    this.#told = this.#seq = seq;
  }

  reached(seq, now = false) {
    this.#seq = seq;
    if (now) this.tell();
    else this.#timer ||= setTimeout(() => this.tell(), PAUSE);
  }

  tell() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (this.#seq === this.#told) return;
    const before = this.#told;
    const seq = (this.#told = this.#seq);
    request("PUT", this.#url, { seq }, { keepalive: true }).catch(() => {
      if (this.#told === seq) this.#told = before;
    });
  }
}
