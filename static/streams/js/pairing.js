// "Continue on another device": shows a code, and says who came.

import { gettext } from "./gettext.js";
import { Modal } from "./modal.js";
import { request, wordsOf } from "./requests.js";

const EVERY = 1000;

class Pairing {
  #form;
  #dialog;
  #open = null;
  #timer = 0;

  constructor(form, dialog) {
    this.#form = form;
    this.#dialog = dialog;
    const floating = new Modal(dialog);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      dialog.close(); // the last one's notice may still be there
      floating.open(event.submitter);
      this.#ask();
    });
    dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
    dialog.querySelector("[data-again]").addEventListener("click", () => this.#ask());
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  // A browser closes modal dialogs alone by Escape, and a notice is none. Prevented, or the
  // page's own would stop the answer as well.
  #key(event) {
    const modal = document.querySelector(":modal, :popover-open");
    if (event.key !== "Escape" || event.defaultPrevented || modal || !this.#dialog.open) return;
    event.preventDefault();
    this.#dialog.close();
  }

  async #ask() {
    clearTimeout(this.#timer);
    this.#open = null;
    this.#state("loading");
    try {
      const opened = await request("POST", this.#form.getAttribute("action"), {});
      this.#show(opened);
    } catch (error) {
      this.#end(wordsOf(error));
    }
  }

  #show({ qr, code, at, hint, url, expires_in }) {
    this.#open = { url, until: Date.now() + expires_in * 1000 };
    this.#find(".qr-card").innerHTML = qr; // our own server's, and the policy lets no script run
    this.#find(".pairing-code").textContent = code;
    this.#find(".pairing-at").textContent = at;
    this.#find(".pairing-hint").textContent = hint;
    this.#state("waiting");
    this.#tick();
  }

  // It asks also while the dialog is closed, so that a device that joins is always announced.
  async #tick() {
    const open = this.#open;
    this.#countDown(open.until);
    try {
      const { state, device } = await request("GET", open.url);
      if (open !== this.#open) return;
      if (state === "joined") return this.#joined(device);
      if (state === "locked") return this.#end(gettext("Somebody typed wrong codes, so this one is void."));
      if (state === "expired") return this.#end(gettext("This code has run out."));
    } catch (error) {
      if (open !== this.#open) return;
      if (error.status === 404) return this.#end(gettext("This code has run out."));
    }
    this.#timer = setTimeout(() => this.#tick(), EVERY);
  }

  #countDown(until) {
    const left = Math.max(0, Math.round((until - Date.now()) / 1000));
    const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    this.#find(".pairing-left span").textContent = gettext("Works once, for %(time)s", { time: clock });
  }

  #joined(device) {
    const words = device?.name
      ? gettext("%(name)s joined", { name: device.name })
      : gettext("A device joined");
    this.#find(".pairing-who").textContent = words;
    this.#state("joined");
    this.#say(words);
    if (this.#dialog.open) return;
    const before = document.activeElement;
    this.#dialog.show();
    before?.focus();
  }

  #end(why) {
    this.#open = null;
    this.#find(".pairing-why").textContent = why;
    this.#state("ended");
    this.#say(why);
  }

  #say(words) {
    this.#find("[role=status]").textContent = words;
  }

  #state(name) {
    this.#dialog.dataset.state = name;
  }

  #find(selector) {
    return this.#dialog.querySelector(selector);
  }
}

new Pairing(document.getElementById("streams-continue"), document.getElementById("streams-pairing"));
