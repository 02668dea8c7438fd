// HTML in the place of what stands there, touching only what has changed: what is the same keeps
// its scroll position and selection, and costs no layout.

export function patch(place, html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  match(place, template.content);
}

function match(place, wanted) {
  const [old, fresh] = [[...place.childNodes], [...wanted.childNodes]];
  let same = 0;
  while (same < old.length && fresh[same]?.isEqualNode(old[same])) same++;
  if (old[same] && fresh[same] && alike(old[same], fresh[same])) {
    match(old[same], fresh[same]);
    same++;
  }
  for (const each of old.slice(same)) each.remove();
  place.append(...fresh.slice(same));
}

function alike(one, other) {
  if (one.nodeType !== Node.ELEMENT_NODE) return false;
  return one.cloneNode(false).isEqualNode(other.cloneNode(false));
}
