// A prompt that is asked anew from this page, edited or as it was: once the log has it, what stood in
// its place gives way to it, with all that followed. It stays a step away, as another branch.

export class ReplacedPrompt {
  #shown;
  #branches;
  #answers;
  #asked = null;
  #before = []; // what a new prompt is a version of, by ids

  constructor(shown, branches, answers) {
    this.#shown = shown;
    this.#branches = branches;
    this.#answers = answers;
  }

  // Whether the log has not said yet what was asked.
  get pending() {
    return this.#asked !== null;
  }

  // A prompt by its id and, if it may have been edited, the key that the new one will have; null if it
  // was refused.
  expect(asked) {
    this.#asked = asked;
  }

  // Before an event is applied; `device` is this browser's.
  hear(type, data, device) {
    const asked = this.#asked;
    if (!asked || (data.device && data.device.id !== device)) return;
    const edited = type === "message.created" && asked.key && data.client_key === asked.key;
    const again = type === "run.queued" && data.prompt === asked.prompt && !this.#answers.get(data.run);
    if (edited) this.#edited(this.#shown.find(asked.prompt));
    if (again) this.#again(data.prompt);
    if (edited || (again && !asked.key)) this.#asked = null;
  }

  // A prompt that has come to stand on the page.
  created(prompt) {
    if (this.#before.length) this.#branches.stepFrom(this.#before, prompt);
    this.#before = [];
  }

  #edited(prompt) {
    if (!prompt?.matches(".transcript > .prompt")) return;
    this.#before = this.#branches.versions(prompt);
    this.#giveWay(prompt);
  }

  // The answer itself is replaced as it is where nothing follows it.
  #again(prompt) {
    const answer = this.#shown.answerTo(prompt);
    if (!answer || this.#branches.takesAnother(prompt)) return;
    this.#branches.cut(answer);
    if (answer.nextElementSibling) this.#giveWay(answer.nextElementSibling);
  }

  #giveWay(first) {
    for (let each = first, next; each; each = next) {
      next = each.nextElementSibling;
      const answer = this.#answers.get(each.dataset.run);
      if (answer?.open) this.#branches.hide(answer);
      this.#answers.remove(each.dataset.run);
      each.remove();
    }
  }
}
