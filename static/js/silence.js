// Says when the model has said nothing for a while, but only where the link would have told.

const LONG = 5000; // ms; a worker that was lost is replaced after two or three times that

export class Silence {
  #element;
  #timer = 0;

  constructor(element) {
    this.#element = element;
    addEventListener("offline", () => this.stop());
  }

  // Something was said, or the link is there again.
  start() {
    this.stop();
    this.#timer = setTimeout(() => (this.#element.dataset.silent = ""), LONG);
  }

  stop() {
    clearTimeout(this.#timer);
    delete this.#element.dataset.silent;
  }
}
