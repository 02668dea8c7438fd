// What people read of a tool's call, by the rules of streams/tool_words.py and
// streams/views/call_presenter.py.

import { gettext, language, ngettext, tools } from "./gettext.js";

const LONGEST = 60;
const NOTICED = 100; // milliseconds
const NOTES = {
  error: gettext("failed"),
  denied: gettext("denied"),
  cancelled: gettext("stopped"),
  unknown: gettext("nobody knows whether it was done"),
};

// One line; `fields` are the arguments as exact_json.js reads them, `status` "" while it is written.
export function callWords({ model, name, status, fields, open }) {
  const words = tools[model]?.[name];
  const going = ["", "approved", "running"].includes(status);
  const sentence = words?.[going ? "running" : status === "ok" ? "done" : "title"];
  const said = sentence ? filled(sentence, fields, name) : readable(name);
  const live = going && (status !== "" || open);
  return live ? `${said} …` : said;
}

export function noteWords({ status, ms }) {
  if (status === "ok") return ms >= NOTICED ? secondsWords(ms / 1000) : "";
  return NOTES[status] ?? "";
}

// Who decided, and what they wrote; nothing of what a client answered by itself.
export function decidedWords({ decision, device, note }, here) {
  if (decision !== "approved" && decision !== "denied") return "";
  const other = device && device.id !== here ? { name: device.name } : null;
  const approved = other ? gettext("Approved by %(name)s", other) : gettext("Approved");
  const denied = other ? gettext("Denied by %(name)s", other) : gettext("Denied");
  const said = decision === "approved" ? approved : denied;
  return note ? `${said}: “${note}”` : said;
}

// `seconds` is 0 where nobody knows.
export function workedWords(seconds, steps) {
  const counted = ngettext("%(count)d step", "%(count)d steps", steps);
  if (seconds < 1) return counted;
  return `${gettext("Worked for %(time)s", { time: lengthWords(seconds) })} · ${counted}`;
}

function secondsWords(seconds) {
  if (seconds >= 60) return lengthWords(seconds);
  const digits = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
  return gettext("%(seconds)s s", { seconds: seconds.toLocaleString(language, digits) });
}

function lengthWords(seconds) {
  if (seconds < 60) return gettext("%(seconds)s s", { seconds: Math.floor(seconds) });
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return gettext("%(minutes)s min", { minutes });
  return gettext("%(hours)s h %(minutes)s min", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
}

function readable(name) {
  const spaced = name.replace(/([a-z0-9])(?=[A-Z])/g, "$1 ");
  const words = spaced.replace(/[_\-.\s]+/g, " ").trim();
  return words.slice(0, 1).toUpperCase() + words.slice(1);
}

function filled(sentence, fields, name) {
  const values = new Map(fields ?? []);
  const places = [...sentence.matchAll(/\{(\w+)\}/g)].map((place) => place[1]);
  if (places.some((place) => !values.has(place))) return readable(name);
  return sentence.replace(/\{(\w+)\}/g, (_, place) => short(values.get(place)));
}

function short(value) {
  const line = [...value.slice(0, 8 * LONGEST)].slice(0, 4 * LONGEST).join("").split(/\s+/).filter(Boolean).join(" ");
  const characters = [...line];
  if (characters.length <= LONGEST) return line;
  return `${characters.slice(0, LONGEST - 1).join("").trimEnd()}…`;
}
