// The title, renamed in place; and the page's own name.

import { request } from "./requests.js";
import { nameThePage } from "./title_badge.js";

// The same as in streams/text_cleaning.py.
const PAIRS = /(?<![\w*])(\*{1,3}|~~)(?=\S)(.+?)(?<=\S)\1(?![\w*])/g;
const MARKS = /^ *(?:(?:#{1,6}|[-*+>]) +)+|^ *```\S*|`/gm;

export class Title {
  #form;
  #field;
  #saved;
  #on;

  constructor(form) {
    this.#form = form;
    this.#field = form.elements.title;
    this.#saved = this.#field.value;
  }

  // `on` hears: left(), when somebody is done with it, by a key.
  wire(on) {
    this.#on = on;
    this.#form.addEventListener("submit", (event) => this.#submitted(event));
    this.#field.addEventListener("blur", () => this.#save());
    this.#field.addEventListener("keydown", (event) => this.#key(event));
  }

  get name() {
    return this.#saved || this.#field.placeholder;
  }

  show(title) {
    this.#saved = title;
    if (document.activeElement !== this.#field) this.#field.value = title;
    this.#renamed();
  }

  close() {
    this.#field.readOnly = true;
  }

  // An untitled conversation goes by its first words.
  opening(text) {
    const plain = text.slice(0, 200).replace(PAIRS, "$2").replace(MARKS, "");
    this.#field.placeholder = plain.replace(/\s+/g, " ").trim().slice(0, 80);
    this.#renamed();
  }

  #renamed() {
    this.#form.querySelector("h1").textContent = this.name;
    nameThePage(`${this.name} · ${document.querySelector(".streams").dataset.brand}`);
  }

  #submitted(event) {
    event.preventDefault();
    this.#on.left();
  }

  #key(event) {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    this.#field.value = this.#saved;
    this.#on.left();
  }

  async #save() {
    const title = this.#field.value.trim();
    if (title === this.#saved) return;
    const before = this.#saved;
    this.#saved = title;
    await request("PATCH", this.#form.getAttribute("action"), { title }).catch(() => this.show(before));
  }
}
