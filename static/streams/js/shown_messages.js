// Finds the messages that are on the page.

export class ShownMessages {
  #transcript;

  constructor(transcript) {
    this.#transcript = transcript;
  }

  get first() {
    return this.#transcript.firstElementChild;
  }

  get last() {
    return this.#transcript.lastElementChild;
  }

  // Whether nothing is before the first one.
  get whole() {
    return !this.#transcript.closest(".conversation")?.querySelector("#streams-earlier");
  }

  has(message) {
    return this.find(message) !== null;
  }

  find(message) {
    return this.#transcript.querySelector(`[data-message="${message}"]`);
  }

  // The prompt that was sent from here under this key.
  hasPrompt(key) {
    return this.#transcript.querySelector(`[data-client-key="${CSS.escape(key)}"]`) !== null;
  }

  // The answer to a prompt, if one is shown.
  answerTo(prompt) {
    return this.#transcript.querySelector(`:scope > .answer[data-prompt="${prompt}"]`);
  }
}
