// Whether this device is told of answers that end or wait while nobody looks: the browser's own
// subscription, and the server's copy of it.

import { gettext } from "./gettext.js";
import { request, wordsOf } from "./requests.js";

export class PushSubscriptionBox {
  #form;
  #box;
  #wrong;

  constructor(form) {
    this.#form = form;
    this.#box = form.elements.told;
    this.#wrong = form.querySelector(".refused");
    if (!("PushManager" in window) || !("serviceWorker" in navigator)) return;
    this.#box.addEventListener("change", () => this.#changed());
    this.#show();
  }

  // The form appears once its state is known: an earlier click would be undone by it.
  async #show() {
    const { subscribed } = await request("GET", this.#form.dataset.url).catch(() => ({}));
    const here = await this.#registration()
      .then((it) => it?.pushManager.getSubscription())
      .catch(() => null);
    this.#box.checked = Boolean(subscribed && here);
    this.#form.hidden = false;
  }

  async #changed() {
    this.#wrong.hidden = true;
    this.#box.disabled = true;
    const wanted = this.#box.checked;
    try {
      await (wanted ? this.#subscribe() : this.#unsubscribe());
    } catch (error) {
      this.#box.checked = !wanted;
      this.#wrong.textContent =
        Notification.permission === "denied"
          ? gettext("Your browser does not let this site tell you anything. Allow it in its settings.")
          : wordsOf(error);
      this.#wrong.hidden = false;
    } finally {
      this.#box.disabled = false;
    }
  }

  async #subscribe() {
    await Notification.requestPermission();
    await navigator.serviceWorker.register(this.#form.dataset.script);
    const registration = await this.#active();
    await registration.pushManager.getSubscription().then((old) => old?.unsubscribe());
    const made = await registration.pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: this.#form.dataset.key,
    });
    const { endpoint, keys } = made.toJSON();
    const { p256dh, auth } = keys;
    await request("PUT", this.#form.dataset.url, { endpoint, p256dh, auth });
  }

  async #unsubscribe() {
    await request("DELETE", this.#form.dataset.url);
    const registration = await this.#registration();
    await registration?.pushManager.getSubscription().then((old) => old?.unsubscribe());
  }

  #registration() {
    return navigator.serviceWorker.getRegistration(this.#form.dataset.script);
  }

  // A subscription needs a worker that has been activated, which `ready` waits for only where it
  // controls this page.
  async #active() {
    const registration = await this.#registration();
    const coming = registration.installing ?? registration.waiting;
    if (!registration.active && coming) {
      await new Promise((done) => {
        coming.addEventListener("statechange", () => coming.state === "activated" && done());
      });
    }
    return registration;
  }
}
