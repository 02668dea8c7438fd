// Notices when an answer has grown by nothing for a while, but only where the link would have
// told, and goes on asking why until it grows again.

const LONG = 5000; // ms; a worker that was lost is replaced after two or three times that

export class StallNotice {
  #element;
  #timer = 0;
  #on;

  constructor(element) {
    this.#element = element;
  }

  // `on` hears silent(), again and again.
  wire(on) {
    this.#on = on;
    addEventListener("offline", () => this.stop());
  }

  // Something was said, or the link is there again.
  start() {
    this.stop();
    this.#timer = setTimeout(() => this.#look(), LONG);
  }

  #look() {
    this.#element.dataset.silent = "";
    this.#on.silent();
    this.#timer = setTimeout(() => this.#look(), LONG);
  }

  stop() {
    clearTimeout(this.#timer);
    delete this.#element.dataset.silent;
  }
}
