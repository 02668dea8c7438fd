// "Copy" that says it has.

export async function copy(text, button) {
  const label = button.querySelector("span") ?? button;
  const words = label.textContent;
  label.textContent = (await written(text)) ? "Copied" : "Not allowed";
  setTimeout(() => (label.textContent = words), 1600);
}

// The clipboard is there on secure origins alone; elsewhere the old way still works.
async function written(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text).then(() => true, () => false);
  const field = Object.assign(document.createElement("textarea"), { value: text });
  field.className = "sr-only";
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}
