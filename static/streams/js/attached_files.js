// Draws the files of a prompt, as templates/streams/attached_files.html does.

import { gettext } from "./gettext.js";

const SOME_ID = "00000000-0000-0000-0000-000000000000";

// `files` are references: {id, name, type, size}.
export function drawFiles(element, files) {
  const list = element.querySelector(".attached");
  list.replaceChildren(...files.map(item));
  list.hidden = !files.length;
}

// The references of a prompt that stands on the page.
export function filesOf(element) {
  const items = element.querySelectorAll(".attached > [data-reference]");
  return Array.from(items, (it) => JSON.parse(it.dataset.reference));
}

function item(file) {
  const element = document.createElement("li");
  element.dataset.reference = JSON.stringify(file);
  const link = document.createElement("a");
  link.href = addressOf(file);
  link.target = "_blank";
  link.append(...(isImage(file) ? [thumbnail(file)] : [...named(file)]));
  link.className = isImage(file) ? "thumbnail" : "file";
  element.append(link);
  return element;
}

export function isImage({ type }) {
  return type.startsWith("image/");
}

export function thumbnail(file) {
  const image = document.createElement("img");
  image.src = addressOf(file);
  image.alt = file.name;
  image.loading = "lazy";
  return image;
}

export function named({ name, size }) {
  const [title, about] = [document.createElement("span"), document.createElement("span")];
  title.className = "file-name";
  title.textContent = name;
  about.className = "file-size";
  about.textContent = sizeOf(size);
  return [title, about];
}

export function addressOf({ id, name }) {
  const { file } = document.querySelector("[data-file]").dataset;
  return file.slice(0, file.lastIndexOf(SOME_ID)) + `${id}/${encodeURIComponent(name)}`;
}

export function sizeOf(bytes) {
  if (bytes < 1024) return gettext("%(size)s bytes", { size: bytes });
  if (bytes < 2 ** 20) return gettext("%(size)s KB", { size: (bytes / 1024).toFixed(1) });
  return gettext("%(size)s MB", { size: (bytes / 1048576).toFixed(1) });
}
