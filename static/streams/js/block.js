// One block of an answer. The first part of its text is formatted for good, the next part for now,
// and newer text grows behind both.

import { paint } from "./paint_queue.js";
import { GrowingText } from "./growing_text.js";
import { cleanLength } from "./inline_text.js";
import { Folds, parsed, patch } from "./dom_patch.js";
import { ShownImages } from "./shown_images.js";

export class Block {
  version = 0; // of the text so far: what was asked about another is of no use
  ended = false;
  #element;
  #formatter;
  #closed;
  #open;
  #growth;
  #text;
  #closedLength;
  #seenLength; // formatted, for good or for now
  #askedLength = 0; // of what is not formatted for good
  #paintedLength;

  constructor(element, formatter) {
    this.#element = element;
    this.#formatter = formatter;
    this.#closed = element.querySelector(".closed");
    this.#open = element.querySelector(".open");
    const { source, closed, seen, fenced } = element.dataset;
    this.#text = source;
    this.#closedLength = Number(closed);
    this.#seenLength = Number(seen ?? closed);
    // Heard paragraph by paragraph, never token by token.
    this.#closed.setAttribute("aria-live", "polite");
    this.#grow(fenced !== undefined);
    this.#paintedLength = this.#seenLength;
    if (this.#seenLength < source.length) paint(this);
  }

  get text() {
    return this.#text;
  }

  // What the server can format by now and has not been asked about; else nothing.
  get draft() {
    const tail = this.#text.slice(this.#closedLength);
    if (this.ended) return tail;
    const draft = this.#growth.code ? tail : tail.slice(0, cleanLength(tail));
    return draft.length > this.#askedLength ? draft : "";
  }

  add(text) {
    if (!text) return;
    if (this.ended) return this.#begin(this.#text + text); // too soon, after a reload
    this.#text += text;
    paint(this);
  }

  replace(text) {
    if (text.startsWith(this.#text)) return this.add(text.slice(this.#text.length));
    this.#begin(text);
  }

  #begin(text) {
    this.ended = false;
    this.version += 1;
    this.#text = text;
    this.#closedLength = this.#seenLength = this.#askedLength = this.#paintedLength = 0;
    this.#closed.replaceChildren();
    this.#open.replaceChildren();
    this.#grow(false);
    paint(this);
  }

  end() {
    if (this.ended) return;
    this.ended = true;
    this.version += 1;
    paint(this);
  }

  paint() {
    this.#growth.add(this.#text.slice(this.#paintedLength));
    this.#paintedLength = this.#text.length;
    this.#formatter.want(this);
  }

  // What `draft` has become; more may have arrived meanwhile.
  show({ closed, length, open, seen, fenced }, draft) {
    if (this.ended) return this.#settle(closed + open);
    this.#growth.remove();
    const drawn = this.#redrawing();
    this.#closed.append(live(drawn(closed)));
    patch(this.#open, drawn(open));
    this.#seenLength = this.#closedLength + seen;
    // Where no frame is drawn for a while, the server's answer shows what none has painted yet.
    this.#paintedLength = Math.max(this.#paintedLength, this.#seenLength);
    this.#closedLength += length;
    this.#askedLength = draft.length - length;
    this.#grow(fenced);
    this.#growth.add(this.#text.slice(this.#seenLength, this.#paintedLength));
    paint(this);
  }

  // Nobody formats it, for now or for good.
  goOnAlone() {
    this.#growth.goOnAlone();
  }

  #grow(fenced) {
    const before = this.#text.slice(this.#closedLength, this.#seenLength);
    this.#growth = new GrowingText(this.#open, before, fenced);
  }

  // What a reader has done with folds and images stays.
  #redrawing() {
    const [folds, images] = [new Folds(this.#open), new ShownImages(this.#open)];
    return (html) => images.keep(folds.keep(parsed(html)));
  }

  // Nothing will follow: the rest is final too.
  #settle(html) {
    const fresh = this.#redrawing()(html);
    this.#open.replaceChildren();
    this.#closed.append(live(fresh));
    this.#closedLength = this.#seenLength = this.#paintedLength = this.#text.length;
    const { dataset } = this.#element;
    Object.assign(dataset, { source: this.#text, closed: this.#closedLength });
    delete dataset.seen;
    delete dataset.fenced;
  }
}

// What comes while somebody reads has its size at once: a guess would move all the page by it.
function live(fragment) {
  for (const each of fragment.children) each.dataset.live = "";
  return fragment;
}
