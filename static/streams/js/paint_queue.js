// Painting at most once a frame, whatever the pace of the tokens.

const due = new Set();
let asked = 0;

export function paint(thing) {
  due.add(thing);
  asked ||= requestAnimationFrame(run);
}

function run() {
  asked = 0;
  const things = [...due];
  due.clear();
  for (const thing of things) thing.paint();
}
