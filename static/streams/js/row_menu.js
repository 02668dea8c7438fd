// What can be done to a conversation from its row in the list. Without this module the row's
// button is a link to a page with the same.

import { gettext } from "./gettext.js";
import { request, wordsOf } from "./requests.js";
import { Undo } from "./undo.js";

const GAP = 4; // px between the row and its menu

export class RowMenu {
  #element;
  #title;
  #words;
  #undo = new Undo();
  #opener = null;
  #line = null;
  #on;
  #acts = {
    pin: () => this.#set({ pinned: !this.#line.pinned }),
    archive: () => this.#set({ archived: !this.#line.archived }),
    delete: (button) => this.#delete(button),
  };

  constructor(element) {
    this.#element = element;
    this.#title = element.querySelector("input");
    this.#words = element.querySelector(".refused");
  }

  // `on` has `current`, the conversation of the page, and is asked line(id); it hears
  // changed(id, values), where `gone` says that there is no such conversation any more.
  wire(on) {
    this.#on = on;
    this.#element.addEventListener("click", (event) => this.#chosen(event));
    this.#element.querySelector("form").addEventListener("submit", (event) => this.#renamed(event));
    this.#element.addEventListener("toggle", ({ newState }) => newState === "closed" && this.#closed());
    this.#undo.wire({ undone: (id) => id === on.current && location.reload() });
  }

  // Of the whole list.
  clicked(event) {
    const opener = event.target.closest(".row-opener");
    if (!opener || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    this.#opener = opener;
    this.#line = this.#on.line(opener.closest("[data-line]").dataset.line);
    this.#fill();
    this.#element.showPopover();
    this.#stand();
    this.#element.querySelector("[data-act]").focus();
  }

  #fill() {
    const { name, pinned, archived } = this.#line;
    this.#title.value = name;
    this.#words.hidden = true;
    this.#say("pin", pinned ? gettext("Unpin") : gettext("Pin"));
    this.#say("archive", archived ? gettext("Put back") : gettext("Archive"));
    this.#say("delete", gettext("Delete…"));
    for (const link of this.#element.querySelectorAll("[data-to]")) {
      link.href = this.#address + link.dataset.to;
    }
  }

  // Beside what opened it, and within the window.
  #stand() {
    const { bottom, top, left } = this.#opener.getBoundingClientRect();
    const { offsetHeight: height, offsetWidth: width, style } = this.#element;
    const below = bottom + GAP + height <= innerHeight;
    style.top = `${Math.max(GAP, below ? bottom + GAP : top - GAP - height)}px`;
    style.left = `${Math.max(GAP, Math.min(left, innerWidth - width - GAP))}px`;
  }

  get #address() {
    return this.#opener.closest("[data-line]").querySelector("[data-conversation]").pathname;
  }

  #say(act, words) {
    this.#element.querySelector(`[data-act="${act}"] .act-words`).textContent = words;
  }

  #chosen(event) {
    const button = event.target.closest("[data-act]");
    if (button) return this.#acts[button.dataset.act](button);
    if (event.target.closest("a")) this.#element.hidePopover();
  }

  #renamed(event) {
    event.preventDefault();
    const title = this.#title.value.trim();
    if (title && title !== this.#line.name) return this.#set({ title }, { name: title });
    this.#element.hidePopover();
  }

  async #set(values, shown = values) {
    try {
      await request("PATCH", this.#address, values);
    } catch (error) {
      return this.#refused(error);
    }
    this.#on.changed(this.#line.id, shown);
    this.#element.hidePopover();
  }

  // Asks once.
  async #delete(button) {
    if (!("asked" in button.dataset)) {
      button.dataset.asked = "";
      return this.#say("delete", gettext("Delete on all devices?"));
    }
    const { id } = this.#line;
    try {
      await request("DELETE", this.#address);
    } catch (error) {
      return this.#refused(error);
    }
    this.#undo.offer(id, this.#address);
    this.#on.changed(id, { gone: true });
    this.#element.hidePopover();
  }

  #refused(error) {
    this.#words.textContent = wordsOf(error);
    this.#words.hidden = false;
  }

  #closed() {
    delete this.#element.querySelector("[data-asked]")?.dataset.asked;
    if (document.activeElement === document.body || this.#element.contains(document.activeElement)) {
      this.#opener?.focus({ preventScroll: true });
    }
  }
}
