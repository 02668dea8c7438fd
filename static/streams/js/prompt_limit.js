// What a prompt may hold at most, said while it is written and not only once it is refused.

import { gettext } from "./gettext.js";

const LONG = 20_000; // characters from where a field is not sized by its text any more

// Why this text cannot be sent; nothing where it can.
export function tooLong(field) {
  const text = field.value;
  field.toggleAttribute("data-long", text.length > LONG);
  const most = Number(field.dataset.most);
  if (!most || text.length <= most) return "";
  const count = [...text].length; // as the server counts
  if (count <= most) return "";
  const said = (number) => number.toLocaleString();
  return gettext("Too long by %(over)s characters: at most %(most)s can be sent at once.", {
    over: said(count - most),
    most: said(most),
  });
}
