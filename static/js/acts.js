// What a person does to an answer: stop, retry, remove, have it go on.

import { place } from "./answer.js";
import { Refused, request } from "./http.js";

export class Acts {
  #main;
  #transcript;
  #on;
  #acts = {
    retry: (answer) => this.#act("retry", answer),
    remove: (answer) => this.#act("cancel", answer),
    continue: () => this.#on.send("Continue."),
  };

  constructor(main, transcript) {
    this.#main = main;
    this.#transcript = transcript;
  }

  // `on` hears: send(text), failed(words), and takeFocus() when a button that had it goes.
  wire(on) {
    this.#on = on;
    this.#main.addEventListener("submit", (event) => this.#submitted(event));
    document.addEventListener("keydown", (event) => this.#pressed(event));
  }

  stop() {
    const { front } = this.#transcript;
    if (front && !front.stopping) this.#act("cancel", front);
  }

  #submitted(event) {
    const answer = this.#transcript.answer(event.target.closest(".answer")?.dataset.run);
    if (!answer) return;
    event.preventDefault();
    const { act } = event.target.dataset;
    this.#acts[act](answer);
    if (act !== "continue") this.#on.takeFocus();
  }

  #pressed(event) {
    const busy = document.querySelector(":popover-open, dialog[open]");
    const free = !event.defaultPrevented && !event.isComposing && !busy;
    if (event.key === "Escape" && free) this.stop();
  }

  // Shown at once; the log has the last word, and a refusal is taken back.
  async #act(verb, answer) {
    if (verb === "cancel" && answer.attempt > 0) answer.askToStop();
    this.#transcript.refresh();
    try {
      await request("POST", place(answer.run, verb));
    } catch (error) {
      if (verb === "cancel") answer.keepGoing();
      this.#transcript.refresh();
      const told = error instanceof Refused && error.message;
      this.#on.failed(told || "That didn't get through. Try again.");
    }
  }
}
