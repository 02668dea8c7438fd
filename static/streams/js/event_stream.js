// A conversation's event stream and its cursor: no DOM, no knowledge of what events mean.

const EVENTS = [
  "message.created", "run.queued", "run.started", "block.started", "block.delta", "block.ended",
  "run.cancel_requested", "run.completed", "run.failed", "run.cancelled", "conversation.updated",
  "run.waiting", "run.steered", "step.started", "step.ended", "tool.waiting", "tool.decided",
  "tool.started", "tool.progress", "tool.ended",
];
const SILENCE = 25_000; // the server pings every 10 s, so this long without a frame is a dead link
const FIRST_WAIT = 400;
const LONGEST_WAIT = 15_000;
const LONGEST_UNREACHED = 2000; // nobody was there to be hurt, and who comes back looks at once

// `asides` asks for more of what is said beside the log.
export class EventStream {
  #url;
  #probe;
  #on;
  #cursor;
  #source = null;
  #epoch = null;
  #asides;
  #failures = 0;
  #wanted = false;
  #silence = 0;
  #waiting = 0;
  #heard = false;

  constructor({ url, probe, after, asides = "" }) {
    this.#url = url;
    this.#probe = probe;
    this.#cursor = after;
    this.#asides = asides;
  }

  // `on` hears: event({type, data, replaces}), live(), broken(), restart(), reload(), ended(reason),
  // and what is said beside the log: feed(frame), presence(frame).
  wire(on) {
    this.#on = on;
  }

  get cursor() {
    return this.#cursor;
  }

  start() {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#connect();
  }

  stop() {
    this.#wanted = false;
    this.#close();
  }

  // At once and anew: the network is back or another one, or the machine has slept, so that
  // the link may be dead and nobody knows.
  renew() {
    if (this.#wanted) this.#connect();
  }

  // Everything comes again, from the first.
  replay() {
    this.#begin();
    this.renew();
  }

  // What follows comes after another number: a stream cannot be told.
  resume(seq) {
    if (seq === this.#cursor) return;
    this.#cursor = seq;
    this.renew();
  }

  #connect() {
    this.#close();
    const source = new EventSource(`${this.#url}?after=${this.#cursor}${this.#asides}`);
    this.#source = source;
    this.#heard = false;
    const hear = (type, step) =>
      source.addEventListener(type, (frame) => {
        if (source !== this.#source) return;
        this.#heard = true;
        this.#listen();
        step(frame);
      });
    for (const type of EVENTS) hear(type, (frame) => this.#apply(type, frame));
    hear("sync", (frame) => this.#synced(JSON.parse(frame.data)));
    hear("ping", () => {});
    hear("feed", (frame) => this.#on.feed?.(JSON.parse(frame.data)));
    hear("presence", (frame) => this.#on.presence?.(JSON.parse(frame.data)));
    hear("resync", () => this.#begin());
    hear("bye", () => this.#again());
    hear("gone", () => this.#ask()); // the conversation, this device or its person
    source.addEventListener("error", () => source === this.#source && this.#failed(source));
    this.#listen();
  }

  #close() {
    clearTimeout(this.#silence);
    clearTimeout(this.#waiting);
    this.#waiting = 0;
    this.#source?.close();
    this.#source = null;
  }

  #listen() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#again(), SILENCE);
  }

  // A number at or before the cursor is a repeat and changes nothing.
  #apply(type, frame) {
    const seq = Number(frame.lastEventId);
    if (seq <= this.#cursor) return;
    const data = JSON.parse(frame.data);
    const replaces = (data.from ?? seq) <= this.#cursor;
    this.#cursor = seq;
    this.#on.event({ type, data, replaces });
  }

  #synced({ epoch }) {
    const changed = this.#epoch !== null && epoch !== this.#epoch;
    this.#epoch = epoch;
    if (changed) return this.#on.reload();
    this.#failures = 0;
    this.#on.live();
  }

  // Our cursor is from another life of the database, or the page is not what the log makes of it.
  #begin() {
    this.#cursor = 0;
    this.#on.restart();
  }

  // The browser reconnects by itself unless the server refused; only then does it give up. A
  // link that was never there it would try again in three seconds, which is long to look at.
  #failed(source) {
    this.#on.broken();
    if (source.readyState === EventSource.CLOSED) this.#ask();
    else if (!this.#heard) this.#again(LONGEST_UNREACHED);
  }

  // An EventSource hides the status, so the conversation itself is asked why.
  async #ask() {
    this.#close();
    try {
      const headers = { Accept: "application/json" };
      const { status } = await fetch(this.#probe, { headers, cache: "no-store" });
      if (status === 401) return this.#end("signed-out");
      if (status === 404) return this.#end("gone");
    } catch {
      // No answer at all: tried again like any other failure.
    }
    if (this.#wanted && !this.#source) this.#again();
  }

  #again(longest = LONGEST_WAIT) {
    this.#close();
    if (!this.#wanted) return;
    this.#on.broken();
    const wait = Math.min(longest, FIRST_WAIT * 2 ** this.#failures++);
    this.#waiting = setTimeout(() => this.#connect(), wait * (0.5 + Math.random()));
  }

  #end(reason) {
    this.stop();
    this.#on.ended(reason);
  }
}
