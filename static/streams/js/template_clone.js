// A fresh copy of what a template of the page holds.
export function clone(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}
