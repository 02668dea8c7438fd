// Draws a prompt, as templates/streams/prompt.html does.

import { drawFiles } from "./attached_files.js";
import { fill } from "./time_format.js";
import { clone } from "./template_clone.js";
import { markLong } from "./long_prompt.js";

// `data` is that of its message.created.
export function promptElement({ message, text, client_key, parent, attachments }) {
  const element = clone("streams-prompt-template");
  element.dataset.message = message;
  if (client_key) element.dataset.clientKey = client_key;
  if (parent) element.dataset.parent = parent;
  element.querySelector(".edit-link").href = editAddress(message);
  element.querySelector(".said").textContent = text;
  markLong(element, text);
  drawFiles(element, attachments ?? []);
  fill(element.querySelector("time"), new Date());
  return element;
}

function editAddress(message) {
  const { edit } = document.getElementById("streams-conversation").dataset;
  return edit.replace("00000000-0000-0000-0000-000000000000", message);
}
