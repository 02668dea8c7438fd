// Images of answers from hosts that the site trusts: links, until somebody asks to see one.

import { gettext } from "./gettext.js";
import { linkOf, showIn } from "./shown_images.js";

// `say` tells those who do not see that it failed.
export function offerImages(root, say) {
  root.addEventListener("click", ({ target }) => {
    const button = target.closest(".image-show");
    if (button && button.getAttribute("aria-disabled") !== "true") load(button, say);
  });
}

// Without the page's address, which says which conversation it is in.
function load(button, say) {
  const link = linkOf(button);
  const place = button.closest(".prose");
  const image = document.createElement("img");
  image.className = "answer-image";
  image.alt = link.textContent;
  image.referrerPolicy = "no-referrer";
  image.onload = () => eachOf(place, image.src, (it) => showIn(it, image));
  image.onerror = () => {
    const words = gettext("The image cannot be loaded");
    eachOf(place, image.src, (it) => mark(it, "false", words));
    say(words);
  };
  mark(button, "true", button.textContent); // and not disabled, which would lose the focus
  image.src = link.href;
}

function mark(button, busy, words) {
  button.dataset.asked = "";
  button.setAttribute("aria-disabled", busy);
  button.textContent = words;
}

// The text may have been drawn anew since.
function eachOf(place, address, act) {
  for (const button of place.querySelectorAll(".image-show")) {
    if (linkOf(button).href === address) act(button);
  }
}
