// Files that a form takes along when it is sent: the names of those that are chosen, each with a
// button that leaves it out. Where the log is followed they are uploaded at once (attachments.js).

import { named } from "./attached_files.js";
import { gettext } from "./gettext.js";

export class ChosenFiles {
  #list;
  #input;
  #field;

  constructor(form) {
    this.#list = form.querySelector(".chips");
    this.#input = form.querySelector("input[type=file]"); // none, where none can be attached
    this.#field = form.elements.content;
  }

  wire() {
    this.#input?.addEventListener("change", () => this.#draw());
    if (this.#input) addEventListener("pageshow", () => this.#draw()); // one comes back with them, perhaps
  }

  // Beside those the server has already, of a form that was refused. With a file there need be no text.
  #draw() {
    for (const each of this.#list.querySelectorAll("[data-chosen]")) each.remove();
    this.#list.append(...[...this.#input.files].map((file) => this.#chip(file)));
    const any = this.#list.children.length > 0;
    this.#list.hidden = !any;
    this.#field.required = !any;
  }

  #chip(file) {
    const element = document.createElement("li");
    element.className = "chip";
    element.dataset.chosen = "";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "remove";
    button.setAttribute("aria-label", gettext("Remove %(name)s", { name: file.name }));
    button.textContent = "×";
    button.addEventListener("click", () => this.#leaveOut(file));
    element.append(...named(file), button);
    return element;
  }

  #leaveOut(file) {
    const kept = new DataTransfer();
    for (const each of this.#input.files) if (each !== file) kept.items.add(each);
    this.#input.files = kept.files;
    this.#draw();
    this.#input.focus();
  }
}
