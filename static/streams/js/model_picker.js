// The choice of the model above the conversation; undone if the server refuses it.

import { modelWords } from "./gettext.js";
import { request, wordsOf } from "./requests.js";

export class ModelPicker {
  #form;
  #select;
  #saved;
  #on;

  constructor(form) {
    this.#form = form;
    this.#select = form.elements.model;
    this.#saved = this.#select.value;
  }

  // `on` hears: failed(words).
  wire(on) {
    this.#on = on;
    this.#select.addEventListener("change", () => this.#save());
  }

  // As the log has it now. It may have been chosen where more are offered.
  show({ model }) {
    if (!model) return;
    this.#saved = model;
    const known = [...this.#select.options].some((option) => option.value === model);
    if (!known) this.#select.add(new Option(modelWords(model), model));
    this.#select.value = model;
  }

  async #save() {
    try {
      await request("PATCH", this.#form.getAttribute("action"), { model: this.#select.value });
    } catch (error) {
      this.show({ model: this.#saved });
      this.#on.failed(wordsOf(error));
    }
  }
}
