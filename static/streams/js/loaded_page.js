// What another address of ours, or of the site's page around us, would show: its document, or null
// where it shows something else. Throws where nothing comes.

export async function loadPage(url) {
  const answer = await fetch(url, { headers: { Accept: "text/html" }, credentials: "same-origin" });
  if (!answer.ok || answer.redirected) return null;
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}
