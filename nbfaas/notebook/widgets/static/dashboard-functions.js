// The panel of functions, with their triggers.

import { el, keyed, number, plain, seconds } from "./dom.js";
import { cut, grid, hint, mark, scrolled, shown } from "./dashboard-tables.js";

export function functionsPanel(view) {
  const functions = grid(
    "Functions",
    [
      { head: "Function", wide: true, cell: (row) => cut(row.name) },
      { head: "Version", cell: versions },
      {
        head: "Triggers",
        cell: (row) =>
          row.triggers.length
            ? row.triggers.map((each) =>
                el(
                  "div",
                  { class: "nbf-cut", title: `${plain(each.name)}: ${each.kind}, ${each.state}` },
                  mark(each.state, each.kind),
                ),
              )
            : "–",
      },
      { head: "Calls/s", number: true, cell: (row) => number(row.rate) },
      { head: "Waiting", number: true, cell: (row) => number(row.waiting) },
      { head: "Running", number: true, cell: (row) => number(row.running) },
      { head: "Succeeded", number: true, cell: (row) => number(row.succeeded) },
      {
        head: "Errors",
        number: true,
        cell: (row) =>
          row.errors ? el("strong", { class: "nbf-red" }, `✗ ${number(row.errors)}`) : "0",
      },
      { head: "p50", number: true, cell: (row) => shortly(row.p50) },
      { head: "p95", number: true, cell: (row) => shortly(row.p95) },
    ],
    (row) => row.name,
  );
  const triggers = grid(
    "Triggers",
    [
      { head: "Trigger", wide: true, cell: (row) => cut(row.name) },
      { head: "State", cell: (row) => mark(row.state) },
      {
        head: "Waits for",
        wide: true,
        cell: (row) => cut(row.kind ? `${row.kind}: ${row.shown}` : "–"),
      },
      { head: "Target", wide: true, cell: (row) => cut(row.target || "–") },
      { head: "Matched", number: true, cell: (row) => number(row.matched) },
      { head: "Done", number: true, cell: (row) => number(row.done) },
      { head: "Waiting", number: true, cell: (row) => number(row.waiting) },
      { head: "Dead", number: true, cell: (row) => number(row.dead) },
      { head: "", cell: (row) => pausing(view, row) },
    ],
    (row) => row.name,
  );
  const problems = el("div");
  const none = hint(
    "No functions yet. Decorate one with ",
    el("code", {}, "@remote"),
    " and call it.",
  );
  const noTriggers = hint(
    "No triggers. Decorate a function with ",
    el("code", {}, "@on.event(…)"),
    " or ",
    el("code", {}, "@on.schedule(…)"),
    " to have events call it.",
  );
  const faint = hint(
    "Calls/s of the last 10 s; p50 and p95 of how long it ran, in the last minute; the rest since the dashboard was opened.",
  );
  const heading = el("h4", {}, "Triggers");
  const node = el(
    "div",
    {},
    none,
    scrolled(functions.node),
    faint,
    heading,
    noTriggers,
    scrolled(triggers.node),
    problems,
  );
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
      keyed(
        problems,
        waiting.filter((row) => row.problem),
        (row) => row.name + row.problem,
        (row) =>
          el("div", { class: "nbfd-problem" }, mark(row.state, row.name), ": ", plain(row.problem)),
      );
    },
  };
}

function shortly(value) {
  return seconds(value ?? NaN);
}

function versions(row) {
  if (!row.versions.length) return "–";
  const more = row.versions.length > 1 ? ` (+${row.versions.length - 1})` : "";
  return el(
    "code",
    { title: `latest last: ${row.versions.join(", ")}` },
    row.versions.at(-1).slice(0, 7),
    more,
  );
}

function pausing(view, row) {
  if (row.state === "missing") return "";
  const paused = row.state === "paused";
  return view.button(
    paused ? "Resume" : "Pause",
    paused ? "resume" : "pause",
    { trigger: row.name },
    { "aria-label": `${paused ? "Resume" : "Pause"} ${plain(row.name)}` },
  );
}
