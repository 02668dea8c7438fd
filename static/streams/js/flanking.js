// Whether a mark among words begins or ends something, as streams/markdown/flanking.py says it: there are
// the reasons, and a test holds that both agree.

const EAST =
  "\u1100-\u11ff\u2e80-\u2fff\u3041-\u30ff\u3105-\u31bf\u31f0-\u31ff\u3400-\u4dbf" +
  "\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc\u{20000}-\u{3ffff}";
const EAST_MARKS = "\u3000-\u303f\ufe10-\ufe1f\ufe30-\ufe4f\uff00-\uff65\uffe0-\uffee";
const IN_THE_EAST = new RegExp(`^[${EAST}${EAST_MARKS}]`, "u");
const MARK = /^[\p{P}\p{S}]/u;
const SPACE = /^(?:[\t-\r \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]|$)/;
const LETTER = /^[a-z0-9]/i;

export function flanks(before, after, mark) {
  const spaces = [SPACE.test(before), SPACE.test(after)];
  const marks = [MARK.test(before), MARK.test(after)];
  const east = [IN_THE_EAST.test(before), IN_THE_EAST.test(after)];
  const left = !spaces[1] && (!marks[1] || east[1] || spaces[0] || marks[0] || east[0]);
  const right = !spaces[0] && (!marks[0] || east[0] || spaces[1] || marks[1] || east[1]);
  if (mark !== "_") return { opens: left, closes: right };
  return { opens: left && (!right || marks[0]), closes: right && (!left || marks[1]) };
}

export function waits(before, run) {
  return run.length === 1 && LETTER.test(before);
}
