// Copying: a link, on the page of the person's links, and code, on the page that a link shows.

import { copy, offerCopies } from "./clipboard.js";

offerCopies(document, () => "");

for (const button of document.querySelectorAll("[data-copy-link]")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button.dataset.copyLink, button));
}
