// Reloads the page if it and the log disagree, or if the log was replaced: the log is right. Two
// reloads are a while apart, lest a page reload for ever, and none that was asked for is left out.

import { stored } from "./draft.js";

const BETWEEN = 10_000; // ms
const KEY = "streams:page-reload";

export class PageReload {
  #timer = 0;
  #on;

  // `on` hears begin().
  wire(on) {
    this.#on = on;
  }

  ask() {
    const last = Number(stored(() => sessionStorage.getItem(KEY)));
    this.#timer ||= setTimeout(() => this.#begin(), Math.max(0, last + BETWEEN - Date.now()));
  }

  #begin() {
    this.#timer = 0;
    stored(() => sessionStorage.setItem(KEY, String(Date.now())));
    this.#on.begin();
  }
}
