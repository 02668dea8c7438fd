// The text of an attempt that was lost: dimmed, it keeps its place while the new text is written
// over it, and is removed when the new text covers it.

export class LostAttempt {
  #element = document.createElement("div");
  #watch = new ResizeObserver(() => this.#look());
  #blocks;

  // Takes what `blocks` holds.
  constructor(blocks) {
    this.#blocks = blocks;
    this.#element.className = "old";
    this.#element.inert = true;
    this.#element.ariaHidden = "true";
    this.#element.append(...blocks.childNodes);
    blocks.before(this.#element);
    this.#watch.observe(blocks);
    this.#watch.observe(this.#element);
  }

  get gone() {
    return !this.#element.isConnected;
  }

  remove() {
    this.#watch.disconnect();
    this.#element.remove();
  }

  #look() {
    if (this.#blocks.offsetHeight >= this.#element.offsetHeight) this.remove();
  }
}
