// A hidden page gives its connection up, since a browser has six for a site over HTTP/1.1, and
// goes on when it is shown again: after another tab, a sleep, or out of the back-forward cache.

export function whileVisible(show, hide) {
  const turned = () => (document.visibilityState === "visible" ? show() : hide());
  document.addEventListener("visibilitychange", turned);
  addEventListener("pageshow", turned);
  addEventListener("pagehide", hide);
  turned();
}
