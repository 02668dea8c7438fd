// The form of a conversation's settings: it says when they are saved, and is reset when left unsaved.

import { gettext, modelWords } from "./gettext.js";
import { request, wordsOf } from "./requests.js";

const FIELDS = ["model", "system", "on_busy"];

export class Settings {
  #form;
  #dialog;
  #wrong;
  #saved = {};
  #on;

  constructor(form) {
    this.#form = form;
    this.#dialog = form.closest("dialog");
    this.#wrong = form.querySelector(".refused");
    for (const name of FIELDS) this.#saved[name] = form.elements[name].value;
  }

  // `on` hears: told(words), for a person.
  wire(on) {
    this.#on = on;
    this.#form.addEventListener("submit", (event) => this.#submitted(event));
    this.#dialog.addEventListener("close", () => this.#reset());
  }

  // As the log has it now. What somebody is changing here stays until they save or leave.
  show(data) {
    for (const name of FIELDS.filter((each) => each in data)) {
      const field = this.#form.elements[name];
      if (field.value === this.#saved[name]) this.#fill(field, data[name]);
      this.#saved[name] = data[name];
    }
    if (!("archived" in data)) return;
    document.getElementById("streams-archive").hidden = data.archived;
  }

  #reset() {
    for (const name of FIELDS) this.#fill(this.#form.elements[name], this.#saved[name]);
    this.#wrong.hidden = true;
  }

  // A model that this page did not offer may have been chosen elsewhere.
  #fill(field, value) {
    const known = field.options && [...field.options].some((option) => option.value === value);
    if (field.options && !known) field.add(new Option(modelWords(value), value));
    field.value = value;
  }

  async #submitted(event) {
    event.preventDefault();
    const chosen = FIELDS.map((name) => [name, this.#form.elements[name].value]);
    const changed = Object.fromEntries(chosen.filter(([name, it]) => it !== this.#saved[name]));
    try {
      if (Object.keys(changed).length) {
        await request("PATCH", this.#form.getAttribute("action"), changed);
      }
    } catch (error) {
      this.#wrong.textContent = wordsOf(error);
      this.#wrong.hidden = false;
      return;
    }
    Object.assign(this.#saved, changed);
    this.#dialog.close();
    this.#on.told(gettext("Saved"));
  }
}
