// The live list of conversations, on a page that has no stream of its own.

import { Sidebar } from "./sidebar.js";
import { EventStream } from "./event_stream.js";
import { whileVisible } from "./page_visibility.js";

// `returned` hears when the conversation of this page, which had gone, is in the list again.
export function followFeed(shelf = new Sidebar(), returned = () => {}) {
  const { feed, list } = document.getElementById("streams-shelf").dataset;
  const stream = new EventStream({ url: feed, probe: list, after: 0 });
  stream.wire({
    feed(frame) {
      shelf.apply(frame);
      if (shelf.hasCurrent) returned();
    },
    reload: () => location.reload(),
    ended: () => location.reload(), // the server shows where to sign in
    live() {},
    broken() {},
  });
  const renew = () => stream.renew();
  addEventListener("online", renew);
  whileVisible(() => stream.start(), () => stream.stop(), renew);
}
