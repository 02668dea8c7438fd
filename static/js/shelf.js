// The list at the left: drawn by the server, kept true by the feed.

export class Shelf {
  #place = document.getElementById("shelf-lines");
  #template = document.getElementById("line-template");
  #current;
  #links = new Map(); // by conversation
  #lines = new Map();

  constructor(current = null) {
    this.#current = current;
    for (const link of this.#place.querySelectorAll("a")) {
      this.#links.set(link.dataset.conversation, link);
    }
    this.#reveal();
    document.getElementById("shelf").addEventListener("toggle", () => this.#reveal());
  }

  get hasCurrent() {
    return this.#lines.has(this.#current);
  }

  // The line of this page, however far down its list.
  #reveal() {
    const here = this.#place.querySelector("[aria-current]")?.getBoundingClientRect();
    const list = this.#place.parentElement;
    const seen = list.getBoundingClientRect();
    if (here && here.bottom > seen.bottom) list.scrollTop += here.top - seen.top - seen.height / 2;
  }

  rename(name) {
    const link = this.#links.get(this.#current);
    if (link) link.querySelector(".name").textContent = name;
  }

  apply({ snapshot, changed = [], gone = [] }) {
    if (snapshot) this.#lines.clear();
    for (const line of snapshot ?? changed) this.#lines.set(line.id, line);
    for (const id of gone) this.#lines.delete(id);
    // A page of older ones is no place for new ones.
    if ("older" in this.#place.dataset) this.#update(gone);
    else this.#draw();
  }

  #update(gone) {
    for (const id of gone) this.#links.get(id)?.closest("li").remove();
    for (const line of this.#lines.values()) if (this.#links.has(line.id)) this.#link(line);
  }

  #draw() {
    const lines = [...this.#lines.values()].sort(
      (a, b) => Date.parse(b.updated_at) - Date.parse(a.updated_at),
    );
    const links = lines.map((line) => this.#link(line));
    this.#links = new Map(lines.map((line, at) => [line.id, links[at]]));
    const order = lines.map((line) => `${line.day} ${line.id}`).join();
    if (this.#place.dataset.order === order) return;
    if (!lines.length && this.#place.querySelector(".shelf-empty")) return;
    this.#place.dataset.order = order;
    const focused = document.activeElement;
    this.#place.replaceChildren(...this.#grouped(lines, links));
    if (this.#place.contains(focused)) focused.focus({ preventScroll: true });
  }

  #grouped(lines, links) {
    const nodes = [];
    let day = null;
    for (const [at, line] of lines.entries()) {
      if (line.day !== day) {
        day = line.day;
        nodes.push(Object.assign(document.createElement("h2"), { textContent: day }));
        nodes.push(document.createElement("ul"));
      }
      const item = document.createElement("li");
      item.append(links[at]);
      nodes.at(-1).append(item);
    }
    return nodes;
  }

  // The link as it should be now; the same element as long as the conversation is there.
  #link({ id, name, running, queued, unread }) {
    const link = this.#links.get(id) ?? this.#fresh(id);
    const label = link.querySelector(".name");
    if (label.textContent !== name) label.textContent = name;
    link.toggleAttribute("data-running", running);
    link.toggleAttribute("data-queued", queued && !running);
    link.classList.toggle("unread", unread && id !== this.#current);
    return link;
  }

  #fresh(id) {
    const link = this.#template.content.firstElementChild.cloneNode(true);
    link.href = this.#template.dataset.url.replace(/[0-9a-f-]{36}/, id);
    link.dataset.conversation = id;
    if (id === this.#current) link.setAttribute("aria-current", "page");
    return link;
  }
}

// What this device keeps goes with the person.
export function forgetAtSignOut() {
  for (const form of document.querySelectorAll("[data-sign-out]")) {
    form.addEventListener("submit", forget);
  }
}

function forget() {
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith("draft:") || key.startsWith("unsent:")) localStorage.removeItem(key);
  }
}
