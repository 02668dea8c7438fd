// Where a run is found, and what can be done to it; the page's own element says the pattern.
export function runAddress(run, verb) {
  const { run: pattern } = document.getElementById("streams-conversation").dataset;
  return pattern.replace(/[0-9a-f-]{36}/, run) + verb;
}
