// Shows what a push tells. It answers no request and keeps nothing.
const WORDS = {{ words|safe }};
const PLACE = "{% filter escapejs %}{% url 'streams:conversation' somewhere %}{% endfilter %}";

addEventListener("install", () => skipWaiting());

addEventListener("push", (event) => {
  const { id, run, title, status, conversation } = event.data.json();
  const url = PLACE.replace("{{ somewhere }}", conversation);
  const shown = registration.showNotification(title || WORDS.unnamed, {
    body: WORDS[status] ?? "",
    tag: run, // a repeat, and what comes after it, stands in its place
    data: { id, url },
  });
  event.waitUntil(shown);
});

addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data.url));
});

async function open(url) {
  const windows = await clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = windows.find((each) => new URL(each.url).pathname === url);
  return there ? there.focus() : clients.openWindow(url);
}
