// Wires a conversation's page: the stream feeds the transcript, people act through requests.
// Every part is made before any is told whom to call (wire), so that none calls what is not there.

import { Acts } from "./answer_actions.js";
import { place } from "./answer.js";
import { offerCopies } from "./clipboard.js";
import { localise } from "./clock.js";
import { Composer } from "./composer.js";
import { ConnectionNote } from "./connection_note.js";
import { Draft } from "./draft.js";
import { followFeed } from "./feed.js";
import { floatAll } from "./modal.js";
import { Formatter } from "./formatter.js";
import { paint } from "./paint_queue.js";
import { Here } from "./presence_list.js";
import { request } from "./requests.js";
import { Outbox } from "./outbox.js";
import { sayWhatIsNotSent } from "./unsupported_paste.js";
import { Presence } from "./presence.js";
import { ReadMark } from "./read_mark.js";
import { ScrollKeeper } from "./scroll_keeper.js";
import { Settings } from "./settings.js";
import { forgetAtSignOut, Shelf } from "./sidebar.js";
import { Silence } from "./stall_notice.js";
import { Stream } from "./event_stream.js";
import { Title } from "./title.js";
import { Transcript } from "./transcript.js";
import { whileVisible } from "./page_visibility.js";

const { user, device } = document.querySelector(".streams").dataset;
const main = document.getElementById("streams-conversation");
const { id, url, events, read, render, head, presence: presenceUrl, beat } = main.dataset;
const composerForm = document.getElementById("streams-composer");
let again = false; // the log comes once more, from its beginning
let over = false; // the conversation has gone, or the person
const announcer = document.getElementById("streams-announcer");

const NEXT = { queue: "Send after this answer", interrupt: "Stop and send" };
const WORTH_A_MARK = ["message.created", "run.completed", "run.failed", "run.cancelled"];

const shelf = new Shelf(id);
const settings = new Settings(document.getElementById("streams-settings-form"));
const scroll = new ScrollKeeper(document.getElementById("streams-jump"), `scroll:${id}`);
const title = new Title(document.getElementById("streams-rename"));
const mark = new ReadMark(read, Number(head));
const note = new ConnectionNote(document.getElementById("streams-note"));
const silence = new Silence(main);
const formatter = new Formatter(render);
const transcript = new Transcript(document.getElementById("streams-transcript"), { formatter, device });
const composer = new Composer(composerForm, new Draft(user, id));
const outbox = new Outbox(document.getElementById("streams-unsent"), {
  user,
  place: id,
  url: composerForm.action,
});
const acts = new Acts(main, transcript);
const here = new Here(document.getElementById("streams-here"), device);
const presence = new Presence(presenceUrl, Number(beat));
const stream = new Stream({ url: events, probe: url, after: Number(head), asides: "&feed=1" });

const controls = {
  paint() {
    const { front } = transcript;
    note.about(`${front?.run} ${front?.status}`);
    const next = NEXT[settings.onBusy] ?? "";
    const asked = front ?? outbox.front;
    composer.show({ busy: asked !== null, stopping: asked?.stopping ?? false, next });
  },
};

floatAll();
localise(main);
forgetAtSignOut();
settings.wire({ told: tell });
title.wire({ left: () => composer.focus() });
note.wire({ waiting: () => outbox.waiting });
composer.wire({ send, stop, typed });
transcript.wire({ changed: update, posted, queued, takenBack, said });
acts.wire({ send, stop, takeFocus, failed: (words) => note.remark(words) });
outbox.wire({
  known: (key) => transcript.hasPrompt(key),
  delivered: (message) => transcript.has(message),
  refused,
  signedOut: () => ended("signed-out"),
  strange: (words) => note.remark(words),
  cancel: (run) => acts.cancel(run),
  changed() {
    note.refresh();
    update();
  },
});
silence.wire({ silent });
stream.wire({
  event,
  live,
  broken,
  restart,
  reload,
  ended,
  feed: (frame) => shelf.apply(frame),
  presence: (frame) => here.show(frame),
});
scroll.wire({ reachedEnd: () => mark.reached(stream.cursor, true) });

offerCopies(main, (run) => transcript.answer(run).text);
sayWhatIsNotSent(composerForm.elements.content, (words) => note.remark(words));
takeFocus();
follow();

// Not where that brings a keyboard up over half of the page.
function takeFocus() {
  if (matchMedia("(pointer: fine)").matches) composer.focus();
}

function follow() {
  addEventListener("online", () => {
    stream.renew();
    outbox.flush();
  });
  whileVisible(arrive, leave, () => stream.renew());
}

function arrive() {
  if (over) return;
  stream.start();
  presence.start();
}

function leave() {
  stream.stop();
  silence.stop();
  presence.stop();
  mark.tell();
}

function event(it) {
  if (it.type === "conversation.updated") updated(it.data);
  if (it.type.startsWith("block.") || it.type === "run.started") silence.start();
  try {
    transcript.apply(it);
  } catch (error) {
    // The page and the log disagree; the log is right.
    console.error(error);
    reload();
  }
  if (scroll.atEnd) mark.reached(stream.cursor, WORTH_A_MARK.includes(it.type));
}

// The first paint holds the truth; but a page that reloads for ever helps nobody.
function reload() {
  const last = Number(sessionStorage.getItem("reloaded"));
  if (Date.now() - last < 10_000) return;
  sessionStorage.setItem("reloaded", String(Date.now()));
  location.reload();
}

function restart() {
  again = true;
  transcript.clear();
}

function live() {
  again = false;
  main.dataset.connection = "live";
  note.live();
  silence.start();
  outbox.flush();
}

// The stream only tells what has happened; why nothing does, the run itself knows.
async function silent() {
  const { front } = transcript;
  if (!front) return;
  const { worker } = await request("GET", place(front.run, "")).catch(() => ({}));
  if (worker) front.waitFor(worker); // or the next look asks again
}

function broken() {
  main.dataset.connection = "broken";
  note.broken();
  silence.stop();
}

function updated(data) {
  settings.show(data);
  if ("archived" in data) shelf.archive(data.archived);
  update();
  if (data.title === undefined) return;
  title.show(data.title);
  shelf.rename(title.name);
}

function update() {
  paint(controls);
}

function posted(message, key) {
  outbox.arrived(key);
  const prompts = main.querySelectorAll(".transcript > .prompt");
  if (prompts.length > 1) return;
  title.opening(prompts[0].querySelector(".said").textContent);
  shelf.rename(title.name);
}

// Its answer may have been stopped before it was there.
function queued(key) {
  if (key && outbox.queued(key)) stop();
}

// What has long been over is neither given back nor said a second time.
function takenBack(text, here) {
  if (here && text && !again) composer.giveBack(text);
}

function said(words) {
  if (!again) announcer.textContent = words;
}

// For a moment, about what a person has just done.
function tell(words) {
  const brief = document.getElementById("streams-brief");
  announcer.textContent = brief.textContent = words;
  brief.hidden = false;
  setTimeout(() => (brief.hidden = true), 3000);
}

function typed(something) {
  presence.typed(something);
  note.remark("");
}

function send(text) {
  outbox.add(text);
  scroll.toEnd();
}

function stop() {
  if (transcript.front) acts.stop();
  else outbox.stop();
}

function refused(text, error) {
  composer.giveBack(text);
  note.remark(error.message || "That could not be sent.");
}

function ended(reason) {
  over = true;
  silence.stop();
  presence.stop();
  if (reason === "gone") {
    note.ended("This conversation isn't here any more.");
    main.dataset.gone = "";
    composerForm.hidden = true;
    transcript.close();
    title.close();
    here.show({ devices: [] });
    return followFeed(shelf, () => location.reload());
  }
  // Whoever was signed out here shall not go on reading; drafts stay on this device.
  location.replace(`${main.dataset.signIn}?next=${encodeURIComponent(location.pathname)}`);
}
