// What panels are made of: tables, states, hints.

import { el, keyed, plain, put, say } from "./dom.js";

const BOX_STATES = {
  idle: ["○", "queued"],
  busy: ["▶", "running"],
  starting: ["…", "retrying"],
  prewarmed: ["◌", "queued"],
  stopping: ["■", "cancelled"],
  dead: ["✗", "failed"],
  active: ["✓", "done"],
  paused: ["‖", "retrying"],
  failing: ["✗", "failed"],
  missing: ["?", "failed"],
  accepted: ["→", "running"],
  done: ["✓", "done"],
  retrying: ["↻", "retrying"],
  refused: ["⊘", "failed"],
  duplicate: ["≡", "queued"],
  unmatched: ["·", "queued"],
};

/** A state of sandboxes, triggers or events: glyph and word. */
export function mark(name, word = name) {
  const [glyph, colour] = BOX_STATES[name] ?? ["?", "unknown"];
  return el(
    "span",
    { class: `nbf-state nbf-is-${colour}` },
    el("span", { class: "nbf-glyph", "aria-hidden": "true" }, glyph),
    ` ${plain(word)}`,
  );
}

/** Text that is cut short where there is no room; all of it is its title. */
export function cut(text, attributes = {}) {
  const shown = plain(text);
  return el(
    "span",
    { ...attributes, class: `nbf-cut ${attributes.class ?? ""}`, title: shown },
    shown,
  );
}

export function hint(...parts) {
  return el("p", { class: "nbfd-hint nbf-faint" }, parts);
}

/** A table whose rows are kept by key, so that focus stays where it is.
 *  columns: [{head, number, wide (2: widest), cell(row) → node or text}]. Cells are drawn again only
 *  if `row` changed. */
export function grid(caption, columns, key) {
  const body = el("tbody");
  const node = el(
    "table",
    { class: "nbfd-table" },
    el("caption", { class: "nbf-hidden" }, caption),
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        columns.map((column) =>
          el("th", { scope: "col", class: column.number && "nbf-number" }, column.head),
        ),
      ),
    ),
    body,
  );
  const fresh = (line, row) => {
    const state = JSON.stringify(row);
    if (line._state === state) return;
    line._state = state;
    columns.forEach((column, i) => {
      const made = column.cell(row);
      if (typeof made === "string") say(line.cells[i], made);
      else if (!made.isEqualNode?.(line.cells[i].firstChild)) put(line.cells[i], made);
    });
  };
  const make = () =>
    el(
      "tr",
      {},
      columns.map((column) =>
        el("td", {
          class:
            [
              column.number && "nbf-number",
              column.wide && "nbfd-wide",
              column.wide === 2 && "nbfd-widest",
            ]
              .filter(Boolean)
              .join(" ") || null,
        }),
      ),
    );
  return { node, draw: (rows) => keyed(body, rows, key, make, fresh) };
}

export function shown(node, whether) {
  node.hidden = !whether;
}

/** A table that may be wider than there is room for. One that may be longer as well has a `label`,
 *  since it is reached and scrolled by keys. */
export function scrolled(node, label = null) {
  const long = { class: "nbfd-scrolled nbfd-tall", role: "region", "aria-label": label, tabindex: 0 };
  return el("div", label ? long : { class: "nbfd-scrolled" }, node);
}
