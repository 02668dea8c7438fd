// Who else is here: a small labelled mark for each device, at the top.

import { gettext } from "./gettext.js";
import { clone } from "./template_clone.js";

const MOST = 4;

export class PresenceList {
  #element;
  #device;

  constructor(element, device) {
    this.#element = element;
    this.#device = device;
  }

  show({ devices }) {
    const others = devices.filter((each) => each.id !== this.#device);
    others.sort((a, b) => b.typing - a.typing || a.name.localeCompare(b.name));
    const shown = others.length > MOST ? others.slice(0, MOST - 1) : others;
    const marks = shown.map((each) => this.#mark(each));
    const rest = others.slice(shown.length);
    if (rest.length) marks.push(this.#more(rest));
    this.#element.replaceChildren(...marks);
  }

  #mark({ name, kind, typing }) {
    const mark = clone("streams-mark-template");
    const icon = mark.querySelector("use");
    const known = ["phone", "tablet", "computer"].includes(kind) ? kind : "computer";
    icon.setAttribute("href", icon.getAttribute("href").replace(/#.*/, `#${known}`));
    mark.querySelector(".mark-name").textContent = name;
    mark.querySelector(".mark-state").textContent = typing ? gettext("is typing") : gettext("is here");
    mark.title = `${name} ${mark.querySelector(".mark-state").textContent}`;
    mark.toggleAttribute("data-typing", typing);
    return mark;
  }

  #more(devices) {
    const mark = document.createElement("li");
    mark.className = "mark";
    mark.textContent = `+${devices.length}`;
    mark.title = devices.map(({ name }) => name).join(", ");
    return mark;
  }
}
