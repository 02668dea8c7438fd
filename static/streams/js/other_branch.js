// Another branch as the server has drawn it, which takes the place of the one on the page. What both
// begin with stays as it is: a fold that somebody has opened, and what they edit.

const OPEN = ["queued", "running", "waiting"];

export class OtherBranch {
  #transcript;
  #drawn;
  gone; // messages that leave the page
  come; // those that stand in their place
  begins; // whether the page begins where the branch's own does

  constructor(transcript, drawn) {
    this.#transcript = transcript;
    this.#drawn = drawn;
    const here = [...transcript.children];
    const there = [...drawn.children];
    const from = here.findIndex((it) => it.dataset.message === there[0]?.dataset.message);
    let shared = 0;
    while (from >= 0 && there[shared] && same(here[from + shared], there[shared])) shared += 1;
    this.gone = here.slice(Math.max(0, from) + shared);
    this.come = there.slice(shared);
    this.begins = from <= 0;
  }

  // `‹ 2/3 ›` where the one parts from the other, before and after; none where they do not.
  get steps() {
    for (const before of this.gone) {
      const { message, siblings = "" } = before.dataset;
      const others = siblings.split(" ").filter((id) => id !== message);
      const after = this.come.find((it) => others.includes(it.dataset.message));
      if (after) return [before, after].map((it) => it.querySelector(":scope > .siblings"));
    }
    return [];
  }

  take() {
    for (const each of this.gone) each.remove();
    this.#transcript.append(...this.come);
    this.#transcript.dataset.newest = this.#drawn.dataset.newest;
    const { elsewhere } = this.#drawn.dataset;
    if (elsewhere === undefined) delete this.#transcript.dataset.elsewhere;
    else this.#transcript.dataset.elsewhere = elsewhere;
  }
}

// The page and the branch may be of two moments: what can still change is not the same.
function same(here, there) {
  if (!here || here.dataset.message !== there.dataset.message) return false;
  const open = [here, there].some((it) => OPEN.includes(it.dataset.status));
  return !open && here.dataset.siblings === there.dataset.siblings;
}
