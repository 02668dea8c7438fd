// Copy buttons, which say "Copied" for a moment.

import { gettext } from "./gettext.js";

// `textOf` knows what an answer says.
export function offerCopies(root, textOf) {
  root.addEventListener("click", ({ target }) => {
    const answers = target.closest('[data-act="copy"]');
    const codes = target.closest(".code-copy");
    if (answers) copy(textOf(answers.closest(".answer")), answers);
    if (codes) copy(codeOf(codes.closest(".code")), codes);
  });
}

// Without its last line end: pasted into a shell, that would run it.
function codeOf(block) {
  return block.querySelector("code").textContent.replace(/\n+$/, "");
}

export async function copy(text, button) {
  const label = button.querySelector("span") ?? button;
  const words = label.textContent;
  label.textContent = (await written(text)) ? gettext("Copied") : gettext("Not allowed");
  setTimeout(() => (label.textContent = words), 1600);
}

// The clipboard is there on secure origins alone; elsewhere the old way still works.
async function written(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text).then(() => true, () => false);
  const field = Object.assign(document.createElement("textarea"), { value: text });
  field.className = "sr-only";
  document.querySelector(".streams").append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}
