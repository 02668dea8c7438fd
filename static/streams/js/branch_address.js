// The page's address, by which one of its conversation's branches is shown.

export function inBranch() {
  return new URLSearchParams(location.search).has("branch");
}

// With the branch that holds a message.
export function branchAddress(message) {
  const url = new URL(location.href);
  for (const name of ["before_seq", "since"]) url.searchParams.delete(name);
  url.searchParams.set("branch", message);
  url.hash = `m-${message}`;
  return url;
}

// Loads the branch that holds a message, as far as it goes.
export function showBranch(message) {
  const place = branchAddress(message);
  place.hash = "streams-newest";
  location.assign(place);
}

// Loaded again, the page shows the branch that ends with this message, as it does now.
export function stayInBranch(message) {
  const place = branchAddress(message);
  place.hash = "";
  history.replaceState(history.state, "", place);
}
