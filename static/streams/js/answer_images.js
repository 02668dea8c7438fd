// Images of answers from hosts that the site trusts: links, until somebody asks to see one.

import { gettext } from "./gettext.js";

export function offerImages(root) {
  root.addEventListener("click", ({ target }) => {
    const button = target.closest(".image-show");
    if (button) show(button);
  });
}

// Without the page's address, which says which conversation it is in.
function show(button) {
  const link = button.previousElementSibling;
  const image = document.createElement("img");
  image.className = "answer-image";
  image.alt = link.textContent;
  image.referrerPolicy = "no-referrer";
  image.onload = () => button.replaceWith(image);
  image.onerror = () => {
    button.textContent = gettext("The image cannot be loaded");
    button.disabled = false;
  };
  button.disabled = true;
  image.src = link.href;
}
