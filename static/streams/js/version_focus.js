// The focus of a reader who steps through a message's versions by keys, where each is a page of its own.

const STEP = "streams:step";

export function keepVersionSteps() {
  document.addEventListener("click", ({ target, defaultPrevented }) => {
    const step = target.closest(".siblings a[href]");
    if (step && !defaultPrevented) sessionStorage.setItem(STEP, step.rel);
  });
}

// Returns whether the focus is taken.
export function takeVersionStep() {
  const rel = sessionStorage.getItem(STEP);
  sessionStorage.removeItem(STEP);
  if (!rel || !location.hash.startsWith("#m-")) return false;
  const nav = document.getElementById(location.hash.slice(1))?.querySelector(":scope > .siblings");
  const link = nav?.querySelector(`a[href][rel=${rel}]`) ?? nav?.querySelector("a[href]");
  // Chromium takes the focus away when it has scrolled to the address's message.
  addEventListener("load", () => setTimeout(() => link?.focus({ preventScroll: true })));
  return Boolean(link);
}
