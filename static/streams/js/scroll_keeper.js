// Keeps the newest in view while the reader is at the end, and leaves them alone when not: whatever
// makes the conversation longer, its size is watched.

import { readingPlace, wayTo } from "./reading_place.js";

const NEAR = 48; // px from the end that still count as the end
const FRAMES = 4; // until what is near the window has its size
const STILL = matchMedia("(prefers-reduced-motion: reduce)"); // styles do not reach what a script asks for

export class ScrollKeeper {
  #jump;
  #key;
  #place; // what scrolls; null is the document
  #atEnd = true;
  #folding = false; // somebody opens or closes a fold right now
  #last = 0;
  #on;

  constructor(jump, key, place) {
    this.#jump = jump;
    this.#key = key;
    this.#place = place;
  }

  // Comes back to where the reader was. `on` hears: reachedEnd().
  wire(on) {
    this.#on = on;
    if (!this.#place) history.scrollRestoration = "manual";
    (this.#place ?? window).addEventListener("scroll", () => this.#scrolled(), { passive: true });
    addEventListener("resize", () => this.#keep());
    const sizes = new ResizeObserver(() => this.#keep());
    for (const each of this.#place?.children ?? [document.body]) sizes.observe(each);
    document.addEventListener("click", (event) => this.#clicked(event));
    addEventListener("pagehide", () => this.#remember());
    this.#jump.addEventListener("click", () => this.#jumped());
    this.#restore();
  }

  get atEnd() {
    return this.#atEnd;
  }

  toEnd(behavior = "instant") {
    this.#atEnd = true;
    this.#scrolling.scrollTo({ top: this.#scrolling.scrollHeight, behavior });
    this.#last = this.#top;
    this.#show();
  }

  // Changes what is shown so that `after` stands where `before` stood.
  hold(change, before, after) {
    const top = before?.getBoundingClientRect().top;
    change();
    this.#atEnd = false;
    if (after) this.#approach(() => after.getBoundingClientRect().top - top);
    this.#scrolled();
  }

  get #scrolling() {
    return this.#place ?? document.documentElement;
  }

  get #top() {
    return this.#place?.scrollTop ?? scrollY;
  }

  #keep() {
    if (this.#folding) return;
    if (this.#atEnd) this.toEnd();
    else this.#show();
  }

  // A fold opens where it stands: who wants to read it is not taken to its end.
  #clicked({ target }) {
    if (!target.closest("summary")) return;
    this.#folding = true;
    setTimeout(() => {
      this.#folding = false;
      this.#atEnd = this.#below() < NEAR;
      this.#show();
    });
  }

  #jumped() {
    this.toEnd(STILL.matches ? "instant" : "smooth");
    this.#on.reachedEnd();
  }

  #scrolled() {
    const before = this.#atEnd;
    // What grew between our own step and its event has moved the end, not the reader.
    const stayed = before && this.#top >= this.#last;
    this.#last = this.#top;
    this.#atEnd = stayed || this.#below() < NEAR;
    if (this.#atEnd && !before) this.#on.reachedEnd();
    this.#show();
  }

  #below() {
    const shown = this.#place?.clientHeight ?? innerHeight;
    return this.#scrolling.scrollHeight - shown - this.#top;
  }

  #show() {
    this.#jump.hidden = this.#atEnd || this.#below() < NEAR;
  }

  #remember() {
    const there = this.#atEnd ? null : { top: this.#top, ...readingPlace(this.#transcript) };
    sessionStorage.setItem(this.#key, there ? JSON.stringify(there) : "end");
  }

  #restore() {
    if (this.#pointedAt()) return;
    const place = sessionStorage.getItem(this.#key) ?? "end";
    if (place === "end") return this.toEnd();
    this.#atEnd = false;
    const there = JSON.parse(place);
    this.#scrolling.scrollTo({ top: there.top ?? there, behavior: "instant" });
    if (there.message) this.#approach(() => wayTo(this.#transcript, there));
    this.#scrolled();
  }

  // What has come near the window gets its size in the next frames.
  #approach(left, frames = FRAMES) {
    const way = left();
    if (way) this.#scrolling.scrollBy({ top: way, behavior: "instant" });
    if (frames) requestAnimationFrame(() => this.#approach(left, frames - 1));
  }

  get #transcript() {
    return (this.#place ?? document).querySelector(".transcript");
  }

  // An address that names a message has been followed, as from the search: not loaded anew.
  #pointedAt() {
    const [{ type } = {}] = performance.getEntriesByType("navigation");
    const target = this.#place || type !== "navigate" ? null : document.querySelector(":target");
    if (!target?.matches(".prompt, .answer")) return false;
    this.#atEnd = false;
    target.scrollIntoView({ behavior: "instant" });
    this.#scrolled();
    return true;
  }
}
