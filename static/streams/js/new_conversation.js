// The page of a new conversation: its draft, its shortcuts, and sending its first message.

import { Attachments } from "./attachments.js";
import { ConnectionNote } from "./connection_note.js";
import { Draft } from "./draft.js";
import { followFeed } from "./conversation_feed.js";
import { FirstMessage } from "./first_message.js";
import { gettext } from "./gettext.js";
import { tooLong } from "./prompt_limit.js";
import { forgetAtSignOut } from "./sidebar.js";

const form = document.getElementById("streams-composer");
const field = document.getElementById("streams-message");
const { model, system } = form.elements;
const { user } = document.querySelector(".streams").dataset;
const draft = new Draft(user, "new");
const files = new Attachments(form, user, "new");
const note = new ConnectionNote(document.getElementById("streams-note"));
const opening = new FirstMessage({ user, url: form.action });

note.wire({ waiting: () => opening.given !== null });
opening.wire({ sent, refused, failed, signedOut, changed });
forgetAtSignOut();
followFeed();
showUndo(document.getElementById("streams-deleted"));
goOn();
files.wire({ changed: filesChanged, refused: (words) => note.remark(words) }, field, document);
field.addEventListener("input", () => {
  draft.write(field.value);
  note.remark(tooLong(field));
});
form.addEventListener("input", () => opening.given && !opening.sending && opening.withdraw());
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const content = event.submitter?.value || field.value; // a suggestion brings its own
  if (!content.trim() && !files.any) return;
  if (!files.ready) return note.remark(gettext("A file is not there yet: wait, or remove it."));
  field.value = content;
  if (tooLong(field)) return note.remark(tooLong(field));
  draft.write(content);
  const attached = files.any ? { attachments: files.files.map((file) => file.id) } : {};
  opening.send({ content, model: model.value, system: system.value, ...attached });
});

// What was sent before this page was there still goes out; else there may be a draft.
function goOn() {
  if (!opening.given) return (field.value ||= draft.read());
  field.value = opening.given.content;
  model.value = opening.given.model;
  system.value = opening.given.system;
  opening.flush();
}

// Nothing is left for a Back to bring here again.
function sent(url) {
  field.value = "";
  files.clear();
  draft.write("");
  location.assign(url);
}

// What waits for another try becomes a draft again. With a file there need be no text.
function filesChanged() {
  field.required = !files.any;
  if (opening.given && !opening.sending) opening.withdraw();
}

function refused(error) {
  note.remark(error.message || gettext("That could not be sent."));
}

function failed(words) {
  note.remark(words || gettext("That didn't get through. Trying again…"));
}

function signedOut() {
  location.reload(); // the server shows where to sign in
}

// What is on its way stays as it is; what waits for another try may be changed.
function changed() {
  field.readOnly = system.readOnly = opening.sending;
  note.refresh();
}

// An offer for as long as it can be kept, reloads included.
function showUndo(toast) {
  if (!toast) return;
  setTimeout(() => {
    toast.remove();
    history.replaceState(null, "", location.pathname);
  }, toast.dataset.seconds * 1000);
  // What was there when the page came is never announced.
  const words = toast.querySelector("[role=status]");
  setTimeout(() => (words.textContent += ""), 500);
}
