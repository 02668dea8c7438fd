// The conversation on the page: what streams/log/transcript.py does to a list, done to the document.
// It knows no network: the reader of the stream hands in each event, in order and once.

import { Answer } from "./answer.js";
import { AnswerQueue } from "./answer_queue.js";
import { ReplacedPrompt } from "./replaced_prompt.js";
import { filesOf } from "./attached_files.js";
import { Branches } from "./branches.js";
import { gettext } from "./gettext.js";
import { promptElement } from "./prompt_element.js";
import { ShownMessages } from "./shown_messages.js";

export class Transcript {
  onBusy; // what a prompt does that is sent while an answer is being written
  #element;
  #formatter;
  #device;
  #shown;
  #branches;
  #answers;
  #anew;
  #on;

  constructor(element, { formatter, device, onBusy }) {
    this.onBusy = onBusy;
    this.#element = element;
    this.#formatter = formatter;
    this.#device = device;
    this.#shown = new ShownMessages(element);
    this.#branches = new Branches(element, this.#shown);
    this.#answers = new AnswerQueue(this.#branches);
    this.#anew = new ReplacedPrompt(this.#shown, this.#branches, this.#answers);
    for (const each of element.querySelectorAll(".answer[data-run]")) {
      this.#know(new Answer(each, formatter));
    }
    this.#answers.sort();
  }

  // `on` hears: changed(), posted(message, clientKey), queued(clientKey), takenBack({text, files}, device),
  // said(words); and what branches.js says of branches.
  wire(on) {
    this.#on = on;
    this.#branches.wire(on);
    this.refresh();
  }

  // This browser's, known a little later on a page of a site's own.
  set device(id) {
    this.#device = id;
    for (const answer of this.#answers) answer.device = id;
  }

  // The answer that Stop stops.
  get front() {
    return this.#answers.front;
  }

  // Whether there are messages in branches that are not shown.
  get branched() {
    return this.#branches.any;
  }

  // The last message on the page, by which its branch is known; "" before there is one.
  get end() {
    return this.#shown.last?.dataset.message ?? "";
  }

  // Answers that the server has drawn, as those from before the ones on the page.
  know(elements) {
    for (const each of elements) {
      const answers = [each, ...each.querySelectorAll(".answer[data-run]")];
      for (const one of answers.filter((it) => it.matches(".answer[data-run]"))) {
        this.#know(new Answer(one, this.#formatter));
      }
    }
    this.#answers.sort();
    this.refresh();
  }

  answer(run) {
    return this.#answers.get(run);
  }

  has(message) {
    return this.#shown.has(message);
  }

  hasPrompt(key) {
    return this.#shown.hasPrompt(key);
  }

  // A prompt is being asked anew from here, as replaced_prompt.js says it.
  expect(asked) {
    this.#anew.expect(asked);
  }

  get expects() {
    return this.#anew.pending;
  }

  // Another branch stands here, as an OtherBranch says it.
  take(branch) {
    for (const { dataset } of branch.gone) this.#answers.remove(dataset.run);
    branch.take();
    this.#branches.begin();
    this.#anew.expect(null);
    this.know(branch.come);
  }

  clear() {
    this.#element.replaceChildren();
    this.#answers.clear();
    this.#branches.clear();
    this.#anew.expect(null);
    this.refresh();
  }

  // Nothing more will come; what has been said stands.
  close() {
    for (const answer of this.#answers) if (answer.open) answer.end("cancelled", {});
    this.refresh();
  }

  refresh() {
    this.#answers.update(this.onBusy);
    this.#on.changed();
  }

  apply({ type, data, replaces }) {
    this.#anew.hear(type, data, this.#device);
    const answer = this.#answers.get(data.run);
    if (!answer && this.#isElsewhere(type, data)) this.#elsewhere(type, data);
    else this.#applyHere(answer, { type, data, replaces });
    this.refresh();
  }

  #isElsewhere(type, data) {
    if (type === "message.created") return !this.has(data.message) && !this.#branches.continues(data.parent);
    return data.run !== undefined && !(type === "run.queued" && this.#branches.takesAnother(data.prompt));
  }

  #elsewhere(type, data) {
    const queued = type === "run.queued";
    this.#branches.apply(type, data, queued ? this.#answers.next() : undefined);
  }

  #applyHere(answer, { type, data, replaces }) {
    switch (type) {
      case "message.created": this.#created(data); break;
      case "run.queued": answer ? answer.requeue() : this.#queued(data); break;
      case "run.started": answer.start(data); break;
      case "run.waiting": answer.waitForPeople(); break;
      case "run.steered": this.#steered(data); break;
      case "step.started":
      case "step.ended":
      case "tool.waiting":
      case "tool.decided":
      case "tool.started":
      case "tool.progress":
      case "tool.ended": this.#stepped(answer, type, data); break;
      case "block.started": answer.startBlock(data); break;
      case "block.delta": answer.grow(data, replaces); break;
      case "block.ended": answer.endBlock(data); break;
      case "run.cancel_requested": answer.askToStop(); break;
      case "run.completed": this.#ended(answer, "completed", data, gettext("Answer finished")); break;
      case "run.failed": this.#ended(answer, "failed", { error: data }, gettext(data.message)); break;
      case "run.cancelled": this.#cancelled(answer, data); break;
    }
  }

  #created(data) {
    const { message, role, client_key } = data;
    if (this.has(message)) return;
    if (role === "assistant") throw new Error("said elsewhere: the server draws it");
    const prompt = promptElement(data);
    this.#element.append(prompt);
    this.#branches.created(message);
    this.#anew.created(prompt);
    this.#on.posted(message, client_key);
  }

  #queued(data) {
    const answer = Answer.fresh(data, this.#formatter);
    this.#know(answer);
    const prompt = this.#shown.find(data.prompt);
    const before = this.#shown.answerTo(data.prompt);
    if (before) this.#branches.replace(before, answer.element);
    else (prompt ?? this.#shown.last).after(answer.element);
    this.#on.queued(prompt?.dataset.clientKey);
  }

  // A prompt joined a running answer: the one that was to answer it alone is no more.
  #steered({ run, message, absorbed }) {
    this.#answers.get(absorbed)?.element.remove();
    this.#answers.remove(absorbed);
    const prompt = this.#shown.find(message);
    if (prompt) this.#answers.get(run).join(prompt);
  }

  #stepped(answer, type, data) {
    const call = answer.step(type, data);
    if (type === "tool.waiting" && call) this.#on.said(gettext("It needs your decision"));
  }

  #ended(answer, status, details, words) {
    answer.end(status, details);
    this.#on.said(words);
  }

  #cancelled(answer, { device }) {
    if (answer.attempt === 0) return this.#takeBack(answer, device);
    const other = device && device.id !== this.#device;
    const stopped = other
      ? gettext("Stopped by %(name)s", { name: device.name })
      : gettext("Stopped");
    this.#ended(answer, "cancelled", { stopped }, stopped);
  }

  // A run that never began leaves with its answer, and with a prompt nothing else answers.
  #takeBack(answer, device) {
    this.#answers.remove(answer.run);
    if (this.#branches.takeBack(answer.element)) return;
    answer.element.remove();
    const asked = this.#shown.find(answer.prompt);
    const text = asked?.querySelector(".said").textContent;
    const files = asked ? filesOf(asked) : [];
    const instead = this.#branches.removed(answer.prompt, asked);
    asked?.remove();
    this.#on.takenBack({ text, files }, device?.id === this.#device);
    if (instead) this.#on.left(instead);
  }

  #know(answer) {
    answer.device = this.#device;
    this.#answers.add(answer);
  }
}
