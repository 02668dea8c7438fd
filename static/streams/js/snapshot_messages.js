// Messages of a part of a conversation that stands still: no log follows, but they can be unfolded
// and copied, earlier ones come, and forms go to the server as without scripts.

import { Announcer } from "./announcer.js";
import { offerImages } from "./answer_images.js";
import { answerText } from "./answer_text.js";
import { ChosenFiles } from "./chosen_files.js";
import { offerCopies } from "./clipboard.js";
import { localise } from "./time_format.js";
import { EarlierMessages } from "./earlier_messages.js";
import { unfoldLongPrompts } from "./long_prompt.js";

export class StillMessages {
  #main;
  #announcer;
  #earlier;
  #files;

  constructor(root) {
    const find = (name) => root.querySelector(`#streams-${name}`);
    this.#main = find("conversation");
    this.#announcer = new Announcer(find("announcer"), find("brief"));
    this.#earlier = new EarlierMessages(find("earlier"), find("transcript"));
    this.#files = new ChosenFiles(find("composer"));
  }

  wire() {
    localise(this.#main);
    unfoldLongPrompts(this.#main);
    offerCopies(this.#main, answerText);
    offerImages(this.#main, (words) => this.#announcer.say(words));
    this.#earlier.wire({ arrived: (elements) => elements.forEach(localise) });
    this.#files.wire();
  }

  // For a moment, about what a person has just done.
  tell(words) {
    this.#announcer.tell(words);
  }
}
