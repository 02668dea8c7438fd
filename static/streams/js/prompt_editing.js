// A prompt edited in its own place, or asked again as it is, perhaps of another model. What was said
// before stays: the server makes a branch of it.

import { filesOf } from "./attached_files.js";
import { Attachments } from "./attachments.js";
import { clone } from "./template_clone.js";
import { gettext } from "./gettext.js";
import { tooLong } from "./prompt_limit.js";
import { deliver, newKey, wordsOf } from "./requests.js";

export class PromptEditing {
  #main;
  #on;

  constructor(main) {
    this.#main = main;
  }

  // `on` hears: asking({ prompt, key }), or null when it was refused, asked(message) with the answer to
  // come, and failed(words).
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
    this.#open(prompt, link.href);
  }

  #open(prompt, address) {
    const form = clone("streams-edit-template");
    const { content, model } = form.elements;
    content.value = prompt.querySelector(".said").textContent;
    offerModels(model);
    prompt.dataset.editing = "";
    prompt.querySelector(".said").after(form);
    form.action = address;
    form.key = newKey();
    const files = this.#filesIn(form, prompt);
    const close = () => {
      files.discard();
      this.#close(prompt);
    };
    form.querySelector(".cancel").addEventListener("click", close);
    form.addEventListener("submit", (event) => this.#submitted(event, files));
    form.addEventListener("keydown", (event) => this.#pressed(event, close));
    content.focus();
  }

  // Those it was sent with, to keep or to leave out, and more. With a file there need be no text.
  #filesIn(form, prompt) {
    const { content } = form.elements;
    const files = new Attachments(form);
    const changed = () => (content.required = !files.any);
    files.wire({ changed, refused: this.#on.failed }, content, form);
    files.giveBack(filesOf(prompt));
    return files;
  }

  #close(prompt) {
    prompt.querySelector(".edit").remove();
    delete prompt.dataset.editing;
    prompt.querySelector(".edit-link").focus();
  }

  // Escape leaves this form and stops nothing.
  #pressed(event, close) {
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.currentTarget.requestSubmit();
    }
  }

  async #submitted(event, files) {
    event.preventDefault();
    event.stopPropagation();
    const form = event.currentTarget;
    const { content, model } = form.elements;
    const words = tooLong(content);
    if (words || (!content.value.trim() && !files.any)) return this.#on.failed(words);
    if (!files.ready) {
      return this.#on.failed(gettext("A file is not there yet: wait, or remove it."));
    }
    const button = form.querySelector("button");
    button.disabled = true;
    this.#on.asking({ prompt: form.closest(".prompt").dataset.message, key: form.key });
    try {
      const attachments = files.files.map((file) => file.id);
      const body = { content: content.value, client_key: form.key, attachments };
      if (model.value) body.model = model.value;
      const { answer } = await deliver(form.action, body);
      if (form.isConnected) this.#close(form.closest(".prompt"));
      this.#on.asked(answer);
    } catch (error) {
      this.#on.asking(null);
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
