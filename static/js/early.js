// An Enter that comes before the modules waits for them. No module itself, since those run when
// the page is complete; should they not come at all, the form is sent as without JavaScript.
{
  let early = null;

  const keep = (event) => {
    const { target, key, shiftKey, isComposing, defaultPrevented } = event;
    if (target.id !== "message" || key !== "Enter" || shiftKey || isComposing) return;
    if (defaultPrevented) return; // a module was here
    event.preventDefault();
    early = target;
  };

  document.addEventListener("keydown", keep);
  document.addEventListener("DOMContentLoaded", () => {
    document.removeEventListener("keydown", keep);
    if (early?.value.trim()) early.form.requestSubmit();
  });
}
