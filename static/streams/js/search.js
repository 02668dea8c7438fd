// The search in a dialog of its own, by Ctrl+K or ⌘K from anywhere: what is found comes while one
// types, and arrows walk through it.

import { gettext, ngettext } from "./gettext.js";
import { Modal } from "./modal.js";
import { request, wordsOf } from "./requests.js";

const PAUSE = 120; // ms without a key

export class Search {
  #dialog;
  #field;
  #list;
  #status;
  #template;
  #modal;
  #timer = 0;
  #asked = ""; // what the list is about

  constructor(dialog) {
    this.#dialog = dialog;
    this.#field = dialog.querySelector("input");
    this.#list = dialog.querySelector("ul");
    this.#status = dialog.querySelector("[role=status]");
    this.#template = dialog.querySelector("template");
    this.#modal = new Modal(dialog);
  }

  // `openers` are links to the page that does the same.
  wire(openers) {
    document.addEventListener("keydown", (event) => this.#pressed(event));
    for (const each of openers) each.addEventListener("click", (event) => this.#clicked(event));
    this.#field.addEventListener("input", () => this.#typed());
    this.#dialog.addEventListener("keydown", (event) => this.#walk(event));
    // A place on the page that is open already.
    this.#list.addEventListener("click", () => this.#modal.close());
  }

  #pressed(event) {
    const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
    if (key.toLowerCase() !== "k" || !(ctrlKey || metaKey) || altKey || shiftKey) return;
    event.preventDefault();
    if (this.#dialog.open) return this.#modal.close();
    if (document.querySelector("dialog[open]")) return;
    this.#open();
  }

  #clicked(event) {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    this.#open();
  }

  #open() {
    this.#dialog.showModal();
    this.#field.select();
  }

  #typed() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), PAUSE);
  }

  async #ask() {
    const asked = this.#field.value.trim();
    if (asked === this.#asked) return;
    this.#asked = asked;
    try {
      const { results } = asked
        ? await request("GET", `${this.#dialog.dataset.url}?q=${encodeURIComponent(asked)}`)
        : { results: [] };
      if (asked === this.#asked) this.#show(results);
    } catch (error) {
      this.#asked = "";
      this.#status.textContent = wordsOf(error);
    }
  }

  #show(results) {
    this.#list.replaceChildren(...results.map((each) => this.#row(each)));
    this.#status.textContent = !this.#asked
      ? ""
      : results.length
        ? ngettext("One found", "%(count)d found", results.length)
        : gettext("Nothing found.");
    this.#status.classList.toggle("sr-only", results.length > 0 || !this.#asked);
  }

  #row({ url, name, before, match, after }) {
    const row = this.#template.content.firstElementChild.cloneNode(true);
    row.querySelector("a").href = url;
    row.querySelector("strong").textContent = name;
    row.querySelector(".before").textContent = before;
    row.querySelector("mark").textContent = match;
    row.querySelector(".after").textContent = after;
    return row;
  }

  #walk(event) {
    const { key, target } = event;
    const links = [...this.#list.querySelectorAll("a")];
    if (key === "Escape") return this.#leave(event);
    if (key === "Enter" && target === this.#field) return links[0]?.click();
    if (key !== "ArrowDown" && key !== "ArrowUp") return;
    event.preventDefault();
    const next = links.indexOf(target) + (key === "ArrowDown" ? 1 : -1);
    (next < 0 ? this.#field : links[next])?.focus();
  }

  // A field for searches would be emptied first.
  #leave(event) {
    event.preventDefault();
    this.#modal.close();
  }
}
