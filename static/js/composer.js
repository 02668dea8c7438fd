// The field one writes in: its draft, and its one button, Send or Stop.

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
    this.#field.value = [text, this.#field.value].filter(Boolean).join("\n");
    this.#changed();
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
