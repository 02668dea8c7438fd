// Says what would vanish without a word: a picture that is pasted, a file that is dropped, for
// which a browser would even leave the page.

import { gettext } from "./gettext.js";

const WORDS = gettext("Images and files can't be sent here, only text.");

// `reach` is the part of the page where a drop is ours.
export function sayWhatIsNotSent(field, say, reach = document) {
  const refuse = (event) => {
    event.preventDefault();
    say(WORDS);
  };
  field.addEventListener("paste", (event) => {
    const { files, types } = event.clipboardData;
    if (files.length && !types.includes("text/plain")) refuse(event);
  });
  for (const type of ["dragover", "drop"]) {
    reach.addEventListener(type, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      type === "drop" ? refuse(event) : event.preventDefault();
    });
  }
}
