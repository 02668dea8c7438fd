// What keys mean to an input method and to the message field, for all pages. It runs before
// any module, so later listeners hear of no key that an input method uses.
{
  // Safari reports the Enter that ends a composition as one outside of it, with this number alone.
  const COMPOSING = 229;
  const onScreen = matchMedia("(pointer: coarse)"); // its Enter makes a line; the button sends

  const ours = (event) => {
    const { target, key, shiftKey, defaultPrevented } = event;
    return target.id === "streams-message" && key === "Enter" && !shiftKey && !defaultPrevented;
  };

  addEventListener("keydown", (event) => {
    if (!event.target.closest?.(".streams")) return;
    if (event.isComposing || event.keyCode === COMPOSING) event.stopImmediatePropagation();
  }, true);

  document.addEventListener("keydown", (event) => {
    if (!ours(event) || onScreen.matches) return;
    event.preventDefault();
    const { value, form } = event.target;
    if (value.trim() || form.querySelector(".chip")) form.requestSubmit();
  });
}
