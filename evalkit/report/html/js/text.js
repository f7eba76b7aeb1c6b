// Elements out of hostile text. Nothing here or elsewhere parses HTML: text only ever becomes text.

/** Characters without a shape of their own: controls, bidi marks, lone surrogates; not newline and tab. */
const UNSEEN = /(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

const LONGEST_SHOWN = 2000;

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** `\x1b`, `\u202e`: as Python writes them. */
function escaped(character) {
  const code = character.codePointAt(0);
  const [letter, digits] = code < 0x100 ? ["x", 2] : code < 0x10000 ? ["u", 4] : ["U", 8];
  return character === "\r" ? "\\r" : `\\${letter}${code.toString(16).padStart(digits, "0")}`;
}

/** The text with what cannot be seen written out and marked. */
function visible(text) {
  const parts = document.createDocumentFragment();
  let end = 0;
  for (const match of text.matchAll(UNSEEN)) {
    parts.append(text.slice(end, match.index), element("span", { class: "esc" }, escaped(match[0])));
    end = match.index + match[0].length;
  }
  parts.append(text.slice(end));
  return parts;
}

/** The same as a string, for places that hold no elements; on one line. */
function plainly(text) {
  return text.replace(UNSEEN, escaped).replace(/\s+/g, " ");
}

/** A block of text; of a long one the beginning, and the rest on demand. */
function block(text, attributes = {}) {
  const made = element("div", { ...attributes, class: `text ${attributes.class ?? ""}`, dir: "auto" });
  if (text.length <= LONGEST_SHOWN) {
    made.append(visible(text));
    return made;
  }
  const all = element("button", { type: "button", class: "more", onclick: () => made.replaceChildren(visible(text)) },
    `Show all ${text.length.toLocaleString("en")} characters`);
  made.append(visible(text.slice(0, LONGEST_SHOWN)), "… ", all);
  return made;
}
