// A prompt edited in its own place, or asked again as it is, perhaps of another model. What was said
// before stays: the server makes a branch of it.

import { clone } from "./clone.js";
import { tooLong } from "./prompt_limit.js";
import { deliver, newKey, wordsOf } from "./requests.js";

export class PromptEditing {
  #main;
  #on;

  constructor(main) {
    this.#main = main;
  }

  // `on` hears: asked(message) with the answer to come, and failed(words).
  wire(on) {
    this.#on = on;
    this.#main.addEventListener("click", (event) => this.#clicked(event));
  }

  #clicked(event) {
    const link = event.target.closest(".edit-link");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const prompt = link.closest(".prompt");
    if (prompt.querySelector(".edit")) return;
    this.#open(prompt, link);
  }

  #open(prompt, link) {
    const form = clone("streams-edit-template");
    const { content, model } = form.elements;
    content.value = prompt.querySelector(".said").textContent;
    offerModels(model);
    prompt.dataset.editing = "";
    prompt.querySelector(".said").after(form);
    form.action = link.href;
    form.key = newKey();
    form.querySelector(".cancel").addEventListener("click", () => this.#close(prompt, link));
    form.addEventListener("submit", (event) => this.#submitted(event));
    form.addEventListener("keydown", (event) => this.#pressed(event, prompt, link));
    content.focus();
  }

  #close(prompt, link) {
    prompt.querySelector(".edit").remove();
    delete prompt.dataset.editing;
    link.focus();
  }

  // Escape leaves this form and stops nothing.
  #pressed(event, prompt, link) {
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.#close(prompt, link);
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.currentTarget.requestSubmit();
    }
  }

  async #submitted(event) {
    event.preventDefault();
    event.stopPropagation();
    const form = event.currentTarget;
    const { content, model } = form.elements;
    const words = tooLong(content);
    if (words || !content.value.trim()) return this.#on.failed(words);
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      const body = { content: content.value, client_key: form.key, ...(model.value && { model: model.value }) };
      this.#on.asked((await deliver(form.action, body)).answer);
    } catch (error) {
      button.disabled = false;
      this.#on.failed(wordsOf(error));
    }
  }
}

// As above the conversation; a page of a site's own offers none.
function offerModels(select) {
  const picker = document.querySelector("#streams-answered-by select, select[form=streams-answered-by]");
  if (!picker) return;
  select.append(...[...picker.options].map((option) => option.cloneNode(true)));
  select.value = picker.value;
  select.closest("label").hidden = false;
}
