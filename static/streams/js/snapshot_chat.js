// A part of a conversation that stands still, in a page of a site's own.

import { StillMessages } from "./snapshot_messages.js";

const messages = new StillMessages(document.querySelector(".streams[data-embedded]"));

messages.wire();
