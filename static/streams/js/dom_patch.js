// Puts newly parsed nodes in the place of old ones and touches only those that differ: nodes that
// stay keep their scroll position and selection, and cost no layout.

export function patch(place, wanted) {
  const [old, fresh] = [[...place.childNodes], [...wanted.childNodes]];
  let same = 0;
  while (same < old.length && fresh[same]?.isEqualNode(old[same])) same++;
  if (old[same] && fresh[same] && alike(old[same], fresh[same])) {
    patch(old[same], fresh[same]);
    same++;
  }
  for (const each of old.slice(same)) each.remove();
  place.append(...fresh.slice(same));
}

function alike(one, other) {
  if (one.nodeType !== Node.ELEMENT_NODE) return false;
  return one.cloneNode(false).isEqualNode(other.cloneNode(false));
}

export function parsed(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

// Folds are drawn anew with the text they are in: what a reader has done with each stays.
export class Folds {
  #open;

  constructor(place) {
    this.#open = [...place.querySelectorAll("details")].map((each) => each.open);
  }

  // `fresh` is what the first of the folds, that have not been kept yet, has become.
  keep(fresh) {
    for (const each of fresh.querySelectorAll("details")) each.open = this.#open.shift() ?? each.open;
    return fresh;
  }
}
