// Text within a paragraph, drawn as it arrives: emphasis, code and links without their marks. A
// mark of which the next letter has to say what it means waits; what the server makes of the whole
// line replaces all this, so that only the usual cases need to be right.

import { flanks, waits } from "./flanking.js";

const LETTERS = /^[^\\`*_~[!<$]+/;
const RUN = /^(.)\1*/;
const LINK = /^!?\[([^[\]\n]*)\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+"[^"\n]*")?\)/;
const UNFINISHED_LINK = /^!?\[[^[\]\n]*(?:\](?:\([^)\n]*)?)?$/;
const ADDRESS = /^<(https?:\/\/[^\s<>]*)>/i;
const UNFINISHED_ADDRESS = /^<h[^\s<>]*$/i;
const LONGEST = 2000; // of a link or a formula; whatever is longer is none
const DEEPEST = 20; // marks within marks, as on the server
const FORMULAS = { "\\(": "\\)", "\\[": "\\]", $$: "$$" };
const ESCAPABLE = /[!-/:-@[-`{-~]/;

export class InlineText {
  clean = 0; // so much of the text leaves no mark open
  #place;
  #before; // the last letters taken
  #draws;
  #open = []; // marks that wait for their other half: { name, mark, element }
  #waiting = "";
  #taken = 0;
  #ticks = ""; // what ends the code we are in
  #endless = {}; // up to where no end of a formula stands
  #letters = ""; // to be written: one by one, each would copy all before it

  // Without `draws` it only finds out where the text may be cut.
  constructor(place, before = "\n", draws = true) {
    this.#place = place;
    this.#draws = draws;
    this.#before = before;
  }

  add(text) {
    this.#waiting += text;
    let length;
    while (this.#waiting && (length = this.#take(this.#waiting))) {
      this.#before = (this.#before + this.#waiting.slice(0, length)).slice(-3);
      this.#waiting = this.#waiting.slice(length);
      this.#taken += length;
      if (!this.#open.length) this.clean = this.#taken;
    }
    this.#write();
  }

  // The line before has ended and the paragraph goes on.
  goOn() {
    if (/(?: {2}|\\)\n$/.test(this.#before)) this.#at.append(document.createElement("br"));
  }

  // Nothing more will arrive to say what it means.
  finish() {
    if (/^[[\\!<$]/.test(this.#waiting)) this.#say(this.#waiting);
    this.#write();
  }

  get #at() {
    return this.#open.at(-1)?.element ?? this.#place;
  }

  // Each of these returns how much it has drawn; nothing, when more has to arrive.
  #take(text) {
    if (this.#ticks) return this.#code(text);
    const letters = LETTERS.exec(text)?.[0];
    if (letters) return this.#say(letters);
    const [run] = RUN.exec(text);
    if (run.length === text.length) return 0;
    switch (run[0]) {
      case "`": return this.#beginCode(run);
      case "\\": case "$": return this.#formula(text) ?? this.#escape(text);
      case "<": return this.#known(ADDRESS, UNFINISHED_ADDRESS, text);
      case "[": case "!": return this.#known(LINK, UNFINISHED_LINK, text);
      default: return this.#mark(run, text.slice(run.length, run.length + 2));
    }
  }

  #say(text, length = text.length) {
    this.#letters += text;
    return length;
  }

  #write() {
    const last = this.#at.lastChild;
    if (last?.nodeType === Node.TEXT_NODE) last.appendData(this.#letters);
    else if (this.#letters) this.#at.append(this.#letters);
    this.#letters = "";
  }

  #beginCode(run) {
    this.#ticks = run;
    this.#begin("code", "`");
    return run.length;
  }

  #code(text) {
    const end = text.indexOf("`");
    if (end) return this.#say(end < 0 ? text : text.slice(0, end));
    const [run] = RUN.exec(text);
    if (run.length === text.length) return 0;
    if (run !== this.#ticks) return this.#say(run);
    this.#ticks = "";
    this.#end("code");
    return run.length;
  }

  // Only the server can draw a formula: it and the text behind it wait. Of a formula without an end
  // nothing is known yet.
  #formula(text) {
    const begins = text.slice(0, 2);
    if (!(begins in FORMULAS)) return null;
    const known = (this.#endless[begins] ?? 0) - this.#taken;
    const end = text.slice(0, LONGEST).indexOf(FORMULAS[begins], Math.max(2, known));
    if (end < 0) this.#endless[begins] = this.#taken + Math.min(text.length, LONGEST) - 1;
    if (end < 0) return text.length < LONGEST ? 0 : null;
    if (text.slice(0, end).includes("`")) return null;
    return this.#draws ? 0 : this.#say(text.slice(0, end + 2));
  }

  #escape([mark, next]) {
    if (mark === "$") return this.#say("$");
    if (next === "\n") return 1;
    return ESCAPABLE.test(next) ? this.#say(next, 2) : this.#say("\\");
  }

  #known(whole, unfinished, text) {
    const found = whole.exec(text);
    if (!found) return text.length < LONGEST && unfinished.test(text) ? 0 : this.#say(text[0]);
    this.#write();
    const link = document.createElement("a");
    this.#at.append(link);
    const label = new InlineText(link);
    label.add(found[1]);
    label.finish();
    return found[0].length;
  }

  #mark(run, next) {
    const names = named(run);
    const before = [...this.#before].at(-1) ?? "";
    const { opens, closes } = flanks(before, next, run[0]);
    const here = ({ name, mark }) => mark === run[0] && names.includes(name);
    if (closes && names.length && this.#open.filter(here).length === names.length) {
      for (const name of names) this.#end(name);
    } else if (names.length && opens && !waits(before, run) && this.#open.length < DEEPEST) {
      for (const name of names) this.#begin(name, run[0]);
    } else this.#say(run);
    return run.length;
  }

  #begin(name, mark) {
    this.#write();
    const element = document.createElement(name);
    if (name === "code") element.dir = "ltr";
    this.#at.append(element);
    this.#open.push({ name, mark, element });
  }

  #end(name) {
    this.#write();
    const at = this.#open.findLastIndex((each) => each.name === name);
    if (at >= 0) this.#open.length = at;
  }
}

function named(run) {
  if (run === "~~") return ["s"];
  if (run[0] === "~") return [];
  return { 1: ["em"], 2: ["strong"], 3: ["em", "strong"] }[run.length] ?? [];
}

// Where a line begins that is not just more of the paragraph above it.
const BEGINS = /^\s*(?:$|[#>|]|[-+*]\s|\d+[.)]\s)/;
const FENCE = /^[\s>]*(?:```|~~~)/;

// How much of `text` can be formatted without cutting a pair of marks in two.
export function cleanLength(text) {
  let start = text.length;
  while (start > 0) {
    const from = text.lastIndexOf("\n", start - 2) + 1;
    const line = text.slice(from, start);
    if (FENCE.test(line) && line.endsWith("\n")) break;
    if (BEGINS.test(line) && !line.trim()) break;
    start = from;
    if (BEGINS.test(line)) break;
  }
  const run = new InlineText(document.createElement("span"), "\n", false);
  run.add(text.slice(start));
  return start + run.clean;
}
