// The timeline: which sandbox was at what, and when. A canvas; its tracks' names are elements.

import { button, el, keyed, plain, put, say, seconds, clock } from "./dom.js";
import { AXIS, COLD_BIT, ROW, paint, place } from "./dashboard-bars.js";
import { cut, hint, shown } from "./dashboard-tables.js";

const MOST_TRACKS = 60;
const SHORTEST = 0.001; // seconds that are shown at least
const LONGEST = 6 * 3600;
const LIVELIEST = 1; // seconds; of less than that there is nothing yet at the live end
const SPAN_STATES = ["succeeded", "failed", "timed out", "cancelled"];
// 3:1 at least on white and on JupyterLab's dark ground, with white letters in them.
const HUES = [
  "#2f6fb5",
  "#b35c00",
  "#2c8a57",
  "#9a4d9d",
  "#8a6d00",
  "#c0394f",
  "#1c7f86",
  "#6f5fc0",
];

/** `kept`: what is remembered when the view is drawn anew: {end, width, live, number}. */
export class Timeline {
  constructor(view, store, kept) {
    this.view = view;
    this.store = store;
    this.at = Object.assign(kept, { end: 0, width: 20, live: true, number: -1, ...kept });
    this.tracks = [];
    this.canvas = el("canvas", {
      tabindex: 0,
      role: "application",
      class: "nbfd-timeline",
      "aria-label":
        "Timeline of invocations by sandbox. Arrow left and right move, plus and minus " +
        "zoom, N and P go to the next and previous invocation, arrow up and down change the " +
        "sandbox, 0 shows all, L follows what happens now.",
      onkeydown: (event) => this._key(event),
      onpointerdown: (event) => this._grab(event),
      onpointermove: (event) => this._move(event),
      onpointerup: (event) => this._release(event),
      onpointerleave: () => this._hover(-1),
    });
    this.canvas.addEventListener("wheel", (event) => this._wheel(event), { passive: false });
    this.names = el("div", { class: "nbfd-tracks" });
    this.details = el("div", { class: "nbfd-details", role: "status" });
    this.legend = el("div", { class: "nbf-row nbfd-legend" });
    this.range = el("span", { class: "nbf-faint nbfd-range" });
    this.follow = button("Live", () => this._live(!this.at.live), { "aria-pressed": "true" });
    this.none = hint(
      "Nothing has run since the dashboard was opened. Call a function, and it shows up here.",
    );
    this.all = el(
      "div",
      {},
      el(
        "div",
        { class: "nbf-row" },
        this.follow,
        button("Zoom in", () => this._zoom(0.5)),
        button("Zoom out", () => this._zoom(2)),
        button("All", () => this._fit()),
        this.range,
      ),
      el("div", { class: "nbfd-plot" }, this.names, this.canvas),
      this.legend,
      this.details,
      el(
        "p",
        { class: "nbf-faint nbfd-hint" },
        "Drag or ← → to move, + − to zoom (or the wheel, once the timeline is focused), N and P for the next and previous invocation.",
      ),
    );
    this.node = el("div", {}, this.none, this.all);
    this._observer = new ResizeObserver(() => this.draw());
    this._observer.observe(this.canvas.parentElement);
  }

  close() {
    this._observer.disconnect();
  }

  draw() {
    const { store, at } = this;
    const known = this.view.get("tracks");
    shown(this.none, !store.count && !this.view.get("running").length);
    shown(this.all, store.count || this.view.get("running").length);
    if (!this.canvas.offsetParent) return; // in a panel that is not shown
    if (at.live) at.end = store.now();
    this._choose(known);
    this._size();
    this._paint();
    this.follow.setAttribute("aria-pressed", String(at.live));
    say(this.range, `${seconds(at.width)} up to ${at.live ? "now" : clock(at.end)}`);
  }

  /** The tracks: those of living sandboxes, and those that have a bar in what is shown. */
  _choose(known) {
    const { store, at } = this;
    const begin = at.end - at.width;
    const used = new Set();
    for (let i = store.count - 1; i >= 0; i--) {
      if (store.begin[i] + store.length[i] > begin && store.begin[i] < at.end)
        used.add(store.track[i]);
      else if (store.begin[i] < begin - 600) break;
    }
    const wanted = known.filter(([track, , , gone]) => !gone || used.has(track));
    wanted.sort((a, b) => (a[2] < b[2] ? -1 : a[2] > b[2] ? 1 : a[0] - b[0]));
    this.more = wanted.length - MOST_TRACKS;
    this.tracks = wanted.slice(0, MOST_TRACKS);
    this.rows = new Map(this.tracks.map(([track], row) => [track, row]));
    const functions = [...new Set(known.map((each) => each[2]))];
    this.hues = new Map(functions.map((name) => [name, HUES[hash(name) % HUES.length]]));
    keyed(
      this.names,
      this.tracks,
      (track) => `${track[0]} ${track[2]} ${track[3]}`,
      (track) =>
        cut(`${track[2]} · ${track[1].slice(0, 8)}${track[3] ? " ✝" : ""}`, { class: "nbfd-track" }),
    );
    const shownNames = [...new Set(this.tracks.map((each) => each[2]))];
    keyed(this.legend, [...shownNames.slice(0, 12), 1, 2], String, (name) =>
      name === 1
        ? el("span", {}, el("span", { class: "nbfd-swatch nbfd-cold" }), " cold start")
        : name === 2
          ? el("span", {}, el("span", { class: "nbfd-swatch nbfd-bad" }, "✗"), " failed")
          : el(
              "span",
              { class: "nbf-row nbf-cut" },
              el("span", { class: "nbfd-swatch", style: { background: this.hues.get(name) } }),
              cut(name),
            ),
    );
  }

  _size() {
    const width = this.canvas.clientWidth;
    const height = this.tracks.length * ROW + AXIS;
    const scale = window.devicePixelRatio || 1;
    this.canvas.style.height = `${height}px`;
    const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
    if (this.canvas.width !== w || this.canvas.height !== h)
      [this.canvas.width, this.canvas.height] = [w, h];
    this.width = width;
    this.height = height;
    this.scale = scale;
  }

  _x(time) {
    return place(this.at, this.width, time);
  }

  _paint() {
    const { store, at, tracks, rows, hues, width, height, scale } = this;
    paint(this.canvas, getComputedStyle(this.view.root), {
      store,
      at,
      tracks,
      rows,
      hues,
      width,
      height,
      scale,
      running: this.view.get("running"),
    });
  }

  // -- moving and zooming

  _live(whether) {
    this.at.live = whether;
    this.draw();
  }

  _pan(share) {
    this.at.live = false;
    this.at.end += share * this.at.width;
    this.draw();
  }

  /** By a factor, around a place between 0 (left) and 1; what is live stays so, up to a point. */
  _zoom(factor, where = 0.5) {
    const { at } = this;
    const width = Math.min(LONGEST, Math.max(SHORTEST, at.width * factor));
    if (at.live && width < LIVELIEST) {
      at.live = false;
      at.end = this._last() + width * 0.05;
    } else if (!at.live) {
      at.end += (1 - where) * (width - at.width);
    }
    at.width = width;
    this.draw();
  }

  /** When the bar ended that ended last. */
  _last() {
    const { store } = this;
    let last = 0;
    for (let i = 0; i < store.count; i++) last = Math.max(last, store.begin[i] + store.length[i]);
    return last || store.now();
  }

  _fit() {
    const { store, at } = this;
    if (!store.count) return;
    const last = this._last();
    let first = last;
    for (let i = 0; i < store.count; i++) first = Math.min(first, store.begin[i] - store.wait[i]);
    at.live = false;
    at.width = Math.min(LONGEST, Math.max(SHORTEST, (last - first) * 1.04));
    at.end = last + at.width * 0.02;
    this.draw();
  }

  _key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const does = {
      ArrowLeft: () => this._pan(-0.2),
      ArrowRight: () => this._pan(0.2),
      "+": () => this._zoom(0.5),
      "=": () => this._zoom(0.5),
      "-": () => this._zoom(2),
      _: () => this._zoom(2),
      0: () => this._fit(),
      l: () => this._live(true),
      End: () => this._live(true),
      n: () => this._step(1),
      p: () => this._step(-1),
      ArrowDown: () => this._change(1),
      ArrowUp: () => this._change(-1),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!does) return;
    event.preventDefault();
    does();
  }

  _wheel(event) {
    if (document.activeElement !== this.canvas) return; // the page is being scrolled
    event.preventDefault();
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) this._pan(event.deltaX / this.width);
    else this._zoom(event.deltaY > 0 ? 1.25 : 0.8, event.offsetX / this.width);
  }

  _grab(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this._grabbed = { x: event.offsetX, end: this.at.end, moved: false };
  }

  _move(event) {
    const held = this._grabbed;
    if (!held) return this._hover(this._find(event.offsetX, event.offsetY));
    const by = event.offsetX - held.x;
    if (Math.abs(by) > 3) held.moved = true;
    if (!held.moved) return;
    this.at.live = false;
    this.at.end = held.end - (by / this.width) * this.at.width;
    this.draw();
  }

  _release(event) {
    const held = this._grabbed;
    this._grabbed = null;
    if (held && !held.moved) this._select(this._find(event.offsetX, event.offsetY));
  }

  // -- one invocation

  /** The number of the bar at a place, or -1. */
  _find(x, y) {
    const { store } = this;
    const track = this.tracks[Math.floor(y / ROW)]?.[0];
    if (track === undefined) return -1;
    for (let i = store.count - 1; i >= 0; i--) {
      if (store.track[i] !== track) continue;
      if (
        x >= this._x(store.begin[i] - store.wait[i]) - 2 &&
        x <= this._x(store.begin[i] + store.length[i]) + 2
      )
        return store.first + i;
    }
    return -1;
  }

  _about(number) {
    const { store } = this;
    const i = number - store.first;
    if (i < 0 || i >= store.count) return "";
    const track = this.view.get("tracks").find((each) => each[0] === store.track[i]);
    const cold = store.code[i] & COLD_BIT ? `, cold start: waited ${seconds(store.wait[i])}` : "";
    return (
      `${plain(track?.[2] ?? "?")} in ${plain(track?.[1].slice(0, 12) ?? "?")}: ${SPAN_STATES[store.code[i] & 3]} ` +
      `after ${seconds(store.length[i])}, at ${clock(store.begin[i])}${cold}`
    );
  }

  _hover(number) {
    if (number >= 0) this.canvas.title = this._about(number);
    else this.canvas.removeAttribute("title");
  }

  /** Show details of a bar, and where it is. */
  async _select(number) {
    const { at, store } = this;
    at.number = number;
    if (number < 0) {
      put(this.details);
      return this.draw();
    }
    const i = number - store.first;
    const [from, to] = [store.begin[i], store.begin[i] + store.length[i]];
    if (from < at.end - at.width || to > at.end) at.end = to + at.width / 2;
    at.live = false;
    this.draw();
    say(this.details, this._about(number));
    try {
      const found = await this.view.ask("span", { number });
      if (at.number === number)
        put(
          this.details,
          this._about(number),
          ". Invocation ",
          el("code", {}, plain(found.invocation)),
        );
    } catch (error) {
      if (!error.told) throw error;
    }
  }

  /** To the next or previous bar of the same sandbox. */
  _step(by) {
    const { store, at } = this;
    let i = at.number - store.first;
    const known = i >= 0 && i < store.count;
    const track = known ? store.track[i] : undefined;
    if (!known) return this._select(store.first + store.count - 1);
    for (i += by; i >= 0 && i < store.count; i += by)
      if (store.track[i] === track) return this._select(store.first + i);
  }

  /** To a bar of the sandbox above or below, at about the same time. */
  _change(by) {
    const { store, at } = this;
    const i = at.number - store.first;
    if (!(i >= 0 && i < store.count)) return this._step(1);
    const track = this.tracks[(this.rows.get(store.track[i]) ?? 0) + by]?.[0];
    let best = -1;
    for (let j = 0; j < store.count; j++) {
      if (
        store.track[j] === track &&
        (best < 0 ||
          Math.abs(store.begin[j] - store.begin[i]) < Math.abs(store.begin[best] - store.begin[i]))
      )
        best = j;
    }
    if (best >= 0) this._select(store.first + best);
  }
}

function hash(text) {
  let value = 7;
  for (const each of text) value = (value * 31 + each.codePointAt(0)) >>> 0;
  return value;
}
