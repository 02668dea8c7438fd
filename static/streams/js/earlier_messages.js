// The part of a long conversation before the one that is shown: loaded when its link comes near, and
// put above the messages on the page, which do not move before the reader's eyes.

const NEAR = "600px"; // above what can be seen

export class EarlierMessages {
  #link;
  #transcript;
  #loading = null;
  #on;

  constructor(link, transcript) {
    this.#link = link;
    this.#transcript = transcript;
  }

  // `on` hears: arrived(elements), before they are on the page.
  wire(on) {
    this.#on = on;
    if (!this.#link) return;
    const near = new IntersectionObserver(([it]) => it.isIntersecting && this.load(), { rootMargin: NEAR });
    near.observe(this.#link);
    this.#link.addEventListener("click", (event) => {
      event.preventDefault();
      this.load();
    });
    this.#follow(location.hash);
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
    if (!this.#link) return false;
    const found = await part(this.#link.href).catch(() => null);
    if (!found) return false; // the link stays, and can be pressed
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

async function part(url) {
  const answer = await fetch(url, { headers: { Accept: "text/html" }, credentials: "same-origin" });
  if (!answer.ok || answer.redirected) return null;
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}
