// `‹ 2/3 ›` without leaving the page: the branch it leads to is loaded, and shown in the place of the
// one that is here. Back leads back.

import { loadPage } from "./loaded_page.js";
import { stayInBranch } from "./branch_address.js";
import { wordsOf } from "./requests.js";

export class BranchSteps {
  #main;
  #latest = null; // what was asked for last, and comes
  #on;

  constructor(main) {
    this.#main = main;
  }

  // `on` hears show(main), the same element of the branch's page, and failed(words); and is asked
  // end(), the message by which the branch on the page is known, and has(message).
  wire(on) {
    this.#on = on;
    this.#main.addEventListener("click", (event) => this.#clicked(event));
    addEventListener("popstate", (event) => this.#returned(event));
  }

  #clicked(event) {
    const step = event.target.closest(".siblings a[href]");
    if (!step || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    this.#show(step.href, () => this.#enter(step.href));
  }

  // The address that is left becomes that of what stands there now, so that Back finds it again.
  #enter(href) {
    stayInBranch(this.#on.end());
    history.replaceState({ ...history.state, streamsBranch: true }, "");
    const place = new URL(href);
    place.hash = "";
    history.pushState({ streamsBranch: true }, "", place);
  }

  #returned({ state }) {
    this.#latest = null; // and nothing that comes is shown any more
    delete this.#main.dataset.stepping;
    const branch = new URLSearchParams(location.search).get("branch");
    if (state?.streamsBranch && !this.#on.has(branch)) this.#show(location.href);
  }

  async #show(href, enter = () => {}) {
    const asked = (this.#latest = {});
    this.#main.dataset.stepping = "";
    const found = await loadPage(href).catch((error) => error);
    if (asked !== this.#latest) return;
    delete this.#main.dataset.stepping;
    if (found instanceof Error) return this.#on.failed(wordsOf(found));
    const main = found?.getElementById("streams-conversation");
    // One that stands still, or is not ours to show.
    if (main?.dataset.id !== this.#main.dataset.id || main.querySelector(".further [rel=next]")) {
      return location.assign(href);
    }
    enter();
    this.#on.show(main);
  }
}
