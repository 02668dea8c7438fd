// Announces news beside the conversation: to screen readers, or on the screen for a moment.

const BRIEFLY = 3000; // ms

export class Announcer {
  #heard;
  #seen;

  constructor(heard, seen) {
    this.#heard = heard;
    this.#seen = seen;
  }

  say(words) {
    this.#heard.textContent = words;
  }

  // About what a person has just done.
  tell(words) {
    this.say(words);
    this.#seen.textContent = words;
    this.#seen.hidden = false;
    setTimeout(() => (this.#seen.hidden = true), BRIEFLY);
  }
}
