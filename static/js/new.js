// A conversation that has not begun: its draft, its keys; the form itself does the rest.

import { Draft } from "./draft.js";
import { followFeed } from "./feed.js";
import { forgetAtSignOut } from "./shelf.js";

const form = document.getElementById("composer");
const field = form.elements.content;
const draft = new Draft(document.body.dataset.user, "new");
let sent = false;

forgetAtSignOut();
followFeed();
showUndo(document.getElementById("deleted"));
field.value ||= draft.read();
field.addEventListener("input", () => draft.write(field.value));
field.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (field.value.trim()) form.requestSubmit();
});
form.addEventListener("submit", (event) => {
  if (sent || !field.value.trim()) return event.preventDefault();
  sent = true;
  draft.write("");
});
addEventListener("pageshow", () => (sent = false));

// An offer for as long as it can be kept.
function showUndo(toast) {
  if (!toast) return;
  history.replaceState(null, "", location.pathname);
  setTimeout(() => toast.remove(), toast.dataset.seconds * 1000);
}
