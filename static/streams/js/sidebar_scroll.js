// Where the list stands, the same from one page to the next. No module, and right behind the
// list, so that it stands there before it is first painted.
{
  const shelf = document.getElementById("streams-shelf");
  const list = shelf.querySelector(".shelf-list");
  const before = Number(sessionStorage.getItem("streams:top"));
  let top = before;

  // The line of this page is in view, wherever the list stood.
  const stand = () => {
    list.scrollTop = top;
    const here = list.querySelector("li [aria-current]")?.getBoundingClientRect();
    const seen = list.getBoundingClientRect();
    if (!here || (here.top >= seen.top && here.bottom <= seen.bottom)) return;
    list.scrollTop += here.top - seen.top - seen.height / 2;
  };

  stand();
  shelf.addEventListener("toggle", ({ newState }) => newState === "open" && stand());
  // As many lines are there again as there were.
  shelf.addEventListener("older", () => {
    top = before;
    stand();
  });
  list.addEventListener("scroll", () => (top = list.scrollTop), { passive: true });
  addEventListener("pagehide", () => sessionStorage.setItem("streams:top", String(top)));
}
