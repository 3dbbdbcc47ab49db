// A run of map: how far it is, its items, and one of them in full.

import { attribute, button, el, keyed, number, plain, put, say, seconds, state, STATES } from "./dom.js";
import { CODES, Grid } from "./grid.js";
import { itemDetails } from "./item.js";
import { widget } from "./view.js";

const ORDER = ["done", "failed", "timed_out", "cancelled", "running", "retrying", "queued"];
const LOOK = 1000; // milliseconds between looks at an item that has not ended

export default widget({
  fields: ["head", "counts", "timing", "number"],
  label: (view) => `Map of ${view.get("head")?.function ?? "a function"}`,
  build: (view) => new Run(view),
});

class Run {
  constructor(view) {
    this.view = view;
    // The view is drawn anew when the run has ended; what was chosen in it is kept.
    this.kept = view.memory.run ??= { open: -1, selected: -1, failedOnly: false };
    const head = view.get("head") ?? { id: "", function: "", total: 0 };
    this.total = head.total;
    this.known = 0; // the number of the states that are shown; with 0 all are queued
    this.grid = new Grid({ onopen: (index) => this.open(index), onselect: (index) => this.chosen(index) });
    this.grid.states = new Uint8Array(head.total);
    this.verdict = el("span", { class: "nbf-verdict" });
    this.cancel = view.button("Cancel", "cancel");
    this.retry = view.button("Retry failed", "retry_failed");
    this.bar = el("div", { class: "nbf-bar", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": head.total });
    this.legend = el("div", { class: "nbf-row nbf-legend" });
    this.time = el("span", { class: "nbf-faint nbf-time" });
    this.next = button("Next failure", () => this.nextFailure());
    this.failedOnly = el("input", { type: "checkbox", onchange: () => this.filter(this.failedOnly.checked) });
    this.filterLabel = el("label", { class: "nbf-check" }, this.failedOnly, " Failed only");
    this.panel = this._panel();
    put(view.body,
      el("div", { class: "nbf-row nbf-head" },
        el("strong", { class: "nbf-cut", title: plain(head.function) }, plain(head.function)), this.verdict,
        el("span", { class: "nbf-faint nbf-cut" }, plain(head.id)),
        el("span", { class: "nbf-buttons" }, this.cancel, this.retry)),
      this.bar, el("div", { class: "nbf-row" }, this.legend, this.time),
      head.total ? [this.grid.node,
        el("div", { class: "nbf-row nbf-tools" }, this.grid.status,
          el("span", { class: "nbf-buttons" }, this.filterLabel, this.next))]
        : el("p", { class: "nbf-faint" }, "There was nothing to map over: no items."),
      this.panel.node);
    view.hear("states", (content, buffers) => this.receive(content, buffers));
    this.restore();
  }

  _panel() {
    const title = el("span", { class: "nbf-bold" });
    const details = itemDetails();
    const node = el("div", {
      class: "nbf-panel", role: "region", "aria-label": "Item", hidden: true,
      onkeydown: (event) => event.key === "Escape" && this.shut(),
    },
    el("div", { class: "nbf-row" }, title, el("span", { class: "nbf-buttons" },
      button("‹", () => this.step(-1), { "aria-label": "Previous item" }),
      button("›", () => this.step(1), { "aria-label": "Next item" }),
      button("Close", () => this.shut()))), details.node);
    return { node, title, details };
  }

  restore() {
    this.failedOnly.checked = this.kept.failedOnly;
    this.grid._failedOnly = this.kept.failedOnly;
    this.grid.selected = this.kept.selected < this.total ? this.kept.selected : -1;
    this.grid.redraw();
    if (this.kept.open >= 0 && this.kept.open < this.total) this.open(this.kept.open);
  }

  close() {
    clearTimeout(this.timer);
    this.grid.close();
  }

  // -- what the Python side tells

  update(changed) {
    if (changed.has("counts") || changed.has("timing")) this.showCounts();
    if (changed.has("number") && this.view.get("number") > this.known) this.fetch();
  }

  receive({ whole, base, to }, buffers) {
    if (whole) {
      this.grid.states = bytesOf(buffers[0]).slice();
      this.known = to;
      this.grid.redraw();
    } else if (base === this.known) {
      const places = buffers[0];
      const codes = bytesOf(buffers[1]);
      const drawn = [];
      codes.forEach((code, at) => {
        const place = places.getUint32(4 * at, true);
        this.grid.states[place] = code;
        drawn.push(place);
      });
      this.known = to;
      this.grid.redraw(drawn);
    } else if (base > this.known) {
      this.fetch();
    }
    this.look();
  }

  async fetch() {
    if (this.fetching) return;
    this.fetching = true;
    await this.view.ask("whole").catch(ignoreTold);
    this.fetching = false;
  }

  showCounts() {
    const counts = this.view.get("counts");
    const timing = this.view.get("timing");
    if (!counts || !timing) return;
    const failed = counts.failed + counts.timed_out;
    const settled = counts.done + failed + counts.cancelled;
    const present = ORDER.filter((name) => counts[name]);
    keyed(this.bar, present.filter((name) => name !== "queued"), (name) => name,
      (name) => el("span", { class: `nbf-part nbf-part-${name}` }),
      (node, name) => (node.style.width = `${(100 * counts[name]) / Math.max(1, this.total)}%`));
    keyed(this.legend, present, (name) => name,
      (name) => el("span", { class: `nbf-state nbf-is-${name}` },
        el("span", { class: "nbf-glyph", "aria-hidden": "true" }, STATES[name].glyph), " ", el("span")),
      (node, name) => say(node.lastChild, `${number(counts[name])} ${STATES[name].word}`));
    say(this.time, !this.total ? "" : timing.done
      ? `took ${seconds(timing.elapsed)}${timing.rate && settled > 1 ? ` (${number(timing.rate)}/s)` : ""}`
      : [timing.rate && `${number(timing.rate)}/s`,
        timing.left !== null && settled ? `${seconds(timing.left)} left` : `for ${seconds(timing.elapsed)}`,
      ].filter(Boolean).join(", "));
    attribute(this.bar, "aria-valuenow", settled);
    attribute(this.bar, "aria-valuetext", present.map((name) => `${counts[name]} ${STATES[name].word}`).join(", "));
    this.showVerdict(counts, timing, failed);
    this.cancel.hidden = timing.done;
    this.retry.hidden = !failed;
    this.next.disabled = !failed;
    this.failedOnly.disabled = !failed && !this.failedOnly.checked;
  }

  showVerdict(counts, timing, failed) {
    const name = !timing.done ? (counts.queued === this.total ? "queued" : "running")
      : failed ? "failed" : counts.cancelled ? "cancelled" : "done";
    if (name === this.told) return;
    const before = this.told;
    this.told = name;
    put(this.verdict, state(name));
    if (name === "failed" && counts.done) say(this.verdict.firstChild.lastChild, " some failed");
    if (before && timing.done) this.view.announce(`The map has ended: ${this.bar.getAttribute("aria-valuetext")}`);
  }

  // -- choosing

  filter(failed) {
    this.kept.failedOnly = failed;
    this.grid.filter(failed);
  }

  chosen(index) {
    this.kept.selected = index;
    if (this.kept.open >= 0 && this.kept.open !== index) this.open(index);
  }

  nextFailure() {
    const index = this.grid.failure();
    if (index < 0) return;
    this.grid.select(index);
    this.open(index);
  }

  step(by) {
    const index = Math.max(0, Math.min(this.total - 1, this.kept.open + by));
    this.grid.select(index);
  }

  open(index) {
    this.kept.open = index;
    this.seen = null;
    this.panel.node.hidden = false;
    this.look();
  }

  shut() {
    this.kept.open = -1;
    this.panel.node.hidden = true;
    clearTimeout(this.timer);
    this.grid.node.focus();
  }

  /** Ask about the open item, if there may be news of it. */
  async look() {
    const index = this.kept.open;
    if (index < 0) return;
    const code = this.grid.states[index];
    const now = `${index}/${code}`;
    put(this.panel.title, `Item ${index} `, state(CODES[code]));
    if (this.looking || this.seen === now) return;
    clearTimeout(this.timer);
    this.looking = true;
    const facts = await this.view.ask("item", { index }).catch(ignoreTold);
    this.looking = false;
    if (this.kept.open !== index) return void this.look();
    if (!facts) return;
    this.panel.details.show(facts);
    if (facts.final) this.seen = now;
    else this.timer = setTimeout(() => this.look(), LOOK);
  }
}

function bytesOf(view) {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function ignoreTold(error) {
  if (!error.told) throw error;
}
