// What all widgets share to make elements. Text that came from functions or events only ever becomes
// text nodes and attributes: there is no way from here to markup.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element. Attributes: null, undefined and false are left out, true is empty, functions
 *  listen (`onclick`), `style` is an object, `dataset` too. Children: nodes, text, nested lists. */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) attribute(node, name, value);
  append(node, children);
  return node;
}

/** Set or remove one attribute, by the rules of `el`. */
export function attribute(node, name, value) {
  if (typeof value === "function") {
    node.addEventListener(name.replace(/^on/, ""), value);
  } else if (name.startsWith("on")) {
    throw new TypeError(`${name} must be a function`);
  } else if (name === "dataset") {
    Object.assign(node.dataset, value);
  } else if (name === "style") {
    for (const [property, each] of Object.entries(value)) node.style.setProperty(property, each);
  } else if (value === null || value === undefined || value === false) {
    node.removeAttribute(name);
  } else {
    const text = value === true ? "" : String(value);
    if (node.getAttribute(name) !== text) node.setAttribute(name, text);
    if (name === "value" && "value" in node && node.value !== text) node.value = text;
  }
}

function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
}

/** Replace what is in `node`. */
export function put(node, ...children) {
  node.replaceChildren();
  append(node, children);
  return node;
}

/** Set a node's text, if it has changed (so that nothing is announced or selected anew). */
export function say(node, text) {
  const wanted = String(text ?? "");
  if (node.textContent !== wanted) node.textContent = wanted;
  return node;
}

/** Make the children of `node` those of `items`, keeping elements whose key is the same.
 *  `make(item)` gives an element, `update(element, item)` brings it up to date. */
export function keyed(node, items, key, make, update) {
  const known = (node._keyed ??= new Map());
  const present = new Set();
  let next = node.firstChild;
  for (const item of items) {
    const name = String(key(item));
    present.add(name);
    let child = known.get(name);
    if (!child) known.set(name, (child = make(item)));
    update?.(child, item);
    if (child === next) next = next.nextSibling;
    else node.insertBefore(child, next);
  }
  for (const [name, child] of known) {
    if (present.has(name)) continue;
    child.remove();
    known.delete(name);
  }
}

// -- text with escape sequences

const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;
const ESCAPES = /\x1b\[([0-9;]*)m|\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)/g;
const NAMES = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

/** Text with control characters made visible. */
export function plain(text) {
  return String(text ?? "").replaceAll("\r\n", "\n").replace(CONTROLS, (found) => {
    const code = found.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code.padStart(2, "0")}`;
  });
}

/** A terminal's output as spans: colours and bold are kept, all other sequences dropped, and of a
 *  line that was written over with carriage returns what was written last. */
export function ansi(text) {
  const lines = String(text ?? "").replaceAll("\r\n", "\n").split("\n");
  const source = lines.map((line) => line.replace(/\r+$/, "").replace(/^.*\r/, "")).join("\n");
  const parts = document.createDocumentFragment();
  let style = { bold: false, colour: null };
  let from = 0;
  const add = (piece) => {
    if (!piece) return;
    const names = [style.bold && "nbf-bold", style.colour && `nbf-${style.colour}`].filter(Boolean);
    parts.append(names.length ? el("span", { class: names.join(" ") }, plain(piece)) : plain(piece));
  };
  for (const found of source.matchAll(ESCAPES)) {
    add(source.slice(from, found.index));
    from = found.index + found[0].length;
    if (found[1] !== undefined) style = styled(style, found[1]);
  }
  add(source.slice(from));
  return parts;
}

function styled(style, codes) {
  let { bold, colour } = style;
  const numbers = codes.split(";").map(Number);
  for (let at = 0; at < numbers.length; at++) {
    const code = numbers[at];
    if (code === 0) [bold, colour] = [false, null];
    else if (code === 1) bold = true;
    else if (code === 22) bold = false;
    else if (code === 39) colour = null;
    else if (code >= 30 && code <= 37) colour = NAMES[code - 30];
    else if (code >= 90 && code <= 97) colour = NAMES[code - 90];
    else if (code === 38 || code === 48) at += numbers[at + 1] === 5 ? 2 : 4; // of a large palette
  }
  return { bold, colour };
}

// -- numbers and times

/** `12,345`, `4.2`, `0.031`. */
export function number(value) {
  if (!Number.isFinite(value)) return "–";
  const digits = Math.abs(value) >= 10 || Number.isInteger(value) ? 0 : Math.abs(value) >= 1 ? 1 : 3;
  return value.toLocaleString("en", { maximumFractionDigits: digits });
}

/** `85 µs`, `12 ms`, `3.4 s`, `2 min 5 s`, `1 h 2 min`. */
export function seconds(value) {
  if (!Number.isFinite(value)) return "–";
  if (value < 0.001) return `${Math.round(value * 1e6)} µs`;
  if (value < 1) return `${Math.round(value * 1e3)} ms`;
  if (value < 60) return `${value.toFixed(1)} s`;
  const whole = Math.round(value);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** `512 MB`, `1.5 GB`, in powers of 1024. */
export function bytes(value) {
  if (!Number.isFinite(value)) return "–";
  let amount = value;
  for (const unit of ["B", "KB", "MB", "GB"]) {
    if (amount < 1024) return `${amount % 1 < 0.05 ? amount.toFixed(0) : amount.toFixed(1)} ${unit}`;
    amount /= 1024;
  }
  return `${amount.toFixed(1)} TB`;
}

/** Seconds since the epoch as a time of this day: `14:03:09`. */
export function clock(value) {
  return new Date(value * 1000).toLocaleTimeString("en-GB");
}

// -- states, told by a glyph and a word as well as by colour

export const STATES = {
  queued: { glyph: "·", word: "queued" },
  running: { glyph: "▶", word: "running" },
  retrying: { glyph: "↻", word: "retrying" },
  done: { glyph: "✓", word: "done" },
  failed: { glyph: "✗", word: "failed" },
  timed_out: { glyph: "◔", word: "timed out" },
  cancelled: { glyph: "■", word: "cancelled" },
};

/** A state as an element; `name` is one of `STATES`. */
export function state(name) {
  const known = STATES[name] ?? { glyph: "?", word: plain(name) };
  return el("span", { class: `nbf-state nbf-is-${name in STATES ? name : "unknown"}` },
    el("span", { class: "nbf-glyph", "aria-hidden": "true" }, known.glyph), ` ${known.word}`);
}

// -- keyboard

/** One of the children that match `selector` takes part in tabbing; arrows, Home and End go from one
 *  to the next. `columns()` makes up and down go by rows. Call `sync` when children have changed. */
export function roving(node, selector, columns = () => 1) {
  const all = () => [...node.querySelectorAll(selector)];
  const sync = () => {
    const items = all();
    const current = items.find((item) => item.tabIndex === 0) ?? items[0];
    for (const item of items) item.tabIndex = item === current ? 0 : -1;
  };
  const go = (items, index) => {
    const item = items[Math.max(0, Math.min(items.length - 1, index))];
    for (const each of items) each.tabIndex = each === item ? 0 : -1;
    item?.focus();
  };
  node.addEventListener("keydown", (event) => {
    const items = all();
    const at = items.indexOf(event.target.closest(selector));
    const row = Math.max(1, columns());
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: row, ArrowUp: -row };
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in steps) go(items, at + steps[event.key]);
    else if (event.key === "Home") go(items, 0);
    else if (event.key === "End") go(items, items.length - 1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  node.addEventListener("focusin", (event) => {
    const item = event.target.closest(selector);
    if (item) for (const each of all()) each.tabIndex = each === item ? 0 : -1;
  });
  sync();
  return { sync };
}

/** A button with a name. */
export function button(label, onclick, attributes = {}) {
  return el("button", { type: "button", class: "nbf-button", onclick, ...attributes }, label);
}
