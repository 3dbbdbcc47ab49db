// The panel of the pool: its sandboxes, and how much of the budget they have.

import { bytes, el, number, put, seconds } from "./dom.js";
import { cut, grid, hint, mark, scrolled, shown } from "./dashboard-tables.js";

export function poolPanel(view) {
  const boxes = grid(
    "Sandboxes",
    [
      { head: "Sandbox", cell: (row) => el("code", { title: row.id }, row.id.slice(0, 12)) },
      { head: "State", cell: (row) => mark(row.state) },
      { head: "Function", wide: true, cell: (row) => cut(row.function || "–") },
      { head: "Image", wide: true, cell: (row) => cut(row.image) },
      { head: "In flight", number: true, cell: (row) => number(row.in_flight) },
      { head: "Answered", number: true, cell: (row) => number(row.answered) },
      {
        head: "Cores",
        cell: (row) => meter(row.used, row.cpu, (value) => number(Number(value.toFixed(2))), ""),
      },
      { head: "Memory", cell: (row) => meter(row.held, row.memory, bytes, "") },
      { head: "Idle", number: true, cell: (row) => (row.idle ? seconds(row.idle) : "–") },
    ],
    (row) => row.id,
  );
  const figures = el("div", { class: "nbf-row nbfd-figures" });
  const none = hint(
    "No sandboxes. They are started with the first call, and leave when they have been idle for a while.",
  );
  return {
    node: el("div", {}, figures, none, scrolled(boxes.node, "Sandboxes, scrolled")),
    draw() {
      const pool = view.get("pool");
      const rows = pool.rows ?? [];
      const states = Object.entries(pool.states ?? {}).filter(([, count]) => count);
      put(
        figures,
        pool.rows && [
          states.map(([name, count]) => mark(name, `${count} ${name}`)),
          el(
            "span",
            {},
            "At work ",
            meter(pool.cpu_at_work, pool.cpu, (value) => number(value), "cores"),
          ),
          el("span", {}, "Memory granted ", meter(pool.memory_used, pool.memory, bytes, "")),
          el("span", {}, `${number(pool.cold)} cold, ${number(pool.warm)} warm starts`),
        ],
      );
      boxes.draw(rows);
      shown(none, !rows.length);
      shown(boxes.node, rows.length);
    },
  };
}

/** How much of a limit is used, as a bar and in words. */
function meter(used, limit, shape, unit) {
  const share = limit ? Math.min(1, used / limit) : 0;
  return el(
    "span",
    { class: "nbfd-meter" },
    el(
      "span",
      { class: "nbfd-meter-bar", "aria-hidden": "true" },
      el("span", {
        class: share > 0.9 ? "nbfd-full" : null,
        style: { width: `${(100 * share).toFixed(0)}%` },
      }),
    ),
    ` ${used ? shape(used) : "0"} of ${shape(limit)} ${unit}`.trimEnd(),
  );
}
