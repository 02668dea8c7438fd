// An offer to take a deletion back, for as long as the server keeps it.

import { request } from "./requests.js";

export class Undo {
  #template = document.getElementById("streams-undo-template");
  #toast = null;
  #timer = 0;
  #on;

  // `on` hears: undone(id).
  wire(on) {
    this.#on = on;
  }

  offer(id, address) {
    this.#close();
    this.#toast = this.#template.content.firstElementChild.cloneNode(true);
    document.querySelector(".streams").append(this.#toast);
    this.#toast.querySelector("button").addEventListener("click", () => this.#take(id, address));
    const words = this.#toast.querySelector("[role=status]");
    requestAnimationFrame(() => (words.textContent += "")); // what comes with its words is not heard
    this.#timer = setTimeout(() => this.#close(), this.#template.dataset.seconds * 1000);
  }

  async #take(id, address) {
    this.#close();
    await request("POST", `${address}restore`).catch(() => {});
    this.#on.undone(id);
  }

  #close() {
    clearTimeout(this.#timer);
    this.#toast?.remove();
    this.#toast = null;
  }
}
