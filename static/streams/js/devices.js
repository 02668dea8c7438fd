// The devices page: names are saved in place; the forms do the rest.

import { followFeed } from "./conversation_feed.js";
import { makeModals } from "./modal.js";
import { PushSubscriptionBox } from "./push_subscription.js";
import { request } from "./requests.js";
import { forgetAtSignOut } from "./sidebar.js";

class Name {
  #form;
  #field;
  #saved;

  constructor(form) {
    this.#form = form;
    this.#field = form.elements.name;
    this.#saved = this.#field.value;
    form.addEventListener("submit", (event) => this.#submitted(event));
    this.#field.addEventListener("blur", () => this.#save());
    this.#field.addEventListener("keydown", (event) => this.#key(event));
  }

  #submitted(event) {
    event.preventDefault();
    this.#field.blur();
  }

  #key(event) {
    if (event.key !== "Escape") return;
    this.#field.value = this.#saved;
    this.#field.blur();
  }

  async #save() {
    const name = this.#field.value.trim();
    const before = this.#saved;
    this.#field.value = name || before;
    if (!name || name === before) return;
    this.#saved = name;
    try {
      await request("PATCH", this.#form.getAttribute("action"), { name });
    } catch {
      this.#field.value = this.#saved = before;
    }
  }
}

makeModals();
forgetAtSignOut();
followFeed();
const push = document.getElementById("streams-push");
if (push) new PushSubscriptionBox(push);
for (const form of document.querySelectorAll(".device-name")) new Name(form);
