// One quiet line, shown only while the connection fails or after a refusal.

import { gettext } from "./gettext.js";

const PATIENCE = 2500; // a hiccup that heals by itself is nobody's business

export class ConnectionNote {
  #element;
  #timer = 0;
  #live = true;
  #remark;
  #turn = "";
  #over = false;
  #on;

  constructor(element) {
    this.#element = element;
    this.#remark = element.textContent;
  }

  // `on` is asked waiting(): whether something is still to be sent.
  wire(on) {
    this.#on = on;
    addEventListener("offline", () => this.refresh());
    addEventListener("online", () => this.refresh());
  }

  live() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#live = true;
    this.refresh();
  }

  broken() {
    this.#timer ||= setTimeout(() => {
      this.#live = false;
      this.refresh();
    }, PATIENCE);
  }

  // For good.
  ended(words) {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#say(words);
  }

  // Stands until it is taken back: it is about a moment that passes.
  remark(words) {
    this.#remark = words;
    this.refresh();
  }

  // What was refused for the sake of an answer is no news once that has begun or ended.
  about(turn) {
    if (this.#turn && this.#turn !== turn) this.remark("");
    this.#turn = turn;
  }

  // What is true now, instead of whatever stood there.
  refresh() {
    if (this.#over) return;
    if (!navigator.onLine) return this.#say(this.#offline());
    this.#say(this.#live ? this.#remark : gettext("Reconnecting…"));
  }

  #say(words) {
    this.#element.textContent = words;
    this.#element.hidden = !words;
  }

  #offline() {
    if (this.#on.waiting()) return gettext("Offline: will send when you are back");
    return gettext("Offline");
  }
}
