// The page of a part of a conversation that stands still.

import { followFeed } from "./conversation_feed.js";
import { ModelPicker } from "./model_picker.js";
import { forgetAtSignOut, Sidebar } from "./sidebar.js";
import { StillMessages } from "./snapshot_messages.js";
import { keepVersionSteps, takeVersionStep } from "./version_focus.js";

const messages = new StillMessages(document.querySelector(".streams"));
const picker = new ModelPicker(document.getElementById("streams-answered-by"));

messages.wire();
picker.wire({ failed: (words) => messages.tell(words) });
forgetAtSignOut();
followFeed(new Sidebar(document.getElementById("streams-conversation").dataset.id));
takeVersionStep();
keepVersionSteps();
