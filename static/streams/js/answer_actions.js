// What a person does to an answer: stop, retry, remove, have it go on.

import { runAddress } from "./run_address.js";
import { gettext } from "./gettext.js";
import { request, wordsOf } from "./requests.js";

export class AnswerActions {
  #main;
  #transcript;
  #reach;
  #on;
  #acts = {
    retry: (answer) => this.#retry(answer),
    remove: (answer) => this.#act("cancel", answer),
    continue: () => this.#on.send(gettext("Continue.")),
    decide: (answer, form, button) => this.#decide(answer, form, button.value),
    again: (answer, form) => this.#about(answer, form, {}),
  };

  // `reach` is the part of the page where Escape means to stop.
  constructor(main, transcript, reach) {
    this.#main = main;
    this.#transcript = transcript;
    this.#reach = reach;
  }

  // `on` hears: send(text), stop(), asking({ prompt }), or null when it was refused, asked(message) with
  // the answer to come, failed(words), and takeFocus() when a button that had it goes.
  wire(on) {
    this.#on = on;
    this.#main.addEventListener("submit", (event) => this.#submitted(event));
    this.#reach.addEventListener("keydown", (event) => this.#pressed(event));
  }

  stop() {
    const { front } = this.#transcript;
    if (front && !front.stopping) this.#act("cancel", front);
  }

  // A run whose answer is not on the page yet.
  cancel(run) {
    this.#ask("cancel", run);
  }

  #submitted(event) {
    const answer = this.#transcript.answer(event.target.closest(".answer")?.dataset.run);
    if (!answer) return;
    event.preventDefault();
    const { act } = event.target.dataset;
    this.#acts[act](answer, event.target, event.submitter ?? event.target.querySelector("button"));
    if (act !== "continue") this.#on.takeFocus();
  }

  #pressed(event) {
    const busy = document.querySelector(":popover-open, dialog[open]");
    const free = !event.defaultPrevented && !busy;
    if (event.key === "Escape" && free) this.#on.stop();
  }

  async #retry(answer) {
    this.#on.asking({ prompt: answer.prompt });
    const again = await this.#ask("retry", answer.run);
    if (again) this.#on.asked(again.message);
    else this.#on.asking(null);
  }

  // Shown at once; the log has the last word, and a refusal is taken back.
  async #act(verb, answer) {
    if (verb === "cancel") answer.askToStop();
    this.#transcript.refresh();
    const done = await this.#ask(verb, answer.run);
    if (done || verb !== "cancel") return;
    answer.keepGoing();
    this.#transcript.refresh();
  }

  #decide(answer, form, decision) {
    const note = form.elements.note.value.trim();
    return this.#about(answer, form, note ? { decision, note } : { decision });
  }

  // The buttons rest until the log says what became of it, or nothing did.
  async #about(answer, form, body) {
    const call = answer.callOf(form);
    call.hold(true);
    try {
      await request("POST", form.action, body);
    } catch (error) {
      call.hold(false);
      this.#on.failed(wordsOf(error));
    }
  }

  async #ask(verb, run) {
    try {
      return await request("POST", runAddress(run, verb));
    } catch (error) {
      this.#on.failed(wordsOf(error));
      return null;
    }
  }
}
