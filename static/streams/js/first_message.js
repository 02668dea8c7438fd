// The first message of a conversation to come: kept until the server has it.

import { stored } from "./draft.js";
import { AGAIN, deliver, newKey, Refused, Strange } from "./requests.js";

export class FirstMessage {
  #url;
  #key;
  #on;
  #given; // what is to be sent, with the key that lets it make one conversation however often
  #sending = false;
  #timer = 0;

  constructor({ user, url }) {
    this.#url = url;
    this.#key = `streams:unsent:${user}:new`;
    this.#given = JSON.parse(stored(() => localStorage.getItem(this.#key)) ?? "null");
  }

  // `on` hears: sent(url), refused(error), failed(words), signedOut(), changed().
  wire(on) {
    this.#on = on;
    addEventListener("online", () => this.flush());
  }

  get given() {
    return this.#given;
  }

  get sending() {
    return this.#sending;
  }

  send(given) {
    if (!this.#given) this.#keep({ ...given, client_key: newKey() }); // or somebody is impatient
    this.flush();
  }

  // It has become a draft again.
  withdraw() {
    clearTimeout(this.#timer);
    this.#keep(null);
  }

  async flush() {
    if (!this.#given || this.#sending) return;
    clearTimeout(this.#timer);
    this.#turn(true);
    const answer = await deliver(this.#url, this.#given).catch((error) => error);
    this.#turn(false);
    if (answer instanceof Error) return this.#failed(answer);
    this.#keep(null);
    this.#on.sent(answer.url);
  }

  #failed(error) {
    if (error.status === 401) return this.#on.signedOut();
    if (error instanceof Refused && error.status < 500) {
      this.#keep(null);
      return this.#on.refused(error);
    }
    this.#timer = setTimeout(() => this.flush(), AGAIN);
    this.#on.failed(error instanceof Strange ? error.message : "");
  }

  #turn(sending) {
    this.#sending = sending;
    this.#on.changed();
  }

  #keep(given) {
    this.#given = given;
    const text = JSON.stringify(given);
    stored(() => given ? localStorage.setItem(this.#key, text) : localStorage.removeItem(this.#key));
    this.#on.changed();
  }
}
