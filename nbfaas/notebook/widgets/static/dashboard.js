// The dashboard: figures over time at the top, and panels in tabs below.

import { el, number, roving, say } from "./dom.js";
import { tiles } from "./dashboard-charts.js";
import { eventsPanel, lettersPanel } from "./dashboard-events.js";
import { functionsPanel } from "./dashboard-functions.js";
import { logsPanel } from "./dashboard-logs.js";
import { poolPanel } from "./dashboard-pool.js";
import { Store } from "./dashboard-store.js";
import { Timeline } from "./dashboard-timeline.js";
import { keeping } from "./pages.js";
import { widget } from "./view.js";

const FIELDS = [
  "summary",
  "functions",
  "triggers",
  "pool",
  "letters",
  "tracks",
  "running",
  "log_filter",
  "log_functions",
];
// An attribute of the model that the kernel does not know: what is remembered when a view is drawn
// anew, that is the tab, and where the timeline is.
const KEPT = "_dashboard_kept";
const QUIET = 3000; // milliseconds without calls or dead letters, after which its picture is stored

export default widget({ fields: FIELDS, label: "nbfaas dashboard", build });

function build(view) {
  const kept = view.get(KEPT) ?? { tab: "functions", timeline: {} };
  view.model.set(KEPT, kept);
  const store = new Store();
  const top = tiles();
  const panels = {
    functions: { word: "Functions", ...functionsPanel(view) },
    timeline: { word: "Timeline", panel: new Timeline(view, store, kept.timeline) },
    pool: { word: "Pool", ...poolPanel(view) },
    events: { word: "Events", ...eventsPanel(view, store) },
    letters: { word: "Dead letters", ...lettersPanel(view) },
    logs: { word: "Logs", ...logsPanel(view, store) },
  };
  const { panel } = panels.timeline;
  Object.assign(panels.timeline, {
    node: panel.node,
    draw: () => panel.draw(),
    close: () => panel.close(),
  });
  const prefix = `nbf-${view.id}`;
  const tabs = Object.entries(panels).map(([name, each]) => {
    each.count = el("span", { class: "nbf-count" });
    each.tab = el(
      "button",
      {
        type: "button",
        role: "tab",
        id: `${prefix}-${name}`,
        class: "nbfd-tab",
        "aria-controls": `${prefix}-${name}-panel`,
        onclick: () => choose(name),
        onfocus: () => choose(name),
      },
      each.word,
      each.count,
    );
    each.place = el(
      "div",
      {
        role: "tabpanel",
        class: "nbfd-sheet",
        id: `${prefix}-${name}-panel`,
        "aria-labelledby": `${prefix}-${name}`,
      },
      each.node,
    );
    return each.tab;
  });
  const list = el("div", { class: "nbfd-tabs", role: "tablist", "aria-label": "Panels" }, tabs);
  const starting = el("p", { class: "nbf-faint nbfd-starting", role: "status" });
  view.body.classList.add("nbf-dashboard");
  view.body.append(
    starting,
    top.node,
    list,
    ...Object.values(panels).map((each) => each.place),
    el(
      "div",
      { class: "nbf-row nbfd-foot" },
      view.button(
        "Keep this picture",
        "keep",
        {},
        { title: "Store what is shown with the notebook, for readers without a kernel" },
      ),
    ),
  );

  function choose(name) {
    kept.tab = name;
    for (const [each, { tab, place }] of Object.entries(panels)) {
      tab.setAttribute("aria-selected", String(each === name));
      tab.tabIndex = each === name ? 0 : -1;
      place.hidden = each !== name;
    }
    panels[name].draw();
  }

  let frame = 0;
  const drawMore = () => {
    frame = 0;
    top.draw(view.get("summary"), store);
    if (["timeline", "events", "logs"].includes(kept.tab)) panels[kept.tab].draw();
  };
  view.hear("more", (content, buffers) => {
    store.take(content, buffers);
    frame ||= requestAnimationFrame(drawMore);
  });
  view.ask("whole").catch((error) => {
    if (!error.told) throw error;
  });
  roving(list, "[role=tab]");
  choose(kept.tab);
  // Time goes on, also while nothing is told.
  const timer = setInterval(() => {
    if (!view.live) store.ended ??= store.now();
    else store.ended = null;
    if (store.ended !== null || document.visibilityState !== "visible") return;
    top.draw(view.get("summary"), store);
    if (kept.tab === "timeline" && kept.timeline.live) panel.draw();
  }, 1000);

  const picture = keeping(view, QUIET);

  return {
    update() {
      const summary = view.get("summary");
      const counted = `${summary.total} ${summary.dead}`;
      if (kept.counted !== undefined && counted !== kept.counted) picture.changed();
      kept.counted = counted;
      say(
        starting,
        summary.ready === false && !view.get("_problem")
          ? "nbfaas is starting: the backend is being opened …"
          : "",
      );
      top.draw(summary, store);
      panels[kept.tab].draw();
      const dead = view.get("letters").total;
      say(panels.letters.count, dead ? ` (${number(dead)})` : "");
    },
    close() {
      clearInterval(timer);
      picture.close();
      cancelAnimationFrame(frame);
      for (const each of Object.values(panels)) each.close?.();
    },
  };
}
