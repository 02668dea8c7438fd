// What an answer says, without thoughts and calls, as it was written.

// `textOf` knows a block that grows; of all others the server has said it.
export function answerText(place, textOf = () => undefined) {
  const shown = [...place.querySelectorAll(".block.text, .block.refusal")];
  return shown.map((each) => textOf(each) ?? each.dataset.source).join("\n\n");
}
