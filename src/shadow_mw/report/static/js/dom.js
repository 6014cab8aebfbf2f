// Elements are made here, and their text is only ever set as text: outputs of models are untrusted.

function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value == null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter(child => child != null && child !== false));
  return element;
}

const at = id => document.getElementById(id);

// Characters that change how others are shown, or show nothing, as what they are.
const UNSEEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e01ef}]|\p{Cs}/gu;

function visible(text) {
  return String(text).replace(UNSEEN, char => `\\u{${char.codePointAt(0).toString(16)}}`);
}

// What this browser is to remember; storage may be forbidden to a file.
function stored(name, value) {
  try {
    if (value !== undefined) localStorage.setItem(`shadow-mw-${name}`, value);
    return localStorage.getItem(`shadow-mw-${name}`) ?? "";
  } catch {
    return value ?? "";
  }
}

const LONGEST_SHOWN = 4000;

// A text of any length: what is long is there on demand.
function longText(tag, text, props) {
  const shown = visible(text.length > LONGEST_SHOWN ? text.slice(0, LONGEST_SHOWN) : text);
  const box = h(tag, props, shown);
  const rest = text.length - LONGEST_SHOWN;
  if (rest <= 0) return box;
  const more = h("button", { type: "button", class: "more", onclick: () => {
    box.textContent = visible(text);
  } }, `show ${count(rest)} more characters`);
  box.append(" … ", more);
  return box;
}

const ICONS = { pass: "✓", fail: "✕", unproven: "?", ok: "✓", regressed: "✕", insufficient: "?" };

// A state in words, with a sign: never by its colour alone.
function stateTag(state, text) {
  return h("span", { class: `state ${state}` },
    h("span", { class: "icon", "aria-hidden": "true" }, ICONS[state] ?? "•"), " ", text ?? state);
}

// Where all of a table is seen, there is nothing to scroll, and no stop for the Tab key.
const ROOM = new ResizeObserver(found => found.forEach(({ target }) => {
  const box = target.closest(".scroll");
  box.tabIndex = box.scrollWidth > box.clientWidth ? 0 : -1;
}));

// columns: [title, cell(row), {class, scope}]; a cell is text or an element.
function table(caption, columns, rows, props) {
  const head = h("tr", null, columns.map(([title, , more]) =>
    h("th", { scope: "col", class: more?.class, title: more?.hint }, title)));
  const body = rows.map(row => h("tr", row.props ?? null, columns.map(([title, cell, more]) => {
    const label = typeof title === "string" ? title : title.textContent;
    return more?.scope === "row"
      ? h("th", { scope: "row", class: more.class, "data-label": label }, cell(row))
      : valueOf(cell(row), more?.class, label);
  })));
  const made = h("table", props, h("caption", { class: "unseen" }, caption),
    h("thead", null, head), h("tbody", null, body));
  const box = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, made);
  ROOM.observe(box);
  ROOM.observe(made);
  return box;
}

function valueOf(value, kind, label) {
  const none = value === NOTHING;
  return h("td", { class: [kind, none && "none"].filter(Boolean).join(" ") || null, "data-label": label }, value);
}

function section(id, title, ...children) {
  return h("section", { id, tabindex: "-1", "aria-labelledby": `${id}-title` },
    h("h2", { id: `${id}-title` }, title), ...children);
}

function note(...children) {
  return h("p", { class: "note" }, ...children);
}

// What is open stays open when its section is drawn anew.
function fold(key, title, ...children) {
  return h("details", { "data-key": key }, h("summary", null, title), ...children);
}
