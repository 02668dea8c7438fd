// Keys that work anywhere on a page of ours, and the sheet of them.

import { makeModal } from "./modal.js";

const EDITABLE = "input, textarea, select, [contenteditable]";

export class Shortcuts {
  #dialog;
  #begin;

  // `begin` is the link to a new conversation.
  constructor(dialog, begin) {
    this.#dialog = dialog;
    this.#begin = begin;
    if (dialog.hasAttribute("popover")) makeModal(dialog);
    document.addEventListener("keydown", (event) => this.#pressed(event));
  }

  #pressed(event) {
    const { key, ctrlKey, metaKey, altKey, shiftKey, target } = event;
    if (event.defaultPrevented || altKey || document.querySelector("dialog[open], dialog:popover-open")) return;
    if (ctrlKey || metaKey) {
      if (shiftKey && key.toLowerCase() === "o") this.#act(event, () => this.#begin.click());
    } else if (!target.closest?.(EDITABLE)) {
      if (key === "?") this.#act(event, () => this.#dialog.showModal());
      if (key === "/") this.#act(event, () => document.getElementById("streams-message")?.focus());
    }
  }

  #act(event, act) {
    event.preventDefault();
    act();
  }
}
