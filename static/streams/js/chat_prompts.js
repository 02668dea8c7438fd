// What people ask of a conversation: they write, send, stop, edit and retry. It reads the
// transcript; what becomes of a prompt comes back by the log (chat_log.js).

import { AnswerActions } from "./answer_actions.js";
import { Attachments } from "./attachments.js";
import { showBranch } from "./branch_address.js";
import { Composer } from "./composer.js";
import { Draft } from "./draft.js";
import { gettext } from "./gettext.js";
import { nextWords } from "./send_hint.js";
import { Outbox } from "./outbox.js";
import { paint } from "./paint_queue.js";
import { PromptEditing } from "./prompt_editing.js";

const LATE = 5000; // ms

export class ChatPrompts {
  #form;
  #reach;
  #transcript;
  #note;
  #files;
  #composer;
  #outbox;
  #actions;
  #editing;
  #on;

  // `reach` is the part of the page whose keys and drops are ours.
  constructor(find, { user, transcript, note, reach }) {
    const main = find("conversation");
    const { id } = main.dataset;
    this.#form = find("composer");
    this.#reach = reach;
    this.#transcript = transcript;
    this.#note = note;
    this.#files = new Attachments(this.#form, user, id);
    this.#composer = new Composer(this.#form, new Draft(user, id), this.#files);
    const { action } = this.#form;
    this.#outbox = new Outbox(find("unsent"), { user, place: id, url: action });
    this.#actions = new AnswerActions(main, transcript, reach);
    this.#editing = new PromptEditing(main);
  }

  // `on` hears sent(), typed(something), signedOut(), and takenBack({ text, files }) of a prompt that has
  // not been sent yet.
  wire(on) {
    this.#on = on;
    const remark = (words) => this.#note.remark(words);
    const send = (text, files) => this.#send(text, files);
    const stop = () => this.#stop();
    this.#composer.wire({ send, stop, typed: (it) => this.#typed(it), refused: remark });
    const filed = { changed: () => this.#composer.filesChanged(), refused: remark };
    this.#files.wire(filed, this.#form.elements.content, this.#reach);
    const takeFocus = () => this.takeFocus();
    const asking = (it) => this.#transcript.expect(it);
    const asked = (answer) => this.#asked(answer);
    this.#actions.wire({ send, stop, asking, asked, takeFocus, failed: remark });
    this.#editing.wire({ asking, asked, failed: remark });
    this.#wireOutbox(remark);
  }

  #wireOutbox(remark) {
    this.#outbox.wire({
      known: (key) => this.#transcript.hasPrompt(key),
      branch: () => this.#transcript.end,
      branched: () => this.#transcript.branched,
      delivered: (message) => this.#transcript.has(message),
      refused: (text, error, files) => {
        this.giveBack({ text, files });
        remark(error.message || gettext("That could not be sent."));
      },
      takenBack: (it) => this.#on.takenBack(it),
      signedOut: () => this.#on.signedOut(),
      strange: remark,
      cancel: (run) => this.#actions.cancel(run),
      changed: () => {
        this.#note.refresh();
        this.changed();
      },
    });
  }

  // Whether something is still to be sent.
  get waiting() {
    return this.#outbox.waiting;
  }

  flush() {
    this.#outbox.flush();
  }

  // A prompt of this device has come back by the log; what it was sent from is done with.
  arrived(key) {
    this.#outbox.arrived(key);
  }

  // Its answer may have been stopped before it was there.
  queued(key) {
    if (key && this.#outbox.queued(key)) this.#stop();
  }

  has(key) {
    return this.#outbox.has(key);
  }

  // What was taken back, or refused, is the writer's again.
  giveBack({ text, files }) {
    if (text) this.#composer.giveBack(text);
    this.#files.giveBack(files);
  }

  // The transcript is refreshed with the event that says so.
  updated({ on_busy: onBusy }) {
    this.#transcript.onBusy = onBusy ?? this.#transcript.onBusy;
  }

  // What the buttons say is due again.
  changed() {
    paint(this);
  }

  paint() {
    const { front, onBusy } = this.#transcript;
    this.#note.about(`${front?.run} ${front?.status}`);
    const asked = front ?? this.#outbox.front;
    const [busy, stopping] = [asked !== null, asked?.stopping ?? false];
    this.#composer.show({ busy, stopping, next: nextWords(onBusy, front) });
  }

  focus() {
    this.#composer.focus();
  }

  // Not where that brings a keyboard up over half of the page.
  takeFocus() {
    if (matchMedia("(pointer: fine)").matches) this.focus();
  }

  close() {
    this.#form.hidden = true;
  }

  #typed(something) {
    this.#on.typed(something);
    this.#note.remark("");
  }

  #send(text, files) {
    this.#outbox.add(text, files);
    this.#on.sent();
  }

  // The log brings it, a moment before or after; where it does not, its own address shows it.
  #asked(answer) {
    this.#on.sent();
    this.takeFocus();
    const there = () => !this.#transcript.expects || this.#transcript.has(answer);
    if (there()) this.#transcript.expect(null);
    else setTimeout(() => there() || showBranch(answer), LATE);
  }

  #stop() {
    if (this.#transcript.front) this.#actions.stop();
    else this.#outbox.stop();
  }
}
