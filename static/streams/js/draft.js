// Keeps an unsent text on this device, for one person and one place.

const LONG = 10_000; // characters
const PAUSE = 400; // ms

export class Draft {
  #key;
  #timer = 0;
  #waiting = null;

  constructor(user, place) {
    this.#key = `streams:draft:${user}:${place}`;
    addEventListener("pagehide", () => this.#keep());
  }

  read() {
    return stored(() => localStorage.getItem(this.#key)) ?? "";
  }

  // So much text is not written at every key.
  write(text) {
    clearTimeout(this.#timer);
    this.#waiting = text;
    if (text.length < LONG) this.#keep();
    else this.#timer = setTimeout(() => this.#keep(), PAUSE);
  }

  #keep() {
    const text = this.#waiting;
    if (text === null) return;
    this.#waiting = null;
    stored(() => text ? localStorage.setItem(this.#key, text) : localStorage.removeItem(this.#key));
  }
}

// Storage may be full or forbidden; writing goes on without it.
export function stored(step) {
  try {
    return step();
  } catch {
    return null;
  }
}
