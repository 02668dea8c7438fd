// The line between a conversation on the page and the server, while somebody looks at it: what
// has happened comes in, and that this device is here and has read so far goes out.

import { runAddress } from "./run_address.js";
import { EventStream } from "./event_stream.js";
import { whileVisible } from "./page_visibility.js";
import { Presence } from "./presence.js";
import { ReadMark } from "./read_mark.js";
import { request } from "./requests.js";
import { StallNotice } from "./stall_notice.js";

const WORTH_A_MARK = ["message.created", "run.completed", "run.failed", "run.cancelled"];

export class LiveConnection {
  #main;
  #note;
  #stream;
  #presence;
  #mark;
  #stall;
  #over = false; // the conversation has gone, or the person
  #on;

  // `asides` asks for more of what is said beside the log.
  constructor(main, note, asides) {
    const { url, events, read, head, presence, beat } = main.dataset;
    this.#main = main;
    this.#note = note;
    this.#stream = new EventStream({ url: events, probe: url, after: Number(head), asides });
    this.#presence = new Presence(presence, Number(beat));
    this.#mark = new ReadMark(read, Number(head));
    this.#stall = new StallNotice(main);
  }

  // `on` hears event(it), live(), restart(), reload(), ended(reason), feed(frame),
  // presence(frame), and is asked front(), the open answer, and atEnd().
  wire(on) {
    this.#on = on;
    this.#stall.wire({ silent: () => this.#silent() });
    this.#stream.wire({
      event: (it) => this.#event(it),
      live: () => this.#live(),
      broken: () => this.#broken(),
      restart: () => on.restart(),
      reload: () => on.reload(),
      ended: (reason) => this.end(reason),
      feed: (frame) => on.feed(frame),
      presence: (frame) => on.presence(frame),
    });
  }

  follow() {
    addEventListener("online", () => this.#stream.renew());
    whileVisible(() => this.#arrive(), () => this.#leave(), () => this.#stream.renew());
  }

  // The whole log once more, in the place of what stands here.
  replay() {
    this.#stream.replay();
  }

  // The page is that of another moment now.
  resume(seq) {
    this.#stream.resume(seq);
  }

  typed(something) {
    this.#presence.typed(something);
  }

  // All there is has been seen.
  read() {
    this.#mark.reached(this.#stream.cursor, true);
  }

  end(reason) {
    this.#over = true;
    this.#stream.stop();
    this.#stall.stop();
    this.#presence.stop();
    this.#on.ended(reason);
  }

  #arrive() {
    if (this.#over) return;
    this.#stream.start();
    this.#presence.start();
  }

  #leave() {
    this.#stream.stop();
    this.#stall.stop();
    this.#presence.stop();
    this.#mark.tell();
  }

  #event(it) {
    if (it.type.startsWith("block.") || it.type === "run.started") this.#stall.start();
    this.#on.event(it);
    if (this.#on.atEnd()) this.#mark.reached(this.#stream.cursor, WORTH_A_MARK.includes(it.type));
  }

  #live() {
    this.#main.dataset.connection = "live";
    this.#note.live();
    this.#stall.start();
    this.#on.live();
  }

  #broken() {
    this.#main.dataset.connection = "broken";
    this.#note.broken();
    this.#stall.stop();
  }

  // The stream only tells what has happened; why nothing does, the run itself knows.
  async #silent() {
    const front = this.#on.front();
    if (!front) return;
    const { worker } = await request("GET", runAddress(front.run, "")).catch(() => ({}));
    if (worker) front.waitFor(worker); // or the next look asks again
  }
}
