// Prompts of more than twelve lines are folded, by styles, and open at a click.

import { gettext } from "./gettext.js";

const LINES = 12; // as in streams/views/transcript_presenter.py
const CHARACTERS = 1200;

export function markLong(prompt, text) {
  const long = text.length > CHARACTERS || text.split("\n", LINES + 1).length > LINES;
  prompt.dataset.length = long ? "long" : "";
}

export function unfoldLongPrompts(root) {
  root.addEventListener("click", ({ target }) => {
    const button = target.closest(".unfold");
    if (!button) return;
    const open = button.closest(".prompt").toggleAttribute("data-open");
    button.setAttribute("aria-expanded", String(open));
    button.textContent = open ? gettext("Show less") : gettext("Show all of it");
  });
}
