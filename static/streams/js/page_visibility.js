// A hidden page gives its connection up, since a browser has six for a site over HTTP/1.1 and
// keeps none that is open in its back-forward cache, and goes on when it is shown again: after
// another tab, a sleep, or out of that cache.

const TICK = 1000;
const ASLEEP = 5000; // a clock that jumps so far stood still meanwhile

// `woken` hears of a sleep that nothing but the clock tells: a closed lid, a frozen process.
export function whileVisible(show, hide, woken) {
  let last = Date.now();
  const visible = () => document.visibilityState === "visible";
  const turned = () => {
    last = Date.now();
    visible() ? show() : hide();
  };
  document.addEventListener("visibilitychange", turned);
  addEventListener("pageshow", turned);
  addEventListener("pagehide", hide);
  setInterval(() => {
    const slept = Date.now() - last > ASLEEP;
    last = Date.now();
    if (slept && visible()) woken();
  }, TICK);
  turned();
}
