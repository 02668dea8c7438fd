// Sends one file and tells how far it has come, which fetch cannot.

import { Refused, renewToken, token, TOKEN } from "./requests.js";

// Resolves with the server's words of the file. Throws Refused, and another error when the network
// fails; `abort()` of what is returned ends it.
export function upload(url, file, progressed) {
  const request = new XMLHttpRequest();
  const done = new Promise((resolve, reject) => {
    request.upload.addEventListener("progress", ({ loaded, total }) => progressed(loaded / total));
    request.addEventListener("load", () => settle(request, resolve, reject));
    for (const type of ["error", "abort", "timeout"]) {
      request.addEventListener(type, () => reject(new Error(type)));
    }
  });
  const place = new URL(url, location.href);
  place.searchParams.set("name", file.name || "");
  request.open("POST", place);
  request.setRequestHeader("Accept", "application/json");
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.setRequestHeader(TOKEN, token());
  request.send(file);
  return { done, abort: () => request.abort() };
}

function settle(request, resolve, reject) {
  const answer = parsed(request.responseText);
  if (request.status === 201 && answer) return resolve(answer);
  renewToken(request.getResponseHeader(TOKEN));
  reject(new Refused(request.status, answer?.error));
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
