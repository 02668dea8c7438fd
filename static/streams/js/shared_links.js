// Copying: a link, on the page of the person's links, and code, on the page that a link shows; there
// images too can be asked for.

import { Announcer } from "./announcer.js";
import { offerImages } from "./answer_images.js";
import { copy, offerCopies } from "./clipboard.js";

const announcer = new Announcer(document.getElementById("streams-announcer"));

offerCopies(document, () => "");
offerImages(document, (words) => announcer.say(words));

for (const button of document.querySelectorAll("[data-copy-link]")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button.dataset.copyLink, button));
}
