// How long a run has been at work, without the time it waited for people.

export class WorkTime {
  #before;
  #since = null;

  // `worked` are the seconds up to now, as the server knows them.
  constructor({ worked = 0 }, going) {
    this.#before = Number(worked);
    if (going) this.go();
  }

  get seconds() {
    return this.#before + (this.#since === null ? 0 : (performance.now() - this.#since) / 1000);
  }

  go() {
    this.pause();
    this.#since = performance.now();
  }

  pause() {
    this.#before = this.seconds;
    this.#since = null;
  }
}
