// What a page says, in the reader's language: English is the source, and the page brings what the
// others have for it (streams/views/script_translations.py). The names are those that `makemessages` looks for.

export const { language, catalog, plurals, endings, unknown, unfinished, models, tools } = JSON.parse(
  document.getElementById("streams-words").textContent,
);

// Fills in `%(name)s` from `values`.
export function gettext(text, values = {}) {
  return filled(catalog[text] ?? text, values);
}

// As many as `count` says.
export function ngettext(one, many, count) {
  const form = plurals[count < 100 ? count : 100 + (count % 100)];
  const text = catalog[one]?.[form] ?? (count === 1 ? one : many);
  return filled(text, { count });
}

// Who answers, as people read it, for a `provider:model` name.
export function modelWords(name) {
  return models[name] ?? name.slice(name.indexOf(":") + 1);
}

// For dates: the reader's own way to write them, where that is in the language of the page.
export const locale = navigator.language.startsWith(language) ? navigator.language : language;

function filled(text, values) {
  return text.replace(/%\((\w+)\)[sd]/g, (all, name) => values[name] ?? all);
}
