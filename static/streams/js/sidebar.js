// The list at the left: drawn by the server, kept true by the feed, longer where asked for.

import { gettext, locale } from "./gettext.js";
import { request } from "./requests.js";

const PAGES = 5; // so many pages of older ones come along to the next page; more are asked for again


export class Sidebar {
  #element = document.getElementById("streams-shelf");
  #place = document.getElementById("streams-shelf-lines");
  #older = this.#element.querySelector("a[data-before]");
  #template = document.getElementById("streams-line-template");
  #current;
  #links = new Map(); // by conversation
  #lines = new Map(); // the newest, as the feed has them
  #kept = new Map(); // all that has been shown
  #told = false; // whether the feed has said anything yet

  constructor(current = null) {
    this.#current = current;
    for (const link of this.#place.querySelectorAll("a")) {
      this.#links.set(link.dataset.conversation, link);
      this.#kept.set(link.dataset.conversation, lineOf(link));
    }
    this.#older?.addEventListener("click", (event) => this.#asked(event));
    this.#goOn();
  }

  get hasCurrent() {
    return this.#lines.has(this.#current);
  }

  rename(name) {
    const link = this.#links.get(this.#current);
    if (link) link.querySelector(".name").textContent = name;
    for (const lines of [this.#lines, this.#kept]) {
      if (lines.has(this.#current)) lines.get(this.#current).name = name;
    }
  }

  // This page's conversation has been put away, or back.
  archive(archived) {
    const line = this.#kept.get(this.#current);
    if (!line) return;
    Object.assign(line, { archived, day: archived ? "archived" : line.day });
    this.#draw();
  }

  apply({ snapshot, changed = [], gone = [] }) {
    this.#told = true;
    if (snapshot) this.#lines.clear();
    for (const line of snapshot ?? changed) {
      this.#lines.set(line.id, line);
      this.#kept.set(line.id, { ...line });
    }
    for (const id of gone) this.#lines.delete(id);
    // A page of older ones is no place for new ones.
    if ("older" in this.#place.dataset) this.#update(gone);
    else this.#draw();
  }

  #update(gone) {
    for (const id of gone) this.#links.get(id)?.closest("li").remove();
    for (const line of this.#lines.values()) if (this.#links.has(line.id)) this.#link(line);
  }

  // The feed tells of one page; what is behind its last line stays as it was last known.
  #below() {
    const moments = [...this.#lines.values()].map((line) => Date.parse(line.updated_at));
    const full = this.#lines.size >= Number(this.#element.dataset.pageSize);
    const last = !this.#told ? Infinity : full ? Math.min(...moments) : -Infinity;
    return [...this.#kept.values()].filter((line) => {
      if (this.#lines.has(line.id)) return false;
      return line.archived ? line.id === this.#current : Date.parse(line.updated_at) <= last;
    });
  }

  #draw() {
    const lines = [...this.#lines.values(), ...this.#below()].sort(
      (a, b) => a.archived - b.archived || Date.parse(b.updated_at) - Date.parse(a.updated_at),
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
        nodes.push(heading(day));
        nodes.push(document.createElement("ul"));
      }
      const item = document.createElement("li");
      item.append(links[at]);
      nodes.at(-1).append(item);
    }
    return nodes;
  }

  async #asked(event) {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return; // in a tab of its own
    event.preventDefault();
    const first = await this.#more();
    const pages = Number(sessionStorage.getItem("streams:pages")) + 1;
    if (first) sessionStorage.setItem("streams:pages", String(Math.min(pages, PAGES)));
    if (first && !this.#older.isConnected) this.#links.get(first.id)?.focus({ preventScroll: true });
  }

  // The first of those that came.
  async #more() {
    const { list } = this.#element.dataset;
    const asked = `${list}?before=${encodeURIComponent(this.#older.dataset.before)}`;
    try {
      const { conversations, next } = await request("GET", asked);
      for (const line of conversations) this.#kept.set(line.id, { ...line });
      this.#draw();
      this.#older.textContent = gettext("Older");
      this.#older.dataset.before = next;
      if (next === null) this.#older.remove();
      return conversations[0];
    } catch {
      this.#older.textContent = gettext("Older · didn't get through, try again");
      return null;
    }
  }

  // As far down as on the page before, so that a click moves nothing.
  async #goOn() {
    let pages = Number(sessionStorage.getItem("streams:pages"));
    if (!pages || "older" in this.#place.dataset) return;
    while (pages-- > 0 && this.#older?.isConnected && (await this.#more()));
    this.#element.dispatchEvent(new Event("older"));
  }

  // The link as it should be now; the same element as long as the conversation is there.
  #link({ id, name, running, queued, unread, failed }) {
    const link = this.#links.get(id) ?? this.#fresh(id);
    const label = link.querySelector(".name");
    const words = name || gettext("New conversation");
    if (label.textContent !== words) label.textContent = words;
    link.toggleAttribute("data-running", running);
    link.toggleAttribute("data-queued", queued && !running);
    link.classList.toggle("unread", unread && id !== this.#current);
    link.toggleAttribute("data-failed", failed && unread && id !== this.#current);
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

// A line as the feed would tell it, of a link that the server drew.
function lineOf(link) {
  const { conversation: id, at: updated_at } = link.dataset;
  const day = link.closest("ul").previousElementSibling.dataset.day;
  const has = (name) => link.hasAttribute(`data-${name}`);
  return {
    id,
    updated_at,
    day,
    name: link.querySelector(".name").textContent,
    running: has("running"),
    queued: has("queued"),
    failed: has("failed"),
    unread: link.classList.contains("unread"),
    archived: day === "archived",
  };
}

// As `day_words` in streams/views/script_words.py says it.
const DAYS = {
  today: gettext("Today"),
  yesterday: gettext("Yesterday"),
  week: gettext("Last 7 days"),
  archived: gettext("Archived"),
};

function heading(day) {
  const words = document.createElement("h2");
  words.dataset.day = day;
  words.textContent = DAYS[day] ?? month(day);
  return words;
}

function month(code) {
  const [year, number] = code.split("-").map(Number);
  const thisYear = year === new Date().getFullYear();
  const parts = { month: "long", ...(thisYear ? {} : { year: "numeric" }) };
  return new Date(year, number - 1).toLocaleDateString(locale, parts);
}

// What this device keeps goes with the person.
export function forgetAtSignOut() {
  for (const form of document.querySelectorAll("[data-sign-out]")) {
    form.addEventListener("submit", forget);
  }
}

function forget() {
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith("streams:draft:") || key.startsWith("streams:unsent:")) localStorage.removeItem(key);
  }
}
