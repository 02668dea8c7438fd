// A JSON object as it is written, field by field, by the rules of streams/exact_json.py.

// The names and values in order: [[name, text]]; null where the text is no JSON object.
export function fieldsOf(text) {
  try {
    const read = JSON.parse(text);
    if (read === null || typeof read !== "object" || Array.isArray(read)) return null;
  } catch {
    return null;
  }
  const inside = text.trim().slice(1, -1);
  return split(inside, ",").filter((part) => part.trim()).map(readField);
}

function readField(part) {
  const [name, ...rest] = split(part, ":");
  return [plain(name), plain(rest.join(":"))];
}

function plain(written) {
  const text = written.trim();
  return text.startsWith('"') ? JSON.parse(text) : text;
}

function split(text, mark) {
  const parts = [];
  let [depth, quoted, escaped, start] = [0, false, false, 0];
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (quoted) {
      quoted = escaped || character !== '"';
      escaped = character === "\\" && !escaped;
    } else if (character === '"') quoted = true;
    else if ("[{".includes(character)) depth += 1;
    else if ("]}".includes(character)) depth -= 1;
    else if (character === mark && depth === 0) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, text.slice(start)];
}
