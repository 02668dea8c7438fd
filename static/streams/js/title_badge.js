// The page's name, with how many conversations need the person before it: "(1) Refunds · chatstream".

const BADGE = /^\(\d+\) /;

export function nameThePage(name) {
  const badge = document.title.match(BADGE)?.[0] ?? "";
  document.title = `${badge}${name}`;
}

// On the icon too, where the page is installed.
export function showHowManyWait(count) {
  const name = document.title.replace(BADGE, "");
  const title = count ? `(${count}) ${name}` : name;
  if (document.title !== title) document.title = title;
  if (count) navigator.setAppBadge?.(count).catch(() => {});
  else navigator.clearAppBadge?.().catch(() => {});
}
