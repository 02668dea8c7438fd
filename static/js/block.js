// One block of an answer: its text, of which a first part stands formatted for good, a next part
// is formatted for now, and what has just arrived is painted behind as it came.

import { paint } from "./frame.js";

const HOLDS_TEXT = "p, li, ul, ol, blockquote, h1, h2, h3, h4, h5, h6, pre, pre > code, td, tr, tbody, table, div";

export class Block {
  version = 0;
  ended = false;
  #element;
  #formatter;
  #closed;
  #open;
  #fresh = document.createElement("span");
  #text;
  #closedLength;
  #seenLength; // formatted, for good or for now
  #paintedLength;

  constructor(element, formatter) {
    this.#element = element;
    this.#formatter = formatter;
    this.#closed = element.querySelector(".closed");
    this.#open = element.querySelector(".open");
    this.#text = element.dataset.source;
    this.#closedLength = Number(element.dataset.closed);
    this.#seenLength = this.#paintedLength = this.#text.length;
    this.#fresh.className = "fresh";
    this.#fresh.append(this.#gap());
    // Heard paragraph by paragraph, never token by token.
    this.#closed.setAttribute("aria-live", "polite");
    this.#placeFresh();
  }

  get text() {
    return this.#text;
  }

  // What is not formatted for good yet.
  get tail() {
    return this.#text.slice(this.#closedLength);
  }

  add(text) {
    this.#text += text;
    paint(this);
  }

  replace(text) {
    if (text.startsWith(this.#text)) return this.add(text.slice(this.#text.length));
    this.version += 1;
    this.#text = text;
    this.#closedLength = this.#seenLength = this.#paintedLength = 0;
    this.#closed.replaceChildren();
    this.#open.replaceChildren();
    this.#fresh.firstChild.data = "";
    this.#placeFresh();
    paint(this);
  }

  end() {
    if (this.ended) return;
    this.ended = true;
    paint(this);
  }

  paint() {
    this.#fresh.firstChild.appendData(this.#text.slice(this.#paintedLength));
    this.#paintedLength = this.#text.length;
    if (this.#seenLength < this.#text.length || this.ended) this.#formatter.want(this);
  }

  // `length` UTF-16 units of the tail have become this; more may have arrived meanwhile.
  show({ closed, length: closedLength, open }, length, ended) {
    this.#seenLength = this.#closedLength + length;
    this.#closed.insertAdjacentHTML("beforeend", closed);
    this.#closedLength += closedLength;
    this.#open.innerHTML = open;
    if (ended) return this.#settle();
    const arrived = this.#text.slice(this.#seenLength, this.#paintedLength);
    this.#fresh.firstChild.data = this.#gap() + arrived;
    this.#placeFresh();
    paint(this);
  }

  // Markdown drops the space a text ends with; the next word needs it.
  #gap() {
    const last = this.#text[this.#seenLength - 1] ?? "";
    return /\S/.test(last) ? "" : last;
  }

  // Nothing will follow: the rest is final too.
  #settle() {
    this.#fresh.remove();
    this.#closed.append(...this.#open.childNodes);
    this.#closedLength = this.#text.length;
    Object.assign(this.#element.dataset, { source: this.#text, closed: this.#closedLength });
  }

  // At the very end of the last paragraph, item, cell or line of code.
  #placeFresh() {
    let place = this.#open;
    while (place.lastElementChild?.matches(HOLDS_TEXT) && !text(place.lastChild)) {
      place = place.lastElementChild;
    }
    if (place.matches("code")) dropLineEnd(place);
    place.append(this.#fresh);
  }
}

// Markdown ends code with a line end, whether the text has come to it or not.
function dropLineEnd(code) {
  let last = code.lastChild;
  while (last?.lastChild) last = last.lastChild;
  if (last?.data?.endsWith("\n")) last.data = last.data.slice(0, -1);
}

function text(node) {
  return node.nodeType === Node.TEXT_NODE && node.data.trim();
}
