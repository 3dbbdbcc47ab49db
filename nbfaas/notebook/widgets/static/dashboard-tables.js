// The panels that are tables: functions with their triggers, and the pool.

import { bytes, el, keyed, number, plain, put, say, seconds } from "./dom.js";

const BOX_STATES = {
  idle: ["○", "queued"], busy: ["▶", "running"], starting: ["…", "retrying"],
  prewarmed: ["◌", "queued"], stopping: ["■", "cancelled"], dead: ["✗", "failed"],
  active: ["✓", "done"], paused: ["‖", "retrying"], failing: ["✗", "failed"],
  missing: ["?", "failed"], accepted: ["→", "running"], done: ["✓", "done"],
  retrying: ["↻", "retrying"], refused: ["⊘", "failed"], duplicate: ["≡", "queued"],
  unmatched: ["·", "queued"],
};

/** A state of sandboxes, triggers or events: glyph and word. */
export function mark(name, word = name) {
  const [glyph, colour] = BOX_STATES[name] ?? ["?", "unknown"];
  return el("span", { class: `nbf-state nbf-is-${colour}` },
    el("span", { class: "nbf-glyph", "aria-hidden": "true" }, glyph), ` ${plain(word)}`);
}

/** Text that is cut short where there is no room; all of it is its title. */
export function cut(text, attributes = {}) {
  const shown = plain(text);
  return el("span", { ...attributes, class: `nbf-cut ${attributes.class ?? ""}`, title: shown }, shown);
}

export function hint(...parts) {
  return el("p", { class: "nbfd-hint nbf-faint" }, parts);
}

/** A table whose rows are kept by key, so that focus stays where it is.
 *  columns: [{head, number, cell(row) → node or text}]. Cells are drawn again only if `row` changed. */
export function grid(caption, columns, key) {
  const body = el("tbody");
  const node = el("table", { class: "nbfd-table" }, el("caption", { class: "nbf-hidden" }, caption),
    el("thead", {}, el("tr", {}, columns.map((column) =>
      el("th", { scope: "col", class: column.number && "nbf-number" }, column.head)))), body);
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
  const make = () => el("tr", {}, columns.map((column) =>
    el("td", { class: [column.number && "nbf-number", column.wide && "nbfd-wide"].filter(Boolean).join(" ") || null })));
  return { node, draw: (rows) => keyed(body, rows, key, make, fresh) };
}

function shortly(value) {
  return seconds(value ?? NaN);
}

export function functionsPanel(view) {
  const functions = grid("Functions", [
    { head: "Function", wide: true, cell: (row) => cut(row.name) },
    { head: "Version", cell: versions },
    { head: "Triggers", cell: (row) => row.triggers.length
      ? row.triggers.map((each) => el("div", { class: "nbf-cut", title: `${plain(each.name)}: ${each.kind}, ${each.state}` }, mark(each.state, each.kind)))
      : "–" },
    { head: "Calls/s", number: true, cell: (row) => number(row.rate) },
    { head: "Waiting", number: true, cell: (row) => number(row.waiting) },
    { head: "Running", number: true, cell: (row) => number(row.running) },
    { head: "Succeeded", number: true, cell: (row) => number(row.succeeded) },
    { head: "Errors", number: true, cell: (row) => row.errors ? el("strong", { class: "nbf-red" }, `✗ ${number(row.errors)}`) : "0" },
    { head: "p50", number: true, cell: (row) => shortly(row.p50) },
    { head: "p95", number: true, cell: (row) => shortly(row.p95) },
  ], (row) => row.name);
  const triggers = grid("Triggers", [
    { head: "Trigger", wide: true, cell: (row) => cut(row.name) },
    { head: "State", cell: (row) => mark(row.state) },
    { head: "Waits for", wide: true, cell: (row) => cut(row.kind ? `${row.kind}: ${row.shown}` : "–") },
    { head: "Target", wide: true, cell: (row) => cut(row.target || "–") },
    { head: "Matched", number: true, cell: (row) => number(row.matched) },
    { head: "Done", number: true, cell: (row) => number(row.done) },
    { head: "Waiting", number: true, cell: (row) => number(row.waiting) },
    { head: "Dead", number: true, cell: (row) => number(row.dead) },
    { head: "", cell: (row) => pausing(view, row) },
  ], (row) => row.name);
  const problems = el("div");
  const none = hint("No functions yet. Decorate one with ", el("code", {}, "@remote"), " and call it.");
  const noTriggers = hint("No triggers. Decorate a function with ", el("code", {}, "@on.event(…)"), " or ",
    el("code", {}, "@on.schedule(…)"), " to have events call it.");
  const faint = hint("Calls/s of the last 10 s; p50 and p95 of how long it ran, in the last minute; the rest since the dashboard was opened.");
  const heading = el("h4", {}, "Triggers");
  const node = el("div", {}, none, scrolled(functions.node), faint, heading, noTriggers, scrolled(triggers.node), problems);
  return {
    node,
    draw() {
      const [rows, waiting] = [view.get("functions"), view.get("triggers")];
      functions.draw(rows);
      triggers.draw(waiting);
      shown(none, !rows.length);
      shown(functions.node, rows.length);
      shown(faint, rows.length);
      shown(noTriggers, !waiting.length);
      shown(triggers.node, waiting.length);
      keyed(problems, waiting.filter((row) => row.problem), (row) => row.name + row.problem,
        (row) => el("div", { class: "nbfd-problem" }, mark(row.state, row.name), ": ", plain(row.problem)));
    },
  };
}

export function shown(node, whether) {
  node.hidden = !whether;
}

/** A table that may be wider than there is room for. */
export function scrolled(node) {
  return el("div", { class: "nbfd-scrolled" }, node);
}

function versions(row) {
  if (!row.versions.length) return "–";
  const more = row.versions.length > 1 ? ` (+${row.versions.length - 1})` : "";
  return el("code", { title: `latest last: ${row.versions.join(", ")}` }, row.versions.at(-1).slice(0, 7), more);
}

function pausing(view, row) {
  if (row.state === "missing") return "";
  const paused = row.state === "paused";
  return view.button(paused ? "Resume" : "Pause", paused ? "resume" : "pause", { trigger: row.name },
    { "aria-label": `${paused ? "Resume" : "Pause"} ${plain(row.name)}` });
}

export function poolPanel(view) {
  const boxes = grid("Sandboxes", [
    { head: "Sandbox", cell: (row) => el("code", { title: row.id }, row.id.slice(0, 12)) },
    { head: "State", cell: (row) => mark(row.state) },
    { head: "Function", wide: true, cell: (row) => cut(row.function || "–") },
    { head: "Image", wide: true, cell: (row) => cut(row.image) },
    { head: "In flight", number: true, cell: (row) => number(row.in_flight) },
    { head: "Answered", number: true, cell: (row) => number(row.answered) },
    { head: "CPU", cell: (row) => meter(row.used, row.cpu, (value) => `${value.toFixed(1)}`, "cores") },
    { head: "Memory", cell: (row) => meter(row.held, row.memory, bytes, "") },
    { head: "Idle", number: true, cell: (row) => row.idle ? seconds(row.idle) : "–" },
  ], (row) => row.id);
  const figures = el("div", { class: "nbf-row nbfd-figures" });
  const none = hint("No sandboxes. They are started with the first call, and leave when they have been idle for a while.");
  return {
    node: el("div", {}, figures, none, scrolled(boxes.node)),
    draw() {
      const pool = view.get("pool");
      const rows = pool.rows ?? [];
      const states = Object.entries(pool.states ?? {}).filter(([, count]) => count);
      put(figures, pool.rows && [
        states.map(([name, count]) => mark(name, `${count} ${name}`)),
        el("span", {}, "At work ", meter(pool.cpu_at_work, pool.cpu, (value) => number(value), "cores")),
        el("span", {}, "Memory granted ", meter(pool.memory_used, pool.memory, bytes, "")),
        el("span", {}, `${number(pool.cold)} cold, ${number(pool.warm)} warm starts`),
      ]);
      boxes.draw(rows);
      shown(none, !rows.length);
      shown(boxes.node, rows.length);
    },
  };
}

/** How much of a limit is used, as a bar and in words. */
function meter(used, limit, shape, unit) {
  const share = limit ? Math.min(1, used / limit) : 0;
  return el("span", { class: "nbfd-meter" },
    el("span", { class: "nbfd-meter-bar", "aria-hidden": "true" },
      el("span", { class: share > 0.9 ? "nbfd-full" : null, style: { width: `${(100 * share).toFixed(0)}%` } })),
    ` ${used ? shape(used) : "0"} of ${shape(limit)} ${unit}`.trimEnd());
}
