// The page of what is archived: its forms do the work, the list beside it is live.

import { localise } from "./clock.js";
import { followFeed } from "./feed.js";
import { forgetAtSignOut } from "./sidebar.js";

localise(document.getElementById("streams-archived"));
forgetAtSignOut();
followFeed();
