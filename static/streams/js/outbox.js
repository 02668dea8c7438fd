// Prompts on their way: shown at once, kept until the server has them, sent in order.

import { drawFiles } from "./attached_files.js";
import { stored } from "./draft.js";
import { gettext } from "./gettext.js";
import { markLong } from "./long_prompt.js";
import { AGAIN, deliver, newKey, Refused, Strange } from "./requests.js";
import { clone } from "./template_clone.js";

export class Outbox {
  #element;
  #url;
  #key;
  #on;
  #entries = [];
  #underWay = new Map(); // keys of prompts whose answers are not on the page yet, and their runs
  #stopped = new Set(); // those of them that shall not be answered any more
  #sending = false;
  #timer = 0;

  constructor(element, { user, place, url }) {
    this.#element = element;
    this.#url = url;
    this.#key = `streams:unsent:${user}:${place}`;
  }

  // Shows what is still to be sent, and sends it. `on` hears: refused(text, error, files),
  // takenBack({ text, files }), signedOut(), delivered(message), strange(words), cancel(run), changed(); and is asked known(key): whether
  // the conversation has it, though the answer that said so was lost; branch(), the message by which
  // the branch on the page is known, and branched(), whether there are others.
  wire(on) {
    this.#on = on;
    this.#keep((kept) => kept.filter((entry) => !on.known(entry.key)));
    this.#entries = this.#kept().map((entry) => ({ ...entry, late: true }));
    for (const entry of this.#entries) this.#show(entry, gettext("Not sent yet"));
    if (this.#entries.length) this.flush();
  }

  get waiting() {
    return this.#entries.length > 0;
  }

  // Whether an answer has been asked for and is not on the page, and whether it shall not come.
  get front() {
    const [key] = this.#underWay.keys();
    return key === undefined ? null : { stopping: this.#stopped.has(key) };
  }

  // Before the server has said which run it is; it hears of it as soon as it has.
  stop() {
    const [key] = this.#underWay.keys();
    if (key !== undefined) this.#halt(key);
  }

  #halt(key) {
    if (this.#stopped.has(key)) return;
    const run = this.#underWay.get(key);
    this.#stopped.add(key);
    if (run) this.#on.cancel(run);
    this.#on.changed();
  }

  has(key) {
    return this.#underWay.has(key) || this.#entries.some((entry) => entry.key === key);
  }

  // The answer of this prompt is on the page. Returns whether it was stopped before that.
  queued(key) {
    this.#underWay.delete(key);
    return this.#stopped.delete(key);
  }

  add(text, files = []) {
    const entry = { key: newKey(), text, files, branch: this.#on.branch() };
    this.#entries.push(entry);
    this.#keep((kept) => [...kept, entry]);
    this.#show(entry, "");
    this.#on.changed();
    this.flush();
  }

  // The conversation has this prompt: its place is there now.
  arrived(key) {
    if (!key) return;
    this.#place(key)?.remove();
    this.#drop(key);
  }

  async flush() {
    if (this.#sending) return;
    clearTimeout(this.#timer);
    this.#sending = true;
    while (this.#entries.length && (await this.#deliver(this.#entries[0])));
    this.#sending = false;
  }

  async #deliver(entry) {
    this.#underWay.set(entry.key, null);
    this.#on.changed();
    try {
      const body = { content: entry.text, client_key: entry.key, ...this.#branchOf(entry) };
      if (entry.files?.length) body.attachments = entry.files.map((file) => file.id);
      const { message, run } = await deliver(this.#url, body);
      this.#sent(entry.key, run.id);
      this.#drop(entry.key);
      if (this.#on.delivered(message.id)) {
        this.arrived(entry.key);
        this.queued(entry.key);
      }
      return true;
    } catch (error) {
      if (error instanceof Refused && error.status < 500) return this.#refused(entry, error);
      this.#underWay.delete(entry.key);
      entry.late = true;
      this.#words(entry.key, gettext("Not sent yet"));
      this.#timer = setTimeout(() => this.flush(), AGAIN);
      if (error instanceof Strange) this.#on.strange(error.message);
      this.#on.changed();
      return false;
    }
  }

  // Where there is no other, or could not be, nobody needs to look for it.
  #branchOf(entry) {
    const wanted = entry.branch && (entry.late || this.#on.branched());
    return wanted ? { branch: entry.branch } : {};
  }

  #sent(key, run) {
    if (!this.#underWay.has(key)) return; // the log was quicker
    this.#underWay.set(key, run);
    if (this.#stopped.has(key)) this.#on.cancel(run);
  }

  #refused(entry, error) {
    this.#underWay.delete(entry.key);
    if (error.status === 401) {
      this.#words(entry.key, gettext("Not sent yet"));
      this.#on.signedOut();
      return false;
    }
    this.arrived(entry.key);
    this.#on.refused(entry.text, error, entry.files ?? []);
    return true;
  }

  #drop(key) {
    this.#entries = this.#entries.filter((entry) => entry.key !== key);
    this.#keep((kept) => kept.filter((entry) => entry.key !== key));
    this.#on.changed();
  }

  #kept() {
    return JSON.parse(stored(() => localStorage.getItem(this.#key)) ?? "[]");
  }

  // Another tab of this conversation keeps its own in the same place.
  #keep(change) {
    const entries = change(this.#kept());
    const text = JSON.stringify(entries);
    stored(() => entries.length ? localStorage.setItem(this.#key, text) : localStorage.removeItem(this.#key));
  }

  #show(entry, words) {
    const element = clone("streams-prompt-template");
    element.classList.add("pending");
    element.dataset.key = entry.key;
    element.querySelector(".said").textContent = entry.text;
    markLong(element, entry.text);
    drawFiles(element, entry.files ?? []);
    this.#element.append(element);
    this.#words(entry.key, words);
  }

  #words(key, words) {
    const place = this.#place(key)?.querySelector(".pending-words");
    if (!place) return;
    place.replaceChildren(words);
    if (words) place.append(" · ", this.#removeButton(key));
  }

  #removeButton(key) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "link-button";
    button.textContent = gettext("Take back");
    button.addEventListener("click", () => this.#takeBack(key));
    return button;
  }

  // One that is on its way right now is taken back as one that waits for its answer.
  #takeBack(key) {
    const entry = this.#entries.find((each) => each.key === key);
    if (!entry || this.#underWay.has(key)) return this.#halt(key);
    this.arrived(key);
    this.#on.takenBack({ text: entry.text, files: entry.files ?? [] });
  }

  #place(key) {
    return this.#element.querySelector(`[data-key="${key}"]`);
  }
}
