// What a conversation's log says: its events come in and become the transcript, for as long as
// somebody looks. What people ask of the conversation goes out by chat_prompts.js.

import { offerImages } from "./answer_images.js";
import { inBranch, showBranch, stayInBranch } from "./branch_address.js";
import { BranchSteps } from "./branch_steps.js";
import { offerCopies } from "./clipboard.js";
import { localise } from "./time_format.js";
import { EarlierMessages } from "./earlier_messages.js";
import { Formatter } from "./server_formatting.js";
import { LiveConnection } from "./conversation_connection.js";
import { unfoldLongPrompts } from "./long_prompt.js";
import { OtherBranch } from "./other_branch.js";
import { PageReload } from "./page_reload.js";
import { thisDevice } from "./this_device.js";
import { Transcript } from "./transcript.js";

export class ChatLog {
  #main;
  #device;
  #announcer;
  #earlier;
  #steps;
  #connection;
  #pageReload = new PageReload();
  #again = false; // the log comes once more, from its beginning
  #on;

  // `asides` asks the server for more of what is said beside the log.
  constructor(find, { device, note, announcer, asides }) {
    this.#main = find("conversation");
    this.#device = device;
    this.#announcer = announcer;
    const { render, onBusy } = this.#main.dataset;
    const formatter = new Formatter(render);
    this.transcript = new Transcript(find("transcript"), { formatter, device, onBusy });
    this.#earlier = new EarlierMessages(find("earlier"), find("transcript"));
    this.#steps = new BranchSteps(this.#main);
    this.#connection = new LiveConnection(this.#main, note, asides);
  }

  // `on` hears changed(), posted(key), queued(key), takenBack({ text, files }), updated(data), live(),
  // reload(), ended(reason), feed(frame), presence(frame), and hold(change, before, after) of a change
  // through which what was in one place shall be there still; and is asked atEnd(), and sentHere(key) of
  // a prompt that has come to stand in another branch.
  wire(on) {
    this.#on = on;
    this.#pageReload.wire({ begin: () => on.reload() });
    this.transcript.wire({
      changed: () => on.changed(),
      posted: (message, key) => this.#posted(key),
      queued: (key) => on.queued(key),
      takenBack: (it, here) => here && !this.#again && on.takenBack(it),
      said: (words) => this.#again || this.#announcer.say(words),
      elsewhere: (message, key) => this.#elsewhere(message, key),
      replaced: () => inBranch() && this.#stay(),
      left: showBranch,
    });
    this.#connection.wire({
      event: (it) => this.#event(it),
      live: () => this.#live(),
      restart: () => this.#restart(),
      reload: () => this.#pageReload.ask(),
      ended: (reason) => on.ended(reason),
      feed: (frame) => on.feed(frame),
      presence: (frame) => on.presence(frame),
      front: () => this.transcript.front,
      atEnd: () => on.atEnd(),
    });
  }

  // What stands in the page already is made to work, and what follows is added to it.
  async follow() {
    localise(this.#main);
    unfoldLongPrompts(this.#main);
    this.#earlier.wire({ arrived: (elements) => this.#arrived(elements) });
    this.#steps.wire({
      show: (main) => this.#show(main),
      failed: (words) => this.#announcer.tell(words),
      end: () => this.transcript.end,
      has: (message) => this.transcript.has(message),
    });
    offerCopies(this.#main, ({ dataset }) => this.transcript.answer(dataset.run).text);
    offerImages(this.#main, (words) => this.#announcer.say(words));
    if (this.#device || (await this.#introduced())) this.#connection.follow();
  }

  #arrived(elements) {
    elements.forEach(localise);
    this.transcript.know(elements);
  }

  // Another branch, of its page's own moment.
  #show(main) {
    const branch = new OtherBranch(this.#main.querySelector(".transcript"), main.querySelector(".transcript"));
    const [before, after] = branch.steps;
    const rel = before?.contains(document.activeElement) && document.activeElement.rel;
    branch.come.forEach(localise);
    this.#on.hold(() => this.transcript.take(branch), before, after);
    if (branch.begins) this.#earlier.replace(main.querySelector("#streams-earlier")?.parentElement);
    this.#connection.resume(Number(main.dataset.head));
    if (rel) (after.querySelector(`a[href][rel=${rel}]`) ?? after.querySelector("a[href]")).focus({ preventScroll: true });
  }

  async #introduced() {
    const device = await thisDevice(this.#main.dataset.devices).catch(() => null);
    if (device) this.transcript.device = device;
    else this.signedOut();
    return device;
  }

  // Others see that somebody types here.
  typed(something) {
    this.#connection.typed(something);
  }

  // Everything that is shown has been read.
  read() {
    this.#connection.read();
  }

  // The whole log once more, in the place of what stands here.
  replay() {
    this.#connection.replay();
  }

  signedOut() {
    this.#connection.end("signed-out");
  }

  #event(it) {
    if (it.type === "conversation.updated") this.#on.updated(it.data);
    try {
      this.transcript.apply(it);
    } catch (error) {
      console.error(error);
      this.#pageReload.ask();
    }
  }

  #restart() {
    this.#again = true;
    this.transcript.clear();
  }

  #live() {
    this.#again = false;
    this.#on.live();
  }

  // A page whose address names a message far from the end would stand still once loaded again. What has
  // begun is not taken back.
  #posted(key) {
    this.#on.posted(key);
    const begun = [...this.#main.querySelectorAll(".transcript > .answer:not([data-state=waiting])")];
    if (this.#again || !begun.length || !inBranch()) return;
    stayInBranch(begun.at(-1).dataset.message);
  }

  // Something has been said in another branch: loaded again, this page shows its own. What was sent
  // from here and has come to stand there is followed.
  #elsewhere(message, key) {
    if (this.#again) return this.#pageReload.ask();
    if (key && this.#on.sentHere(key)) return showBranch(message);
    this.#stay();
  }

  #stay() {
    stayInBranch(this.transcript.end);
  }
}
