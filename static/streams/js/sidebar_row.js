// One row of the list: the conversation's link with its marks, and what opens its menu.

import { gettext } from "./gettext.js";

export function freshRow(id, current) {
  const template = document.getElementById("streams-line-template");
  const row = template.content.firstElementChild.cloneNode(true);
  const [link, opener] = row.querySelectorAll("a");
  row.dataset.line = link.dataset.conversation = id;
  link.href = template.dataset.url.replace(/[0-9a-f-]{36}/, id);
  opener.href = template.dataset.actions.replace(/[0-9a-f-]{36}/, id);
  if (id === current) link.setAttribute("aria-current", "page");
  return row;
}

export function draw(row, line, current) {
  const { id, name, day, waiting, running, queued, failed, pinned } = line;
  const unread = line.unread && id !== current;
  const link = row.querySelector("[data-conversation]");
  const words = name || gettext("New conversation");
  for (const label of row.querySelectorAll(".name, .of")) {
    if (label.textContent !== words) label.textContent = words;
  }
  row.dataset.day = day;
  link.dataset.at = line.updated_at;
  link.toggleAttribute("data-waiting", Boolean(waiting));
  link.toggleAttribute("data-running", running && !waiting);
  link.toggleAttribute("data-queued", queued && !running && !waiting);
  link.toggleAttribute("data-failed", failed && unread);
  link.toggleAttribute("data-pinned", Boolean(pinned));
  link.classList.toggle("unread", unread);
}

// A line as the feed would tell it, of a row that the server drew.
export function lineOf(row) {
  const link = row.querySelector("[data-conversation]");
  const has = (name) => link.hasAttribute(`data-${name}`);
  return {
    id: row.dataset.line,
    updated_at: link.dataset.at,
    day: row.dataset.day,
    name: link.querySelector(".name").textContent,
    waiting: has("waiting"),
    running: has("running"),
    queued: has("queued"),
    failed: has("failed"),
    pinned: has("pinned"),
    unread: link.classList.contains("unread"),
    archived: row.dataset.day === "archived",
  };
}
