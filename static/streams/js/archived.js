// The page of what is archived: its forms do the work, the list beside it is live.

import { localise } from "./time_format.js";
import { followFeed } from "./conversation_feed.js";
import { forgetAtSignOut } from "./sidebar.js";

localise(document.getElementById("streams-archived"));
forgetAtSignOut();
followFeed();
