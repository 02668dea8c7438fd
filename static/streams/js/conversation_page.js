// A conversation's own page: what stands around the conversation itself.

import { Chat } from "./chat.js";
import { followFeed } from "./conversation_feed.js";
import { makeModals } from "./modal.js";
import { ModelPicker } from "./model_picker.js";
import { PresenceList } from "./presence_list.js";
import { Settings } from "./settings.js";
import { forgetAtSignOut, Sidebar } from "./sidebar.js";
import { Title } from "./title.js";
import { takeVersionStep } from "./version_focus.js";

const root = document.querySelector(".streams");
const { id, signIn } = document.getElementById("streams-conversation").dataset;
const chat = new Chat(root);
const sidebar = new Sidebar(id);
const settings = new Settings(document.getElementById("streams-settings-form"));
const picker = new ModelPicker(document.getElementById("streams-answered-by"));
const title = new Title(document.getElementById("streams-rename"));
const here = new PresenceList(document.getElementById("streams-here"), root.dataset.device);

makeModals();
forgetAtSignOut();
settings.wire({ told: (words) => chat.tell(words), branch: () => chat.branch });
picker.wire({ failed: (words) => chat.tell(words) });
title.wire({ left: () => chat.focus() });
chat.wire({
  updated,
  opened,
  gone,
  signedOut,
  reload: () => location.reload(),
  feed: (frame) => sidebar.apply(frame),
  presence: (frame) => here.show(frame),
});
if (!takeVersionStep()) chat.takeFocus();

function updated(data) {
  settings.show(data);
  picker.show(data);
  sidebar.mark(data);
  if (data.title === undefined) return;
  title.show(data.title);
  sidebar.rename(title.name);
}

function opened(text) {
  title.opening(text);
  sidebar.rename(title.name);
}

function gone() {
  title.close();
  here.show({ devices: [] });
  followFeed(sidebar, () => location.reload());
}

// Leaves for the sign-in page, so that a signed-out reader sees no more; drafts stay on this device.
function signedOut() {
  const place = new URL(signIn, location.href);
  place.searchParams.set("next", location.pathname);
  location.replace(place);
}
