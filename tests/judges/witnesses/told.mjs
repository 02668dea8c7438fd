// What a witness says of itself, a line each: {"shown": text} as that grows, {"ended": {...}} last.

let before;

export function shown(text) {
  if (text !== before) console.log(JSON.stringify({ shown: (before = text) }));
}

export function ended(how) {
  console.log(JSON.stringify({ ended: how }));
  process.exit(0);
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
