// The part of a long conversation before the one that is shown: loaded when its link comes near, and
// put above the messages on the page, which do not move before the reader's eyes.

import { loadPage } from "./loaded_page.js";

const NEAR = "600px"; // above what can be seen

export class EarlierMessages {
  #link;
  #transcript;
  #loading = null;
  #near = new IntersectionObserver(([it]) => it.isIntersecting && this.load(), { rootMargin: NEAR });
  #on;

  constructor(link, transcript) {
    this.#link = link;
    this.#transcript = transcript;
  }

  // `on` hears: arrived(elements), before they are on the page.
  wire(on) {
    this.#on = on;
    if (!this.#link) return;
    this.#offer();
    this.#follow(location.hash);
  }

  // Another branch's: the paragraph with its link, or null where nothing is before it.
  replace(paragraph) {
    this.#link?.parentElement.remove();
    this.#link = paragraph?.querySelector("a") ?? null;
    if (!this.#link) return;
    this.#transcript.before(paragraph);
    this.#offer();
  }

  #offer() {
    this.#near.disconnect();
    this.#near.observe(this.#link);
    this.#link.addEventListener("click", (event) => {
      event.preventDefault();
      this.load();
    });
  }

  // A link from elsewhere may name a message that is not here yet.
  async #follow(hash) {
    if (!hash.startsWith("#m-")) return;
    const there = () => document.getElementById(hash.slice(1));
    while (this.#link && !there()) if (!(await this.load())) return;
    there()?.scrollIntoView({ behavior: "instant" });
  }

  load() {
    this.#loading ??= this.#load().finally(() => (this.#loading = null));
    return this.#loading;
  }

  async #load() {
    const link = this.#link;
    if (!link) return false;
    const found = await loadPage(link.href).catch(() => null);
    if (!found || link !== this.#link) return false; // the link stays, and can be pressed
    const elements = [...found.querySelectorAll("#streams-transcript > *")];
    this.#on.arrived(elements);
    this.#keepInView(() => this.#transcript.prepend(...elements));
    const next = found.getElementById("streams-earlier");
    if (next) this.#link.href = next.href;
    else {
      this.#link.parentElement.remove();
      this.#link = null;
    }
    return true;
  }

  #keepInView(change) {
    const first = this.#transcript.firstElementChild;
    const before = first?.getBoundingClientRect().top ?? 0;
    change();
    const moved = (first?.getBoundingClientRect().top ?? 0) - before;
    const place = this.#transcript.closest(".conversation");
    (place.scrollHeight > place.clientHeight + 1 && place.scrollTop > 0 ? place : document.documentElement).scrollTop += moved;
  }
}
