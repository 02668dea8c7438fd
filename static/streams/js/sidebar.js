// The list at the left: drawn by the server, kept true by the feed, longer where asked for.

import { gettext } from "./gettext.js";
import { request } from "./requests.js";
import { RowMenu } from "./row_menu.js";
import { Shortcuts } from "./shortcuts.js";
import { groupOf, heading, standing } from "./sidebar_groups.js";
import { Search } from "./search.js";
import { draw, freshRow, lineOf } from "./sidebar_row.js";
import { showHowManyWait } from "./title_badge.js";

const AHEAD = { pinned: 50, waiting: 200 }; // so many come with the first page, as the server has it
const PERSONS = /^streams:(draft|attached|unsent):/; // keys of what somebody has not sent yet
const PAGES = 5; // so many pages of older ones come along to the next page; more are asked for again

export class Sidebar {
  #element = document.getElementById("streams-shelf");
  #place = document.getElementById("streams-shelf-lines");
  #older = this.#element.querySelector("a[data-before]");
  #menu = new RowMenu(document.getElementById("streams-row-menu"));
  #search = new Search(document.getElementById("streams-search"));
  #current;
  #rows = new Map(); // by conversation
  #lines = new Map(); // the newest, as the feed has them
  #kept = new Map(); // all that has been shown
  #told = false; // whether the feed has said anything yet

  constructor(current = null) {
    this.#current = current;
    for (const row of this.#place.querySelectorAll("[data-line]")) {
      this.#rows.set(row.dataset.line, row);
      this.#kept.set(row.dataset.line, lineOf(row));
    }
    this.#menu.wire({
      current,
      line: (id) => this.#kept.get(id),
      changed: (id, values) => this.#changed(id, values),
    });
    new Shortcuts(document.getElementById("streams-shortcuts"), this.#element.querySelector(".shelf-new"));
    this.#search.wire(this.#element.querySelectorAll("[data-search]"));
    this.#place.addEventListener("click", (event) => this.#menu.clicked(event));
    this.#older?.addEventListener("click", (event) => this.#asked(event));
    this.#goOn();
  }

  get hasCurrent() {
    return this.#lines.has(this.#current);
  }

  rename(name) {
    this.#changed(this.#current, { name });
  }

  // This page's conversation has been put away, or back; pinned, or not any more.
  mark({ archived, pinned }) {
    if (archived !== undefined) this.#changed(this.#current, { archived });
    if (pinned !== undefined) this.#changed(this.#current, { pinned });
  }

  // Shown at once; the feed has the last word.
  #changed(id, values) {
    for (const lines of [this.#lines, this.#kept]) {
      if (lines.has(id)) Object.assign(lines.get(id), values);
    }
    if (values.archived) this.#lines.delete(id);
    if (values.gone) this.#forget(id);
    if (!("older" in this.#place.dataset)) return this.#draw();
    if (this.#rows.has(id) && !values.gone) this.#row(this.#kept.get(id));
  }

  #forget(id) {
    this.#lines.delete(id);
    this.#kept.delete(id);
    this.#rows.get(id)?.remove();
  }

  apply({ snapshot, changed = [], gone = [] }) {
    this.#told = true;
    if (snapshot) {
      this.#lines.clear();
      for (const id of [...this.#kept.keys()]) this.#decided(id);
    }
    for (const line of snapshot ?? changed) {
      this.#lines.set(line.id, line);
      this.#kept.set(line.id, { ...line });
    }
    for (const id of gone) {
      this.#lines.delete(id);
      this.#decided(id);
    }
    // A page of older ones is no place for new ones.
    if ("older" in this.#place.dataset) this.#update(gone);
    else this.#draw();
    showHowManyWait([...this.#lines.values()].filter((line) => line.waiting).length);
  }

  // One that waits is in the feed. When it is not any more, it may have gone altogether.
  #decided(id) {
    const line = this.#kept.get(id);
    if (!line?.waiting) return;
    if (id === this.#current) line.waiting = false;
    else this.#kept.delete(id);
  }

  #update(gone) {
    for (const id of gone) this.#rows.get(id)?.remove();
    for (const line of this.#lines.values()) if (this.#rows.has(line.id)) this.#row(line);
  }

  // The feed tells of one page; what is behind its last line stays as it was last known.
  #below() {
    const left = { ...AHEAD };
    const moments = [...this.#lines.values()]
      .map((line) => [line, Date.parse(line.updated_at)])
      .sort(([, one], [, other]) => other - one)
      .filter(([line]) => !(line.pinned ? left.pinned-- > 0 : line.waiting && left.waiting-- > 0))
      .map(([, moment]) => moment);
    const full = moments.length >= Number(this.#element.dataset.pageSize);
    const last = !this.#told ? Infinity : full ? Math.min(...moments) : -Infinity;
    return [...this.#kept.values()].filter((line) => {
      if (this.#lines.has(line.id)) return false;
      if (line.pinned && this.#told) return false;
      return line.archived ? line.id === this.#current : Date.parse(line.updated_at) <= last;
    });
  }

  #draw() {
    const lines = [...this.#lines.values(), ...this.#below()].sort(standing(this.#current));
    const rows = lines.map((line) => this.#row(line));
    this.#rows = new Map(lines.map((line, at) => [line.id, rows[at]]));
    const order = lines.map((line) => `${groupOf(line, this.#current)} ${line.id}`).join();
    if (this.#place.dataset.order === order) return;
    if (!lines.length && this.#place.querySelector(".shelf-empty")) return;
    this.#place.dataset.order = order;
    const focused = document.activeElement;
    this.#place.replaceChildren(...this.#grouped(lines, rows));
    if (this.#place.contains(focused)) focused.focus({ preventScroll: true });
  }

  #grouped(lines, rows) {
    const nodes = [];
    let group = null;
    for (const [at, line] of lines.entries()) {
      if (groupOf(line, this.#current) !== group) {
        group = groupOf(line, this.#current);
        nodes.push(heading(group), document.createElement("ul"));
      }
      nodes.at(-1).append(rows[at]);
    }
    return nodes;
  }

  async #asked(event) {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return; // in a tab of its own
    event.preventDefault();
    const first = await this.#more();
    const pages = Number(sessionStorage.getItem("streams:pages")) + 1;
    if (first) sessionStorage.setItem("streams:pages", String(Math.min(pages, PAGES)));
    if (first && !this.#older.isConnected) this.#rows.get(first.id)?.querySelector("a").focus({ preventScroll: true });
  }

  // Loads the next part of the list, and returns its first row.
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

  // The row as it should be now; the same element as long as the conversation is there.
  #row(line) {
    const row = this.#rows.get(line.id) ?? freshRow(line.id, this.#current);
    draw(row, line, this.#current);
    return row;
  }
}

// What this device keeps goes with the person.
export function forgetAtSignOut() {
  for (const form of document.querySelectorAll("[data-sign-out]")) {
    form.addEventListener("submit", forget);
  }
}

function forget() {
  for (const key of Object.keys(localStorage)) if (PERSONS.test(key)) localStorage.removeItem(key);
}
