// A code block whose closing line has not arrived yet: it grows line by line.

import { gettext } from "./gettext.js";

const FENCE = /^([ \t]*(?:[-*+] +|\d+[.)] +)?)(`{3,}(?=[^`\n]*$)|~{3,})[ \t]*(.*)$/gm;

export class CodeBlock {
  #place;
  #margin; // what stands before each line that is not its own
  #end;
  #perhapsEnd;
  #empty;
  #waiting;

  // `place` takes the text; `fence` is { margin, mark }, its first line.
  constructor(place, { margin, mark }, { empty, lineStart }) {
    this.#place = place;
    this.#margin = new RegExp(`\\n[ \\t]{0,${margin.length}}`, "g");
    this.#end = new RegExp(`\\n[ \\t]*${mark}${mark[0]}*[ \\t]*\\n`);
    this.#perhapsEnd = new RegExp(`\\n[ \\t\\n]*${mark[0]}*[ \\t]*$`);
    this.#empty = empty;
    this.#waiting = lineStart ? "\n" : "";
  }

  // Returns what stands behind its end, once that has come. The line that may be it waits, and
  // the line end before it.
  add(text) {
    this.#waiting += text;
    const end = this.#end.exec(this.#waiting);
    const cut = end ? end.index : this.#waiting.search(this.#perhapsEnd);
    this.#draw(cut < 0 ? this.#waiting : this.#waiting.slice(0, cut));
    const behind = end && this.#waiting.slice(cut + end[0].length);
    this.#waiting = cut < 0 ? "" : this.#waiting.slice(cut);
    return behind;
  }

  #draw(lines) {
    if (!lines) return;
    const own = lines.replace(this.#margin, "\n");
    this.#place.append(this.#empty ? own.slice(1) : own);
    this.#empty = false;
  }
}

// The fence inside which `text` ends.
export function openFence(text) {
  let open = null;
  for (const [, margin, mark, behind] of text.matchAll(FENCE)) {
    if (!open) open = { margin, mark };
    else if (!margin.trim() && !behind && mark.startsWith(open.mark)) open = null;
  }
  return open ?? { margin: "", mark: "```" };
}

// Without text, as the server draws it (streams/markdown/rendering.py).
export function beginCode(language) {
  const code = document.createElement("div");
  code.className = "code";
  code.innerHTML =
    '<div class="code-bar"><span></span><button type="button" class="code-copy"></button></div>' +
    '<pre tabindex="0" dir="ltr"><code dir="ltr"></code></pre>';
  code.querySelector("button").textContent = gettext("Copy");
  code.querySelector("span").textContent = language.trim().split(/\s+/)[0].toLowerCase() || "text";
  return code;
}

// Markdown ends code with a line end, whether the text has come to it or not.
export function dropLineEnd(code) {
  let last = code.lastChild;
  while (last?.lastChild) last = last.lastChild;
  if (last?.data?.endsWith("\n")) last.data = last.data.slice(0, -1);
}
