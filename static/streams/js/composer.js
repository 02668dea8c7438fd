// The field one writes in: its draft, Send, and Stop beside it while there is something to stop.

import { gettext } from "./gettext.js";
import { tooLong } from "./prompt_limit.js";

const UNDONE = 20_000; // characters

export class Composer {
  #form;
  #field;
  #send;
  #stop;
  #next;
  #draft;
  #files;
  #on;

  constructor(form, draft, files) {
    this.#form = form;
    this.#field = form.elements.content;
    this.#send = form.querySelector(".send");
    this.#stop = form.querySelector(".stop");
    this.#next = form.querySelector(".next");
    this.#draft = draft;
    this.#files = files;
  }

  // `on` hears: send(text, files), stop(), typed(something), refused(words) of what is too long.
  wire(on) {
    this.#on = on;
    this.#field.value ||= this.#draft.read();
    this.#field.addEventListener("input", () => this.#changed());
    this.#form.addEventListener("submit", (event) => this.#submitted(event));
    this.#stop.form.addEventListener("submit", (event) => this.#stopped(event));
    tooLong(this.#field);
    this.#fit();
  }

  // By the run's state alone. `next` says what a message would do meanwhile, on a line that is
  // there always, so that nothing moves.
  show({ busy, stopping, next }) {
    const words = busy ? next : "";
    if (this.#next.textContent !== words) this.#next.textContent = words;
    this.#send.setAttribute("aria-label", words || gettext("Send"));
    const moved = !busy && document.activeElement === this.#stop;
    this.#stop.hidden = !busy;
    this.#stop.setAttribute("aria-disabled", String(stopping));
    if (moved && matchMedia("(pointer: fine)").matches) this.#field.focus(); // no keyboard brought up
  }

  // With a file there need be no text.
  filesChanged() {
    this.#field.required = !this.#files.any;
  }

  focus() {
    this.#field.focus({ preventScroll: true });
  }

  // Words that came back: in front of what has been written since.
  giveBack(text) {
    const given = this.#field.value ? `${text}\n` : text;
    if (this.#insert(given)) return; // and the field has said so
    this.#field.value = given + this.#field.value;
    this.#changed();
  }

  // As if it were typed, which is the one way that undo knows. Only into the field that has the
  // focus, and not for so much that a browser would take its time.
  #insert(text) {
    if (document.activeElement !== this.#field || text.length > UNDONE) return false;
    this.#field.setSelectionRange(0, 0);
    return document.execCommand("insertText", false, text);
  }

  #changed() {
    const words = tooLong(this.#field);
    this.#draft.write(this.#field.value);
    this.#fit();
    this.#on.typed(this.#field.value !== "");
    if (words) this.#on.refused(words);
  }

  #submitted(event) {
    event.preventDefault();
    const text = this.#field.value;
    const { files } = this.#files;
    if ((!text.trim() && !files.length) || tooLong(this.#field)) return;
    if (!this.#files.ready) return this.#on.refused(gettext("A file is not there yet: wait, or remove it."));
    this.#field.value = "";
    this.#files.clear();
    this.#changed();
    this.#on.send(text, files);
  }

  #stopped(event) {
    event.preventDefault();
    this.#on.stop();
  }

  // Browsers that do not size a field by its content yet.
  #fit() {
    if (CSS.supports("field-sizing", "content")) return;
    this.#field.style.blockSize = "auto";
    this.#field.style.blockSize = `${this.#field.scrollHeight}px`;
  }
}
