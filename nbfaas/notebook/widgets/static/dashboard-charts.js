// The tiles at the top: a figure each, and how it went over the last minutes.

import { el, number, say, seconds, svg } from "./dom.js";

const CHART_SECONDS = 120;
const CHART_WIDTH = 240;
const CHART_HEIGHT = 44;

const TILES = [
  {
    title: "Calls a second",
    of: "calls and errors",
    unit: number,
    lines: [
      ["calls", "calls"],
      ["errors", "errors"],
    ],
    figure: (sum) => number(sum.rate),
    note: (sum) =>
      `${number(sum.total)} in all${sum.errors ? `, ✗ ${number(sum.errors)} failed` : ""}`,
  },
  {
    title: "Waiting",
    of: "waiting and running invocations",
    unit: number,
    lines: [
      ["waiting", "waiting"],
      ["running", "running"],
    ],
    figure: (sum) => number(sum.waiting),
    note: (sum) => `${number(sum.running)} running in ${number(sum.sandboxes)} sandbox${sum.sandboxes === 1 ? "" : "es"}`,
  },
  {
    title: "Latency, p95",
    of: "latency percentiles",
    unit: seconds,
    lines: [
      ["p50", "p50"],
      ["p95", "p95"],
      ["p99", "p99"],
    ],
    figure: (sum) => seconds(sum.p95 ?? NaN),
    note: (sum) => `p50 ${seconds(sum.p50 ?? NaN)}, waiting included`,
  },
];

/** The tiles; `draw(summary, store)` brings them up to date. */
export function tiles() {
  const made = TILES.map((tile) => {
    const figure = el("div", { class: "nbfd-figure" });
    const note = el("div", { class: "nbf-faint nbf-cut" });
    const most = el("span", { class: "nbfd-most nbf-faint" });
    const paths = tile.lines.map((_, i) =>
      svg("path", { class: `nbfd-line nbfd-line-${i}`, "vector-effect": "non-scaling-stroke" }),
    );
    const chart = svg(
      "svg",
      {
        role: "img",
        viewBox: `0 0 ${CHART_WIDTH} ${CHART_HEIGHT}`,
        preserveAspectRatio: "none",
      },
      paths,
    );
    const legend = el(
      "div",
      { class: "nbfd-legend nbf-faint" },
      tile.lines.map(([, word], i) =>
        el(
          "span",
          {},
          svg(
            "svg",
            { width: 18, height: 8, "aria-hidden": "true" },
            svg("path", { class: `nbfd-line nbfd-line-${i}`, d: "M0 4H18" }),
          ),
          ` ${word}`,
        ),
      ),
    );
    const node = el(
      "div",
      { class: "nbfd-tile" },
      el("div", { class: "nbfd-tile-title" }, tile.title, most),
      figure,
      note,
      el("div", { class: "nbfd-chart" }, chart),
      legend,
    );
    const draw = (summary, store) => {
      say(figure, tile.figure(summary));
      say(note, tile.note(summary));
      note.title = note.textContent;
      const end = store.now();
      const rows = lately(store.seconds, end);
      const values = rows.flatMap((row) => tile.lines.map(([name]) => row[name]));
      const top = Math.max(0, ...values.filter(Number.isFinite));
      say(most, top ? `2 min, up to ${tile.unit(top)}` : "2 min");
      chart.setAttribute(
        "aria-label",
        `${tile.of} over the last 2 minutes, ${top ? tile.unit(top) : "none"} at most`,
      );
      tile.lines.forEach(([name], i) =>
        paths[i].setAttribute("d", top ? path(rows, name, end, top) : ""),
      );
    };
    return { node, draw };
  });
  return {
    node: el(
      "div",
      { class: "nbfd-tiles" },
      made.map((each) => each.node),
    ),
    draw: (summary, store) => made.forEach((each) => each.draw(summary, store)),
  };
}

/** The rows that the chart shows. Where nothing happened there are none, up to now: that is zero. */
function lately(seconds, end) {
  const rows = seconds.filter((row) => row.at > end - CHART_SECONDS);
  const last = rows.at(-1) ?? seconds.at(-1);
  if (!last || end - last.at < 2) return rows;
  const none = { calls: 0, errors: 0, waiting: 0, running: 0, p50: NaN, p95: NaN, p99: NaN };
  const begin = Math.max(last.at + 1, end - CHART_SECONDS);
  return [...rows, { ...none, at: begin }, { ...none, at: end }];
}

function path(rows, name, end, top) {
  let drawn = "";
  let pen = "M";
  for (const row of rows) {
    if (!Number.isFinite(row[name])) {
      pen = "M";
      continue;
    }
    const x = CHART_WIDTH * (1 - (end - row.at) / CHART_SECONDS);
    const y = CHART_HEIGHT - 2 - (CHART_HEIGHT - 4) * (row[name] / top);
    drawn += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
  }
  return drawn;
}
