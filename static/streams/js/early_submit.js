// An Enter or a click that comes before the modules waits for them. No module itself, since those
// run when the page is complete; should they not come at all, the form is sent as without
// JavaScript.
{
  let early = null;

  const hold = (event) => {
    if (!event.target.closest(".streams")) return;
    event.preventDefault();
    early = event;
  };

  document.addEventListener("submit", hold);
  document.addEventListener("DOMContentLoaded", () => {
    document.removeEventListener("submit", hold);
    early?.target.requestSubmit(early.submitter);
  });
}
