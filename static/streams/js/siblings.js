// `‹ 2/3 ›` under a message: what else stands in its place, as templates/streams/siblings.html draws
// it. Its element names all of them; one that is alone names none.

import { branchAddress } from "./branch_address.js";
import { clone } from "./template_clone.js";

export class Siblings {
  #root;

  constructor(root) {
    this.#root = root;
  }

  of(element) {
    return element.dataset.siblings?.split(" ") ?? [element.dataset.message];
  }

  isLast(element) {
    return this.of(element).at(-1) === element.dataset.message;
  }

  add(element, id) {
    const all = this.of(element);
    if (!all.includes(id)) this.show(element, [...all, id]);
  }

  // One that was taken back.
  remove(id) {
    const element = this.#root.querySelector(`[data-siblings~="${id}"]`);
    if (element) this.show(element, this.of(element).filter((each) => each !== id));
  }

  show(element, ids) {
    const alone = ids.length < 2;
    const shown = element.querySelector(":scope > .siblings");
    if (alone) {
      delete element.dataset.siblings;
      shown?.remove();
      return;
    }
    element.dataset.siblings = ids.join(" ");
    const nav = shown ?? clone("streams-siblings-template");
    const at = ids.indexOf(element.dataset.message);
    nav.querySelector(".count").textContent = `${at + 1}/${ids.length}`;
    leadTo(nav.querySelector("[rel=prev]"), ids[at - 1]);
    leadTo(nav.querySelector("[rel=next]"), ids[at + 1]);
    if (!shown) element.querySelector(":scope > :is(.about, .state)").after(nav);
  }
}

function leadTo(link, message) {
  link.toggleAttribute("aria-disabled", false);
  if (message) {
    link.href = branchAddress(message).href;
    link.removeAttribute("role");
  } else {
    link.removeAttribute("href");
    link.setAttribute("role", "link");
    link.setAttribute("aria-disabled", "true");
  }
}
