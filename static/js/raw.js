// Text as it came: what is left when the server will not, or for long could not, format it.

export class Raw {
  code = false;
  #element = document.createElement("div");

  constructor(open) {
    this.#element.className = "fresh raw";
    open.append(this.#element);
  }

  add(text) {
    this.#element.append(text);
  }

  remove() {
    this.#element.remove();
  }
}
