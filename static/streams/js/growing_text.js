// What has arrived since the server formatted a text, drawn at its end at once, as far as it is
// plain what it is: more of a paragraph or of code, a new paragraph, heading, item or code block.
// From where only the server can say (a table, a quote, anything indented or folded) it waits for
// that; so nothing that has been drawn is taken back. Should the server not say it, the rest is shown
// as it came.

import { beginCode, CodeBlock, dropLineEnd, openFence } from "./growing_code.js";
import { cleanLength, InlineText } from "./inline_text.js";

const HOLDS_TEXT = "p, li, ul, ol, blockquote, h1, h2, h3, h4, h5, h6, pre, pre > code, td, tr, tbody, table, div";
const HEADINGS = "h1, h2, h3, h4, h5, h6";
const BLOCKS = `p, ul, ol, ${HEADINGS}`;
const GOES_ON = "p, li"; // on the next line, without a mark
const BLANK = /^[ \t]*\n/;
const PLAIN = /^(?:[^\s\d#>|=+\-*_~`:\\$<]|<(?!\/?(?:details|summary)\b)|\\[^[]|\$[^$]|\d+[^\d.)]|\*{1,2}[^\s*]|_{1,2}[^\s_]|`{1,2}[^`]|:[^-])/;
const HEADING = /^(#{1,6}) +(?=[^\s#])/;
const ITEM = /^(?:[-*+]|(\d{1,9})[.)]) (?=\S)/;
const FENCE = /^(`{3,}|~{3,})([^`\n]*)\n/;
const UNDECIDED = /^(?:[ \t]*|\\|\$|#{1,6} *|(?:[-*+]|\d{1,9}[.)]?) ?|\*\*|_{1,2}|`{1,2}|:|<\/?[a-z]*|(?:```|~~~)[^\n]*)$/;

export class GrowingText {
  #open;
  #place;
  #before;
  #lineStart;
  #blank; // the line before is
  #held = false;
  #raw = null; // takes what is held, once nobody else will
  #waiting = "";
  #inline = null;
  #code = null;
  #fresh = null;
  #added = [];

  // `open` shows what `before` has become; `fenced` when that ends inside a code block.
  constructor(open, before, fenced) {
    this.#open = open;
    this.#place = deepest(open);
    this.#before = before;
    this.#lineStart = !before || before.endsWith("\n");
    this.#blank = !before || /(?:^|\n)[ \t]*\n$/.test(before);
    this.#held = this.#place.lastElementChild?.matches("details") ?? false; // it may go on inside
    if (fenced) this.#goOnWithCode();
    else this.#span(this.#place);
  }

  // Whether all that comes is drawn as code.
  get code() {
    return this.#code !== null;
  }

  add(text) {
    this.#waiting += text;
    while (this.#waiting && !this.#held && this.#step());
    if (this.#raw) this.#showRest();
  }

  // Nobody formats it: marks are better than nothing.
  goOnAlone() {
    this.#raw ??= document.createElement("div");
    this.#showRest();
  }

  // What is held, and what only more text or the server could have decided.
  #showRest() {
    if (!this.#waiting || (this.#code && !this.#held)) return;
    this.#held = true;
    this.#leave();
    if (!this.#raw.isConnected) this.#add(this.#raw, this.#open);
    this.#raw.className = "fresh raw";
    this.#raw.append(this.#waiting);
    this.#waiting = "";
  }

  remove() {
    for (const each of this.#added) each.remove();
  }

  #goOnWithCode() {
    this.#held = !this.#place.matches("pre > code") || this.#place.closest("blockquote") !== null;
    if (this.#held) return this.#span(this.#place);
    const empty = !this.#place.textContent;
    dropLineEnd(this.#place);
    this.#growCode(this.#place, openFence(this.#before), { empty, lineStart: this.#lineStart });
  }

  #growCode(place, fence, state) {
    this.#code = new CodeBlock(this.#span(place), fence, state);
    this.#code.top = place.closest(".code").parentNode === this.#open;
  }

  // What comes next says whether the marks before are complete.
  #goOnWithLine() {
    const before = this.#before;
    this.#held =
      !this.#place.matches(`${GOES_ON}, ${HEADINGS}`) ||
      cleanLength(before + this.#waiting[0]) < before.length;
    if (this.#held) return false;
    this.#write(this.#place, before.slice(-3));
    // Markdown drops the space a text ends with; the next word needs it.
    if (/[ \t]$/.test(before)) this.#fresh.append(" ");
    return true;
  }

  // Returns whether there may be more to do.
  #step() {
    if (this.#code) return this.#addCode();
    if (this.#lineStart) return this.#beginLine();
    if (!this.#inline) return this.#goOnWithLine();
    const end = this.#waiting.indexOf("\n") + 1;
    this.#inline.add(end ? this.#waiting.slice(0, end) : this.#waiting);
    this.#waiting = end ? this.#waiting.slice(end) : "";
    this.#lineStart = end > 0;
    return this.#lineStart;
  }

  #addCode() {
    const behind = this.#code.add(this.#waiting);
    this.#waiting = behind ?? "";
    if (behind === null) return false;
    this.#held = !this.#code.top;
    this.#code = null;
    this.#lineStart = true;
    return true;
  }

  #beginLine() {
    const blank = BLANK.exec(this.#waiting)?.[0];
    if (blank) {
      this.#blank = true;
      this.#waiting = this.#waiting.slice(blank.length);
      return true;
    }
    if (UNDECIDED.test(this.#waiting)) return false;
    this.#held = !this.#beginBlock();
    this.#lineStart = this.#blank = false;
    return true;
  }

  #beginBlock() {
    const text = this.#waiting;
    const goesOn = !this.#blank && this.#place.matches(GOES_ON);
    if (this.#place.matches("td, th") && !this.#blank) return false;
    if (PLAIN.test(text)) return goesOn ? this.#goOn() : this.#begin("p");
    if (HEADING.test(text)) return this.#begin(`h${HEADING.exec(text)[1].length}`, HEADING);
    if (FENCE.test(text)) return this.#beginCode(FENCE.exec(text));
    const item = ITEM.exec(text);
    if (!item || !PLAIN.test(text.slice(item[0].length))) return false;
    const [, number] = item;
    if (number > 1 && goesOn && this.#place.parentNode === this.#open) return false;
    return this.#begin("li", ITEM, this.#list(number));
  }

  #goOn() {
    if (!this.#inline) {
      this.#write(this.#place, this.#before.slice(-3));
      this.#fresh.append(" ");
    }
    this.#inline.goOn();
    return true;
  }

  // `mark` is what stands before its text.
  #begin(name, mark = null, parent = this.#open) {
    this.#place = this.#add(document.createElement(name), parent);
    this.#write(this.#place);
    if (mark) this.#waiting = this.#waiting.replace(mark, "");
    return true;
  }

  #list(number) {
    const name = number ? "ol" : "ul";
    const last = this.#open.lastElementChild;
    if (last?.matches(name)) return last;
    const list = document.createElement(name);
    if (number > 1) list.start = Number(number);
    return this.#add(list, this.#open);
  }

  #beginCode([line, mark, language]) {
    const code = this.#add(beginCode(language), this.#open);
    this.#place = code.querySelector("code");
    this.#waiting = this.#waiting.slice(line.length);
    this.#growCode(this.#place, { margin: "", mark }, { empty: true, lineStart: true });
    return true;
  }

  #write(place, before) {
    this.#inline = new InlineText(this.#span(place), before);
  }

  #leave() {
    this.#fresh?.classList.remove("fresh");
    if (!this.#fresh?.hasChildNodes()) this.#fresh?.remove();
  }

  // The caret stands at the end of what is fresh.
  #span(place) {
    this.#leave();
    this.#fresh = this.#add(document.createElement("span"), place);
    this.#fresh.className = "fresh";
    return this.#fresh;
  }

  #add(element, place) {
    if (place === this.#open && element.matches(BLOCKS)) element.dir = "auto";
    this.#added.push(element);
    place.append(element);
    return element;
  }
}

// The last paragraph, item, cell or line of code.
function deepest(open) {
  let place = open;
  while (place.lastElementChild?.matches(HOLDS_TEXT) && !text(place.lastChild)) {
    place = place.lastElementChild;
  }
  return place;
}

function text(node) {
  return node.nodeType === Node.TEXT_NODE && node.data.trim();
}
