// The form of a conversation's settings: it says when they are saved, and is reset when left unsaved.

import { gettext, modelWords } from "./gettext.js";
import { request, wordsOf } from "./requests.js";

const FIELDS = ["model", "system", "on_busy"];

export class Settings {
  #form;
  #dialog;
  #wrong;
  #share;
  #saved = {};
  #on;

  constructor(form) {
    this.#form = form;
    this.#dialog = form.closest("dialog");
    this.#wrong = form.querySelector(".refused");
    this.#share = this.#dialog.querySelector("[data-share]"); // null where nothing is shared
    for (const name of FIELDS) this.#saved[name] = form.elements[name].value;
  }

  // `on` hears: told(words), for a person; and is asked branch(), the message by which the branch on the
  // page is known, "" where there is no other.
  wire(on) {
    this.#on = on;
    this.#form.addEventListener("submit", (event) => this.#submitted(event));
    this.#dialog.addEventListener("close", () => this.#reset());
    for (const about of ["pointerdown", "focusin"]) {
      this.#share?.addEventListener(about, () => this.#nameBranch());
    }
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

  // What is shared is what stands here.
  #nameBranch() {
    const place = new URL(this.#share.href);
    const branch = this.#on.branch();
    if (branch) place.searchParams.set("branch", branch);
    else place.searchParams.delete("branch");
    this.#share.href = place.href;
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
