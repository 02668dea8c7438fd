// The search in a dialog of its own, by Ctrl+K or ⌘K from anywhere: what is found comes while one
// types, by conversation, and arrows walk through it.

import { gettext, ngettext } from "./gettext.js";
import { Modal } from "./modal.js";
import { request, wordsOf } from "./requests.js";
import { fillBriefly } from "./time_format.js";

const PAUSE = 120; // ms without a key
const SHOWN = 3; // messages of one conversation that are not folded, as in streams/views/search.py

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
    this.#list.addEventListener("click", ({ target }) => target.closest("a") && this.#modal.close());
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
    this.#list.replaceChildren(...byConversation(results).map((each) => this.#group(each)));
    this.#status.textContent = !this.#asked
      ? ""
      : results.length
        ? ngettext("One found", "%(count)d found", results.length)
        : gettext("Nothing found.");
    this.#status.classList.toggle("sr-only", results.length > 0 || !this.#asked);
  }

  // What was found in one conversation: the first stands with its title.
  #group(results) {
    const row = this.#template.content.firstElementChild.cloneNode(true);
    const [first, ...others] = results;
    const [title, hit, fold] = row.children;
    const hits = others.map((each) => write(hit.cloneNode(true), each));
    const shown = first.message ? SHOWN - 1 : SHOWN;
    title.href = first.url;
    if (first.message || !first.match) title.firstElementChild.textContent = first.name;
    else write(title, first);
    if (first.message) title.querySelector("time").before(write(hit.cloneNode(true), first).firstElementChild);
    fillBriefly(title.querySelector("time"), new Date(first.at));
    hit.replaceWith(...hits.slice(0, shown));
    this.#fold(fold, hits.slice(shown), results);
    return row;
  }

  #fold(fold, hits, results) {
    const listed = results.filter(({ message }) => message).length;
    const missing = Math.max(...results.map(({ found }) => found)) - listed;
    const more = hits.length + missing;
    if (!more) return fold.remove();
    const [words, further] = fold.children;
    words.textContent = ngettext("One more in this conversation", "%(count)d more in this conversation", more);
    words.after(...hits);
    const query = new URLSearchParams({ q: this.#asked, conversation: results[0].conversation });
    if (missing > 0) further.href = `${this.#dialog.dataset.url}?${query}`;
    else further.remove();
  }

  #walk(event) {
    const { key, target } = event;
    const links = [...this.#list.querySelectorAll("a, summary")].filter((it) => !it.closest("details:not([open]) > a"));
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

// In the order of the first of each.
function byConversation(results) {
  const groups = new Map();
  for (const it of results) groups.set(it.conversation, [...(groups.get(it.conversation) ?? []), it]);
  return [...groups.values()];
}

function write(link, { url, before, match, after, at }) {
  link.href = url;
  link.querySelector(".before").textContent = before;
  link.querySelector("mark").textContent = match;
  link.querySelector(".after").textContent = after;
  fillBriefly(link.querySelector("time"), new Date(at));
  return link;
}
