// Begins the page anew where it and the log disagree, or where the log has become another: the log
// is right. Never twice within a while, since a page that begins for ever helps nobody, and never
// not at all.

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
