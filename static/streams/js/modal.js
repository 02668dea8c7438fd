// Dialogs that float above the page and keep the focus until they are answered. Without this module
// they are popovers, which neither keep the focus nor always give it back.

export class Modal {
  #dialog;

  constructor(dialog) {
    this.#dialog = dialog;
    dialog.addEventListener("pointerdown", (event) => this.#pressed(event));
  }

  // One at a time: a question takes the place of what it was asked from, and whatever closes
  // gives the focus to where that was opened. Safari gives buttons no focus when pressed.
  open(button) {
    const before = button.closest("dialog");
    if (before) before.close();
    else outside(button).focus();
    this.#dialog.showModal();
  }

  close() {
    this.#dialog.close();
  }

  // Beside it, which is its backdrop.
  #pressed({ target, clientX: x, clientY: y }) {
    const { left, right, top, bottom } = this.#dialog.getBoundingClientRect();
    const beside = x < left || x > right || y < top || y > bottom;
    if (target === this.#dialog && beside && this.#dialog.matches(":modal")) this.close();
  }
}

// A menu closes when a dialog opens: the focus comes back to what had opened the menu.
function outside(button) {
  const menu = button.closest(":popover-open");
  const opener = menu && document.querySelector(`[popovertarget="${menu.id}"]`);
  return opener && !menu.contains(opener) ? outside(opener) : button;
}

export function makeModals() {
  for (const dialog of document.querySelectorAll(".streams dialog[popover]")) makeModal(dialog);
}

export function makeModal(dialog) {
  const floating = new Modal(dialog);
  const open = dialog.matches(":popover-open"); // by somebody quicker than this module
  dialog.removeAttribute("popover");
  for (const button of document.querySelectorAll(`[popovertarget="${dialog.id}"]`)) {
    const closes = button.getAttribute("popovertargetaction") === "hide";
    button.removeAttribute("popovertarget");
    button.addEventListener("click", () => (closes ? floating.close() : floating.open(button)));
    if (open && !closes) floating.open(button);
  }
  return floating;
}
