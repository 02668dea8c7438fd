// The field one writes in: its draft, and its one button, Send or Stop.

const UNDONE = 20_000; // characters

export class Composer {
  #form;
  #field;
  #send;
  #stop;
  #next;
  #busy = false;
  #draft;
  #on;

  constructor(form, draft) {
    this.#form = form;
    this.#field = form.elements.content;
    this.#send = form.querySelector(".send");
    this.#stop = form.querySelector(".stop");
    this.#next = form.querySelector(".next");
    this.#draft = draft;
  }

  // `on` hears: send(text), stop(), typed(something).
  wire(on) {
    this.#on = on;
    this.#field.value ||= this.#draft.read();
    this.#field.addEventListener("input", () => this.#changed());
    this.#form.addEventListener("submit", (event) => this.#submitted(event));
    this.#stop.addEventListener("click", (event) => this.#clicked(event));
    this.#stop?.form?.addEventListener("submit", (event) => this.#stopped(event));
    this.#fit();
  }

  // What the button is, by the run's state alone. `next` says what a message would do meanwhile,
  // for those without an Enter key.
  show({ busy, stopping, next }) {
    this.#busy = busy;
    this.#next.textContent = next;
    const moved = document.activeElement === (busy ? this.#send : this.#stop);
    this.#send.hidden = busy;
    this.#stop.hidden = !busy;
    this.#stop.setAttribute("aria-disabled", String(stopping));
    if (moved && matchMedia("(pointer: fine)").matches) this.#field.focus(); // no keyboard brought up
    this.#offerNext();
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
    this.#draft.write(this.#field.value);
    this.#fit();
    this.#offerNext();
    this.#on.typed(this.#field.value !== "");
  }

  #offerNext() {
    this.#next.hidden = !this.#busy || !this.#next.textContent || !this.#field.value.trim();
  }

  #submitted(event) {
    event.preventDefault();
    const text = this.#field.value;
    if (!text.trim()) return;
    this.#field.value = "";
    this.#changed();
    this.#on.send(text);
  }

  // The second click of two on Send, in whose place this one is now.
  #clicked(event) {
    if (event.detail > 1) event.preventDefault();
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
