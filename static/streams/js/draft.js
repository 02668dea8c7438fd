// What has been written and not sent: kept on this device, for one person and one place.

export class Draft {
  #key;

  constructor(user, place) {
    this.#key = `streams:draft:${user}:${place}`;
  }

  read() {
    return stored(() => localStorage.getItem(this.#key)) ?? "";
  }

  write(text) {
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
