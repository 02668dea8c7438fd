// A conversation in a page of a site's own, by the tag `chat`: nothing beside it is touched.

import { Chat } from "./chat.js";

const chat = new Chat(document.querySelector(".streams[data-embedded]"));

chat.wire({
  reload: () => (chat.branched ? location.reload() : chat.replay()), // whose log holds all branches
  signedOut: () => chat.leave(), // where to sign in the site knows
});
