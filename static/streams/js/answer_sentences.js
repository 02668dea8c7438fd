// What an answer's place says beside its text: why it waits, and how it ended.

import { endings, gettext, ngettext, unknown } from "./gettext.js";

// By what the run's `worker` is said to be.
const WAITS = {
  alive: gettext("Still waiting…"),
  lost: gettext("Its server has gone silent. Another takes over in a moment…"),
  none: gettext("No server is there to answer. It begins as soon as one is."),
};

export function silentWords(worker) {
  return WAITS[worker] ?? WAITS.alive;
}

export function endingWords(reason) {
  if (!reason) return "";
  return Object.hasOwn(endings, reason) ? gettext(endings[reason]) : gettext(unknown, { reason });
}

// `joins`: it may become a part of the answer that is being written.
export function waitingWords(ahead, joins) {
  if (joins) return gettext("Joins the answer above with its next step, or follows it");
  return ngettext(
    "Waiting for the answer before this one",
    "Waiting for %(count)d answers before this one",
    ahead,
  );
}
