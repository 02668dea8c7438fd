// Says what would vanish without a word: a picture that is pasted, a file that is dropped, for
// which a browser would even leave the page.

const WORDS = "Images and files can't be sent here, only text.";

export function sayWhatIsNotSent(field, say) {
  const refuse = (event) => {
    event.preventDefault();
    say(WORDS);
  };
  field.addEventListener("paste", (event) => {
    const { files, types } = event.clipboardData;
    if (files.length && !types.includes("text/plain")) refuse(event);
  });
  for (const type of ["dragover", "drop"]) {
    document.addEventListener(type, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      type === "drop" ? refuse(event) : event.preventDefault();
    });
  }
}
