// A conversation on the page: the log feeds the transcript, people act through requests. All of
// it is inside its root, so that it can stand on a page of ours and in a site's own.
// Every part is made before any is told whom to call (wire), so that none calls what is not there.

import { AnswerActions } from "./answer_actions.js";
import { Announcer } from "./announcer.js";
import { offerImages } from "./answer_images.js";
import { Attachments } from "./attachments.js";
import { showBranch, stayInBranch } from "./branch_address.js";
import { offerCopies } from "./clipboard.js";
import { localise } from "./clock.js";
import { Composer } from "./composer.js";
import { ConnectionNote } from "./connection_note.js";
import { Draft } from "./draft.js";
import { EarlierMessages } from "./earlier_messages.js";
import { Formatter } from "./formatter.js";
import { gettext } from "./gettext.js";
import { LiveConnection } from "./live_connection.js";
import { unfoldLongPrompts } from "./long_prompt.js";
import { nextWords } from "./next_words.js";
import { Outbox } from "./outbox.js";
import { PageReload } from "./page_reload.js";
import { paint } from "./paint_queue.js";
import { PromptEditing } from "./prompt_editing.js";
import { ScrollKeeper } from "./scroll_keeper.js";
import { thisDevice } from "./this_device.js";
import { Transcript } from "./transcript.js";

export class Chat {
  #root;
  #main;
  #form;
  #reach; // the part of the page whose keys and drops are ours
  #transcript;
  #earlier;
  #composer;
  #files;
  #outbox;
  #actions;
  #editing;
  #connection;
  #note;
  #scroll;
  #announcer;
  #pageReload = new PageReload();
  #onBusy;
  #again = false; // the log comes once more, from its beginning
  #on;

  constructor(root) {
    const embedded = "embedded" in root.dataset;
    const { user, device } = root.dataset;
    this.#root = root;
    this.#main = this.#find("conversation");
    this.#form = this.#find("composer");
    this.#reach = embedded ? root : document;
    const { id, render, onBusy } = this.#main.dataset;
    this.#onBusy = onBusy;
    const place = embedded ? this.#main : null;
    this.#scroll = new ScrollKeeper(this.#find("jump"), `streams:scroll:${id}`, place);
    this.#note = new ConnectionNote(this.#find("note"));
    const formatter = new Formatter(render);
    this.#transcript = new Transcript(this.#find("transcript"), { formatter, device });
    this.#earlier = new EarlierMessages(this.#find("earlier"), this.#find("transcript"));
    this.#files = new Attachments(this.#form, user, id);
    this.#composer = new Composer(this.#form, new Draft(user, id), this.#files);
    const { action } = this.#form;
    this.#outbox = new Outbox(this.#find("unsent"), { user, place: id, url: action });
    this.#actions = new AnswerActions(this.#main, this.#transcript, this.#reach);
    this.#editing = new PromptEditing(this.#main);
    this.#announcer = new Announcer(this.#find("announcer"), this.#find("brief"));
    this.#connection = new LiveConnection(this.#main, this.#note, embedded ? "" : "&feed=1");
  }

  // `on` hears reload(), when the page is not the log's any more, and signedOut(); and, if it
  // likes, updated(data), opened(text) of a first prompt, gone(), feed(frame), presence(frame).
  wire(on) {
    this.#on = on;
    const remark = (words) => this.#note.remark(words);
    const send = (text, files) => this.#send(text, files);
    const stop = () => this.#stop();
    this.#note.wire({ waiting: () => this.#outbox.waiting });
    this.#pageReload.wire({ begin: () => on.reload() });
    this.#composer.wire({ send, stop, typed: (it) => this.#typed(it), refused: remark });
    const filed = { changed: () => this.#composer.filesChanged(), refused: remark };
    this.#files.wire(filed, this.#form.elements.content, this.#reach);
    this.#wireTranscript();
    const takeFocus = () => this.takeFocus();
    this.#actions.wire({ send, stop, asked: showBranch, takeFocus, failed: remark });
    this.#editing.wire({ asked: showBranch, failed: remark });
    this.#wireOutbox(remark);
    this.#wireConnection();
    this.#scroll.wire({ reachedEnd: () => this.#connection.read() });
    localise(this.#main);
    unfoldLongPrompts(this.#main);
    this.#earlier.wire({ arrived: (elements) => this.#arrived(elements) });
    offerCopies(this.#main, (run) => this.#transcript.answer(run).text);
    offerImages(this.#main);
    this.#follow();
  }

  #arrived(elements) {
    elements.forEach(localise);
    this.#transcript.knowEarlier(elements);
  }

  #wireTranscript() {
    this.#transcript.wire({
      changed: () => paint(this),
      posted: (message, key) => this.#posted(key),
      // Its answer may have been stopped before it was there.
      queued: (key) => key && this.#outbox.queued(key) && this.#stop(),
      takenBack: (it, here) => this.#takenBack(it, here),
      said: (words) => this.#said(words),
      elsewhere: (message, key) => this.#elsewhere(message, key),
      replaced: () => new URLSearchParams(location.search).has("branch") && this.#stay(),
      left: showBranch,
    });
  }

  #wireOutbox(remark) {
    this.#outbox.wire({
      known: (key) => this.#transcript.hasPrompt(key),
      branch: () => this.#transcript.end,
      branched: () => this.#transcript.branched,
      delivered: (message) => this.#transcript.has(message),
      refused: (text, error, files) => {
        this.#composer.giveBack(text);
        this.#files.giveBack(files);
        remark(error.message || gettext("That could not be sent."));
      },
      signedOut: () => this.#connection.end("signed-out"),
      strange: remark,
      cancel: (run) => this.#actions.cancel(run),
      changed: () => {
        this.#note.refresh();
        paint(this);
      },
    });
  }

  #wireConnection() {
    this.#connection.wire({
      event: (it) => this.#event(it),
      live: () => this.#live(),
      restart: () => this.#restart(),
      reload: () => this.#pageReload.ask(),
      ended: (reason) => this.#ended(reason),
      feed: (frame) => this.#on.feed?.(frame),
      presence: (frame) => this.#on.presence?.(frame),
      front: () => this.#transcript.front,
      atEnd: () => this.#scroll.atEnd,
    });
  }

  async #follow() {
    addEventListener("online", () => this.#outbox.flush());
    if (!this.#root.dataset.device && !(await this.#introduced())) return;
    this.#connection.follow();
  }

  async #introduced() {
    const device = await thisDevice(this.#main.dataset.devices).catch(() => null);
    if (device) this.#transcript.device = device;
    else this.#connection.end("signed-out");
    return device;
  }

  focus() {
    this.#composer.focus();
  }

  // Whether there are messages that are not of the branch on the page.
  get branched() {
    return this.#transcript.branched;
  }

  // Not where that brings a keyboard up over half of the page.
  takeFocus() {
    if (matchMedia("(pointer: fine)").matches) this.focus();
  }

  // For a moment, about what a person has just done.
  tell(words) {
    this.#announcer.tell(words);
  }

  // The whole log once more, in the place of what stands here.
  replay() {
    this.#connection.replay();
  }

  // Whoever was signed out here shall not go on reading.
  leave() {
    this.#transcript.clear();
    this.#form.hidden = true;
    this.#note.ended(gettext("You were signed out. Reload the page to sign in."));
  }

  paint() {
    const { front } = this.#transcript;
    this.#note.about(`${front?.run} ${front?.status}`);
    const asked = front ?? this.#outbox.front;
    const [busy, stopping] = [asked !== null, asked?.stopping ?? false];
    this.#composer.show({ busy, stopping, next: nextWords(this.#onBusy, front) });
  }

  #find(name) {
    return this.#root.querySelector(`#streams-${name}`);
  }

  #event(it) {
    if (it.type === "conversation.updated") this.#updated(it.data);
    try {
      this.#transcript.apply(it);
    } catch (error) {
      console.error(error);
      this.#pageReload.ask();
    }
  }

  #updated(data) {
    this.#onBusy = data.on_busy ?? this.#onBusy;
    if ("archived" in data) this.#find("put-away").hidden = !data.archived;
    this.#on.updated?.(data);
    paint(this);
  }

  #restart() {
    this.#again = true;
    this.#transcript.clear();
  }

  #live() {
    this.#again = false;
    this.#outbox.flush();
  }

  #posted(key) {
    this.#outbox.arrived(key);
    const prompts = this.#main.querySelectorAll(".transcript > .prompt");
    if (prompts.length === 1) this.#on.opened?.(prompts[0].querySelector(".said").textContent);
  }

  // Something has been said in another branch: loaded again, this page shows its own. What was sent
  // from here and has come to stand there is followed.
  #elsewhere(message, key) {
    if (this.#again) return this.#pageReload.ask();
    if (key && this.#outbox.has(key)) {
      this.#outbox.arrived(key);
      return showBranch(message);
    }
    this.#stay();
  }

  #stay() {
    stayInBranch(this.#transcript.end);
  }

  // What has long been over is neither given back nor said a second time.
  #takenBack({ text, files }, here) {
    if (!here || this.#again) return;
    if (text) this.#composer.giveBack(text);
    this.#files.giveBack(files);
  }

  #said(words) {
    if (!this.#again) this.#announcer.say(words);
  }

  #typed(something) {
    this.#connection.typed(something);
    this.#note.remark("");
  }

  #send(text, files) {
    this.#outbox.add(text, files);
    this.#scroll.toEnd();
  }

  #stop() {
    if (this.#transcript.front) this.#actions.stop();
    else this.#outbox.stop();
  }

  #ended(reason) {
    if (reason !== "gone") return this.#on.signedOut();
    this.#note.ended(gettext("This conversation isn't here any more."));
    this.#main.dataset.gone = "";
    this.#form.hidden = true;
    this.#transcript.close();
    this.#on.gone?.();
  }
}
