// Times as the reader's own clock and language say them.

import { locale } from "./gettext.js";

export function localise(root) {
  for (const time of root.querySelectorAll("time")) time.textContent = said(new Date(time.dateTime));
}

export function showTime(place, date) {
  const time = document.createElement("time");
  fill(time, date);
  if (place.textContent.trim()) place.append(" · ");
  place.append(time);
}

export function fill(time, date) {
  time.dateTime = date.toISOString();
  time.textContent = said(date);
}

// As in a list: the day, or today the time.
export function fillBriefly(time, date) {
  const today = date.toDateString() === new Date().toDateString();
  const year = date.getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" };
  const day = { day: "numeric", month: "short", ...year };
  time.dateTime = date.toISOString();
  time.textContent = date.toLocaleString(locale, today ? { hour: "2-digit", minute: "2-digit" } : day);
}

function said(date) {
  const today = date.toDateString() === new Date().toDateString();
  const day = today ? {} : { day: "numeric", month: "long" };
  return date.toLocaleString(locale, { ...day, hour: "2-digit", minute: "2-digit" });
}
