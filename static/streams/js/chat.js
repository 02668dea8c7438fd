// A conversation on the page: the log feeds the transcript, people act through requests. All of
// it is inside its root, so that it can stand on a page of ours and in a site's own.
// Every part is made before any is told whom to call (wire), so that none calls what is not there.

import { Announcer } from "./announcer.js";
import { ChatLog } from "./chat_log.js";
import { ChatPrompts } from "./chat_prompts.js";
import { ConnectionNote } from "./connection_note.js";
import { gettext } from "./gettext.js";
import { ScrollKeeper } from "./scroll_keeper.js";

export class Chat {
  #main;
  #putAway;
  #scroll;
  #note;
  #announcer;
  #log;
  #prompts;
  #on;

  constructor(root) {
    const embedded = "embedded" in root.dataset;
    const { user, device } = root.dataset;
    const find = (name) => root.querySelector(`#streams-${name}`);
    this.#main = find("conversation");
    this.#putAway = find("put-away");
    const place = `streams:scroll:${this.#main.dataset.id}`;
    this.#scroll = new ScrollKeeper(find("jump"), place, embedded ? this.#main : null);
    const note = (this.#note = new ConnectionNote(find("note")));
    const announcer = (this.#announcer = new Announcer(find("announcer"), find("brief")));
    const asides = embedded ? "" : "&feed=1";
    this.#log = new ChatLog(find, { device, note, announcer, asides });
    const { transcript } = this.#log;
    const reach = embedded ? root : document;
    this.#prompts = new ChatPrompts(find, { user, transcript, note, reach });
  }

  // `on` hears reload(), when the page is not the log's any more, and signedOut(); and, if it
  // likes, updated(data), opened(text) of a first prompt, gone(), feed(frame), presence(frame).
  wire(on) {
    this.#on = on;
    this.#note.wire({ waiting: () => this.#prompts.waiting });
    this.#wireLog();
    this.#prompts.wire({
      sent: () => this.#scroll.toEnd(),
      typed: (something) => this.#log.typed(something),
      takenBack: (it) => this.#takenBack(it),
      signedOut: () => this.#log.signedOut(),
    });
    this.#scroll.wire({ reachedEnd: () => this.#log.read() });
    addEventListener("online", () => this.#prompts.flush());
    this.#log.follow();
  }

  #wireLog() {
    this.#log.wire({
      changed: () => this.#prompts.changed(),
      posted: (key) => this.#posted(key),
      queued: (key) => this.#prompts.queued(key),
      takenBack: (it) => this.#takenBack(it),
      sentHere: (key) => this.#sentHere(key),
      updated: (data) => this.#updated(data),
      live: () => this.#prompts.flush(),
      reload: () => this.#on.reload(),
      ended: (reason) => this.#ended(reason),
      feed: (frame) => this.#on.feed?.(frame),
      presence: (frame) => this.#on.presence?.(frame),
      atEnd: () => this.#scroll.atEnd,
      hold: (...change) => this.#scroll.hold(...change),
    });
  }

  focus() {
    this.#prompts.focus();
  }

  takeFocus() {
    this.#prompts.takeFocus();
  }

  // Whether there are messages that are not of the branch on the page.
  get branched() {
    return this.#log.transcript.branched;
  }

  // The message by which the branch on the page is known, "" where there is no other.
  get branch() {
    return this.branched ? this.#log.transcript.end : "";
  }

  // For a moment, about what a person has just done.
  tell(words) {
    this.#announcer.tell(words);
  }

  // The whole log once more, in the place of what stands here.
  replay() {
    this.#log.replay();
  }

  // Hides the conversation from a reader who was signed out.
  leave() {
    this.#log.transcript.clear();
    this.#prompts.close();
    this.#note.ended(gettext("You were signed out. Reload the page to sign in."));
  }

  #posted(key) {
    this.#prompts.arrived(key);
    const prompts = this.#main.querySelectorAll(".transcript > .prompt");
    if (prompts.length === 1) this.#on.opened?.(prompts[0].querySelector(".said").textContent);
  }

  // Sending it once more undoes that.
  #takenBack(it) {
    this.#prompts.giveBack(it);
    this.tell(gettext("Taken back: it is in the message field again"));
  }

  // Whether a prompt that has come to stand in another branch was sent from this page.
  #sentHere(key) {
    const here = this.#prompts.has(key);
    if (here) this.#prompts.arrived(key);
    return here;
  }

  #updated(data) {
    if ("archived" in data) this.#putAway.hidden = !data.archived;
    this.#on.updated?.(data);
    this.#prompts.updated(data);
  }

  #ended(reason) {
    if (reason !== "gone") return this.#on.signedOut();
    this.#note.ended(gettext("This conversation isn't here any more."));
    this.#main.dataset.gone = "";
    this.#prompts.close();
    this.#log.transcript.close();
    this.#on.gone?.();
  }
}
