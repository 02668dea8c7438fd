// What a message would do that is sent while an answer is being written.

import { gettext } from "./gettext.js";

// By the conversation's `on_busy`, as `NEXT` in streams/views/chat_context.py.
const NEXT = {
  queue: gettext("Send after this answer"),
  steer: gettext("Send into this answer"),
  interrupt: gettext("Stop and send"),
  reject: gettext("Wait for this answer, or stop it"),
};

// An answer that has no steps cannot be joined: the message waits for its end.
export function nextWords(onBusy, answer) {
  const alone = onBusy === "steer" && !answer?.steerable;
  return NEXT[alone ? "queue" : onBusy] ?? "";
}
