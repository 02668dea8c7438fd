// Images of answers that a reader has asked for. Their links and buttons are drawn anew with the text
// they are in: what has become of each address stays.

export class ShownImages {
  #known = new Map(); // by address: an image, or a button that says more than at first

  constructor(place) {
    for (const image of place.querySelectorAll(".answer-image")) this.#known.set(image.src, image);
    for (const button of place.querySelectorAll(".image-show[data-asked]")) {
      this.#known.set(linkOf(button).href, button);
    }
  }

  keep(fresh) {
    if (!this.#known.size) return fresh;
    for (const button of fresh.querySelectorAll(".image-show")) {
      const known = this.#known.get(linkOf(button).href);
      if (known?.matches(".answer-image")) showIn(button, known);
      else if (known) button.replaceWith(document.importNode(known, true));
    }
    return fresh;
  }
}

export function linkOf(button) {
  return button.previousElementSibling;
}

// In the link, which is named by it and takes the focus from the button.
export function showIn(button, image) {
  const link = linkOf(button);
  const focused = document.activeElement === button;
  link.replaceChildren(document.importNode(image, true));
  button.remove();
  if (focused) link.focus({ preventScroll: true });
}
