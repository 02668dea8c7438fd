// Where a conversation stands in the list, as `group` in streams/conversation_list_query.py says it:
// what goes on or wants to be seen, what is pinned, then by day.

import { gettext, locale } from "./gettext.js";

const ORDER = ["now", "pinned", "", "archived"];

// What is open is being looked at.
export function groupOf(line, current) {
  if (line.archived) return "archived";
  const unread = line.unread && line.id !== current;
  if (line.waiting || line.running || line.queued || unread) return "now";
  return line.pinned ? "pinned" : line.day;
}

// For `sort`.
export function standing(current) {
  const place = (line) => {
    const at = ORDER.indexOf(groupOf(line, current));
    return at < 0 ? ORDER.indexOf("") : at;
  };
  return (a, b) =>
    place(a) - place(b) ||
    (place(a) === 0 && Boolean(b.waiting) - Boolean(a.waiting)) ||
    Date.parse(b.updated_at) - Date.parse(a.updated_at);
}

// As `day_words` in streams/views/script_translations.py says it.
const DAYS = {
  now: gettext("Now"),
  pinned: gettext("Pinned"),
  today: gettext("Today"),
  yesterday: gettext("Yesterday"),
  week: gettext("Last 7 days"),
  archived: gettext("Archived"),
};

export function heading(group) {
  const words = document.createElement("h2");
  words.dataset.day = group;
  words.textContent = DAYS[group] ?? month(group);
  return words;
}

function month(code) {
  const [year, number] = code.split("-").map(Number);
  const thisYear = year === new Date().getFullYear();
  const parts = { month: "long", ...(thisYear ? {} : { year: "numeric" }) };
  return new Date(year, number - 1).toLocaleDateString(locale, parts);
}
