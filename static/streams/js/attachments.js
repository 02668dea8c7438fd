// Files for the next prompt: chosen, pasted or dropped, uploaded at once, and kept with the
// draft until they are sent.

import { isImage, named, sizeOf, thumbnail } from "./attached_files.js";
import { stored } from "./draft.js";
import { gettext } from "./gettext.js";
import { request, wordsOf } from "./requests.js";
import { upload } from "./upload.js";

export class Attachments {
  #list;
  #input;
  #key;
  #url;
  #mostBytes;
  #most;
  #entries = []; // {file, element, sending, known, failed}
  #on;

  // Without a place nothing outlives the form.
  constructor(form, user, place = null) {
    this.#list = form.querySelector(".chips");
    this.#input = form.querySelector("input[type=file]"); // none, where none can be attached
    this.#key = place && `streams:attached:${user}:${place}`;
    const { upload: url, mostBytes, most } = this.#list.dataset;
    [this.#url, this.#mostBytes, this.#most] = [url, Number(mostBytes), Number(most)];
  }

  // `on` hears changed(), and refused(words). `reach` is the part of the page where a drop is ours.
  wire(on, field, reach) {
    this.#on = on;
    this.#list.replaceChildren(); // the server's, of a form that was refused, are kept here too
    const kept = this.#key && stored(() => localStorage.getItem(this.#key));
    for (const known of JSON.parse(kept ?? "[]")) this.#show({ known });
    this.#input?.addEventListener("change", () => {
      this.add(this.#input.files);
      this.#input.value = "";
    });
    field.addEventListener("paste", (event) => this.#pasted(event));
    for (const type of ["dragover", "drop"]) {
      reach.addEventListener(type, (event) => this.#dragged(event));
    }
    this.#changed();
  }

  get any() {
    return this.#entries.length > 0;
  }

  // Whether all that is shown has arrived.
  get ready() {
    return this.#entries.every((entry) => entry.known);
  }

  get files() {
    return this.#entries.map((entry) => entry.known).filter(Boolean);
  }

  // They are sent: nothing of them is left here.
  clear() {
    for (const entry of [...this.#entries]) this.#drop(entry);
  }

  // Nobody will send them.
  discard() {
    for (const entry of [...this.#entries]) {
      entry.sending?.abort();
      forget(entry.known);
      this.#drop(entry);
    }
  }

  giveBack(files) {
    for (const known of files) this.#show({ known });
    this.#changed();
  }

  add(files) {
    for (const file of files) {
      if (this.#entries.length >= this.#most) {
        this.#on.refused(gettext("At most %(most)s files go with one message.", { most: this.#most }));
        break;
      }
      const entry = this.#show({ file });
      if (file.size > this.#mostBytes) this.#fail(entry, this.#tooLarge());
      else this.#send(entry);
    }
    this.#changed();
  }

  #tooLarge() {
    return gettext("This file is too large: at most %(most)s.", { most: sizeOf(this.#mostBytes) });
  }

  async #send(entry) {
    entry.failed = null;
    this.#draw(entry);
    entry.sending = upload(this.#url, entry.file, (part) => {
      entry.bar.value = part;
    });
    try {
      entry.known = await entry.sending.done;
      if (!this.#entries.includes(entry)) return forget(entry.known); // removed as it arrived
    } catch (error) {
      if (!this.#entries.includes(entry)) return;
      this.#fail(entry, wordsOf(error));
    }
    entry.sending = null;
    if (entry.known) this.#draw(entry);
    this.#changed();
  }

  #fail(entry, words) {
    entry.failed = words;
    this.#draw(entry);
    this.#on.refused(`${entry.file.name}: ${words}`);
  }

  #show(entry) {
    entry.element = document.createElement("li");
    entry.element.className = "chip";
    this.#list.append(entry.element);
    this.#entries.push(entry);
    this.#draw(entry);
    return entry;
  }

  #draw(entry) {
    const { element, file, known, failed } = entry;
    const { name } = known ?? file;
    element.classList.toggle("failed", Boolean(failed));
    element.replaceChildren(...(known && isImage(known) ? [thumbnail(known)] : named(known ?? file)));
    if (!known && !failed) element.append(this.#progress(entry, name));
    if (failed && file.size <= this.#mostBytes) {
      element.append(this.#button("again", gettext("Try %(name)s again", { name }), () => this.#send(entry)));
    }
    element.append(this.#button("remove", gettext("Remove %(name)s", { name }), () => this.#remove(entry)));
    if (failed) element.title = failed;
  }

  #progress(entry, name) {
    entry.bar = document.createElement("progress");
    entry.bar.value = 0;
    entry.bar.setAttribute("aria-label", gettext("Uploading %(name)s", { name }));
    return entry.bar;
  }

  #button(kind, label, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = kind;
    button.setAttribute("aria-label", label);
    button.textContent = kind === "again" ? "↻" : "×";
    button.addEventListener("click", act);
    return button;
  }

  #remove(entry) {
    entry.sending?.abort();
    forget(entry.known);
    this.#drop(entry);
    this.#input?.focus();
  }

  #drop(entry) {
    entry.element.remove();
    this.#entries = this.#entries.filter((each) => each !== entry);
    this.#changed();
  }

  #changed() {
    this.#list.hidden = !this.any;
    if (this.#key) stored(() => this.#keep());
    this.#on.changed();
  }

  #keep() {
    if (!this.files.length) return localStorage.removeItem(this.#key);
    localStorage.setItem(this.#key, JSON.stringify(this.files));
  }

  #pasted(event) {
    const { files, types } = event.clipboardData;
    if (!files.length || types.includes("text/plain")) return;
    event.preventDefault();
    this.add(files);
  }

  #dragged(event) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault(); // or the browser leaves for the file
    event.stopPropagation(); // it goes to the innermost form that takes files
    if (event.type === "drop") this.add(event.dataTransfer.files);
  }
}

// On the server too; what was sent already is not there any more, and right.
function forget(known) {
  if (known?.url) request("DELETE", known.url).catch(() => {});
}
