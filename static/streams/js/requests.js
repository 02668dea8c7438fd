// Requests to our own server, as JSON; every refusal becomes a Refused with the server's words.

import { gettext } from "./gettext.js";

const PATIENCE = 20_000; // a network that swallows requests says nothing
export const AGAIN = 5000;
export const TOKEN = "X-CSRFToken";

export class Refused extends Error {
  constructor(status, { code = "error", message = "" } = {}) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

// What stands between us says in the server's place: a network's own sign-in page, with a 200.
export class Strange extends Error {
  constructor() {
    super(
      gettext("Something else answers in the server's place. Reload the page to see what it is."),
    );
  }
}

// Throws Refused for an answer that is not 2xx, Strange for one that is not ours, and another
// error when none came, or one that is not whole: a body that was cut.
export async function request(method, url, body, options = {}) {
  try {
    return await asked(method, url, body, options);
  } catch (error) {
    if (error.code !== "csrf") throw error;
    return asked(method, url, body, options); // the refusal has brought a token
  }
}

async function asked(method, url, body, options) {
  const response = await fetch(url, {
    method,
    cache: "no-store",
    headers: {
      Accept: "application/json",
      "Content-Type": "application/json",
      [TOKEN]: token(),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
    ...options,
  });
  if (!response.ok) {
    renewToken(response.headers.get(TOKEN));
    const { error } = await response.json().catch(() => ({}));
    throw new Refused(response.status, error);
  }
  if (response.status === 204) return {};
  if (!response.headers.get("Content-Type")?.startsWith("application/json")) throw new Strange();
  return response.json();
}

// Why something was not done, in words for a person.
export function wordsOf(error) {
  const known = error instanceof Refused || error instanceof Strange;
  return (known && error.message) || gettext("That didn't get through. Try again.");
}

// What carries a key, so that sending it again after AGAIN is safe.
export function deliver(url, body) {
  return request("POST", url, body, { signal: AbortSignal.timeout(PATIENCE) });
}

// As the page's forms have it: the site may keep its own where no script can look.
export function token() {
  return tokenFields()[0]?.value ?? "";
}

export function renewToken(renewed) {
  if (!renewed) return;
  for (const field of tokenFields()) field.value = renewed;
}

function tokenFields() {
  return document.getElementsByName("csrfmiddlewaretoken");
}

// A new name for a prompt; browsers offer randomUUID on secure origins alone.
export function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
