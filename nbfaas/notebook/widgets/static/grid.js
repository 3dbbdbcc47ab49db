// Many items as squares on a canvas, each by its state: in a colour, and in a shape of its own.

import { el, plain, say, STATES } from "./dom.js";

export const CODES = ["queued", "running", "retrying", "done", "failed", "timed_out", "cancelled"];
const SIZES = [20, 16, 12, 10, 8, 6, 5, 4]; // pixels from one square to the next
const HIGHEST = 200; // pixels
// Where a square stands for several items, it shows the state that most asks for a look.
const URGENCY = [4, 5, 2, 1, 6, 0, 3];
const FAILURES = new Set([4, 5]);

/** `onopen(index)`: Enter or a click; `onselect(index)`. Give it `states`, one byte for each item,
 *  and call `redraw` with the places that have changed, or without for all. */
export class Grid {
  constructor({ onopen, onselect }) {
    this.onopen = onopen;
    this.onselect = onselect;
    this.states = new Uint8Array(0);
    this.selected = -1;
    this.only = null; // the indices that are shown, if not all
    this._canvas = el("canvas", { "aria-hidden": "true" });
    this._ring = el("div", { class: "nbf-ring", hidden: true });
    this.node = el("div", {
      class: "nbf-grid", tabindex: 0, role: "slider", "data-part": "grid",
      "aria-label": "Items. Arrow keys move, Enter opens, N goes to the next failure",
      "aria-valuemin": 0,
    }, this._canvas, this._ring);
    this.status = el("div", { class: "nbf-grid-status nbf-faint" });
    this.node.addEventListener("keydown", (event) => this._key(event));
    this.node.addEventListener("focus", () => this.selected < 0 && this.length && this.select(this._at(0)));
    this._canvas.addEventListener("mousemove", (event) => this._tell(this._under(event)));
    this._canvas.addEventListener("mouseleave", () => this._tell(null));
    this._canvas.addEventListener("click", (event) => {
      const cell = this._under(event);
      if (cell === null) return;
      this.select(this._urgent(cell));
      this.node.focus();
      this.onopen(this.selected);
    });
    this._observer = new ResizeObserver(() => this.redraw());
    this._observer.observe(this.node);
  }

  close() {
    this._observer.disconnect();
  }

  /** How many items are shown. */
  get length() {
    return this.only ? this.only.length : this.states.length;
  }

  /** Show those that failed only, or all. */
  filter(failed) {
    this._failedOnly = failed;
    this.redraw();
  }

  select(index) {
    this.selected = index;
    this._mark();
    this._tell(null);
    this.onselect(index);
  }

  /** The next item that failed after the selected one, around the end if need be; -1 if none. */
  failure(step = 1) {
    const total = this.states.length;
    for (let away = 1; away <= total; away++) {
      const index = (((this.selected + step * away) % total) + total) % total;
      if (FAILURES.has(this.states[index])) return index;
    }
    return -1;
  }

  redraw(places = null) {
    if (this._failedOnly) {
      this.only = [];
      this.states.forEach((code, index) => FAILURES.has(code) && this.only.push(index));
      places = null;
    } else {
      this.only = null;
    }
    if (places === null || places.length > this.length / 4) this._drawAll();
    else for (const cell of new Set(Array.from(places, (at) => Math.floor(at / this._each)))) this._draw(cell, true);
    this._mark();
    this._tell(this._hovered ?? null);
  }

  // -- drawing

  _drawAll() {
    const width = Math.floor(this.node.clientWidth);
    if (!width) return;
    const style = getComputedStyle(this.node);
    this._colours = CODES.map((name) => style.getPropertyValue(`--nbf-${name}`).trim() || "#888");
    const fits = (size) => Math.ceil(this.length / Math.floor(width / size)) * size <= HIGHEST;
    this._size = SIZES.find(fits) ?? SIZES.at(-1);
    this._columns = Math.max(1, Math.floor(width / this._size));
    const most = this._columns * Math.floor(HIGHEST / this._size);
    this._each = Math.max(1, Math.ceil(this.length / most));
    this._cells = Math.ceil(this.length / this._each);
    const columns = Math.min(this._columns, this._cells);
    const rows = Math.ceil(this._cells / this._columns);
    const scale = window.devicePixelRatio || 1;
    this._canvas.width = Math.max(1, columns * this._size * scale);
    this._canvas.height = Math.max(1, rows * this._size * scale);
    this._canvas.style.width = `${columns * this._size}px`;
    this._canvas.style.height = `${rows * this._size}px`;
    this._pen = this._canvas.getContext("2d");
    this._pen.scale(scale, scale);
    for (let cell = 0; cell < this._cells; cell++) this._draw(cell);
    this.node.setAttribute("aria-valuemax", Math.max(0, this.states.length - 1));
  }

  _draw(cell, again = false) {
    const pen = this._pen;
    if (!pen) return;
    const whole = this._size;
    const x = (cell % this._columns) * whole;
    const y = Math.floor(cell / this._columns) * whole;
    const size = whole - (whole >= 10 ? 2 : 1);
    const code = this.states[this._urgent(cell)];
    if (again) pen.clearRect(x, y, whole, whole);
    pen.fillStyle = this._colours[code];
    const third = Math.max(1, Math.floor(size / 3));
    const name = CODES[code];
    if (name === "queued") {
      const dot = Math.max(1, Math.round(size / 4));
      pen.fillRect(x + Math.floor((size - dot) / 2), y + Math.floor((size - dot) / 2), dot, dot);
    } else if (name === "cancelled") {
      pen.fillRect(x, y + third, size, third);
    } else if (name === "running" || name === "retrying" || name === "timed_out") {
      const line = Math.max(1, Math.round(size / 6));
      pen.fillRect(x, y, size, size);
      pen.clearRect(x + line, y + line, size - 2 * line, size - 2 * line);
    } else {
      const side = name === "failed" && whole < 10 ? whole : size;
      pen.fillRect(x, y, side, side);
    }
    if (whole >= 12 && name !== "queued" && name !== "cancelled") {
      if (name === "done" || name === "failed") pen.fillStyle = "#fff";
      pen.font = `bold ${Math.round(size * 0.7)}px system-ui, sans-serif`;
      pen.textAlign = "center";
      pen.textBaseline = "middle";
      pen.fillText(`${STATES[name].glyph}\ufe0e`, x + size / 2, y + size / 2 + 1);
    }
  }

  _mark() {
    const place = this._place(this.selected);
    this._ring.hidden = place < 0 || !this._pen;
    this.node.setAttribute("aria-valuenow", Math.max(0, this.selected));
    this.node.setAttribute("aria-valuetext", this.selected < 0 ? "none" : this._describe(this.selected));
    if (this._ring.hidden) return;
    const cell = Math.floor(place / this._each);
    const { style } = this._ring;
    style.left = `${(cell % this._columns) * this._size}px`;
    style.top = `${Math.floor(cell / this._columns) * this._size}px`;
    style.width = style.height = `${this._size - (this._size >= 10 ? 2 : 1)}px`;
  }

  // -- places: of an item among those shown; cells are squares

  _at(place) {
    return this.only ? this.only[place] : place;
  }

  _place(index) {
    if (index < 0) return -1;
    return this.only ? this.only.indexOf(index) : index < this.states.length ? index : -1;
  }

  _span(cell) {
    return [cell * this._each, Math.min(this.length, (cell + 1) * this._each)];
  }

  _urgent(cell) {
    const [begin, end] = this._span(cell);
    if (end - begin === 1) return this._at(begin);
    let best = this._at(begin);
    for (let place = begin + 1; place < end; place++) {
      const index = this._at(place);
      if (URGENCY.indexOf(this.states[index]) < URGENCY.indexOf(this.states[best])) best = index;
    }
    return best;
  }

  _under(event) {
    const column = Math.floor(event.offsetX / this._size);
    const cell = Math.floor(event.offsetY / this._size) * this._columns + column;
    return column < this._columns && cell >= 0 && cell < this._cells ? cell : null;
  }

  _describe(index) {
    return `item ${index}: ${STATES[CODES[this.states[index]]]?.word ?? "?"}`;
  }

  /** Say what is below the pointer or, with null, what is selected. */
  _tell(cell) {
    this._hovered = cell ?? undefined;
    if (cell === null || cell >= this._cells) {
      const hint = this.length ? "Point at an item, or use the arrow keys; Enter opens it." : "";
      say(this.status, this._place(this.selected) < 0 ? hint : plain(this._describe(this.selected)));
      return;
    }
    const [begin, end] = this._span(cell);
    if (end - begin === 1) return void say(this.status, this._describe(this._at(begin)));
    const counts = new Map();
    for (let place = begin; place < end; place++) {
      const { word } = STATES[CODES[this.states[this._at(place)]]];
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
    say(this.status, `items ${this._at(begin)} to ${this._at(end - 1)}: ` +
      [...counts].map(([word, count]) => `${count} ${word}`).join(", "));
  }

  // -- keys

  _key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.length) return;
    const row = this._columns * this._each;
    const here = this._place(this.selected);
    const steps = {
      ArrowRight: 1, ArrowLeft: -1, ArrowDown: row, ArrowUp: -row, PageDown: 10 * row, PageUp: -10 * row,
      Home: -Infinity, End: Infinity,
    };
    if (event.key in steps) {
      const next = here < 0 ? 0 : here + steps[event.key];
      this.select(this._at(Math.max(0, Math.min(this.length - 1, next))));
    } else if (event.key === "Enter" || event.key === " ") {
      if (here >= 0) this.onopen(this.selected);
    } else if (event.key === "n" || event.key === "N") {
      const failed = this.failure(event.key === "n" ? 1 : -1);
      if (failed >= 0) this.select(failed);
    } else {
      return;
    }
    event.preventDefault();
  }
}
