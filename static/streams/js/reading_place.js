// Where somebody reads, by what stands there: heights above are guessed until they have been near the
// window, so a number of pixels would be another place after a reload.

const PARTS = ".closed > *, .said, .open > *";
const FROM = 72; // px from the top of the window, below the bar
const STEP = 40;

// Returns { message, nth, offset } of the first part that is in view, or null.
export function readingPlace(transcript) {
  const { left, width } = transcript.getBoundingClientRect();
  for (let y = FROM; y < innerHeight; y += STEP) {
    const part = document.elementFromPoint(left + width / 2, y)?.closest(PARTS);
    const message = part?.closest("[data-message]");
    if (!message || !transcript.contains(message)) continue;
    const nth = [...message.querySelectorAll(PARTS)].indexOf(part);
    return { message: message.dataset.message, nth, offset: part.getBoundingClientRect().top };
  }
  return null;
}

// Returns how far to scroll so that it is there again; null where it is not on the page.
export function wayTo(transcript, { message, nth, offset }) {
  const around = transcript.querySelector(`[data-message="${message}"]`);
  const part = around?.querySelectorAll(PARTS)[nth];
  return part ? part.getBoundingClientRect().top - offset : null;
}
