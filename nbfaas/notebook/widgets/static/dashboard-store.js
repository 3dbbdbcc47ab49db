// What the dashboard is told in pieces: bars of the timeline, seconds of the charts, events, lines.
// Every item has a number, so what comes twice (because another view asked for all) is passed over.

export const SERIES = ["at", "calls", "errors", "waiting", "running", "p50", "p95", "p99"];
const MOST_SPANS = 40_000;
const MOST_SECONDS = 300;
const MOST_ROWS = 500;
const SPAN_COLUMNS = [
  ["begin", Float64Array],
  ["length", Float32Array],
  ["wait", Float32Array],
  ["track", Uint32Array],
  ["code", Uint8Array],
];

/** A piece of a message as an array of `Kind`; the bytes may begin anywhere. */
function typed(view, Kind) {
  return new Kind(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

export class Store {
  constructor() {
    this.first = 0; // number of the first bar
    this.count = 0; // of bars
    for (const [name, Kind] of SPAN_COLUMNS) this[name] = new Kind(2 * MOST_SPANS);
    this.seconds = []; // rows, each an object by SERIES
    this.events = [];
    this.lines = [];
    this.filter = { function: "", text: "" };
    this.ahead = 0; // seconds that the kernel's clock is ahead of ours
    this.ended = null; // when the kernel was last there, if it is not
    this._next = { series: 0, events: 0, lines: 0 };
    this._begun = false;
  }

  /** Seconds since the epoch, by the kernel's clock. */
  now() {
    return this.ended ?? Date.now() / 1000 + this.ahead;
  }

  /** Take a message in. Those before the first that has all there is are of what that has as well:
   * taken in, they would have what is older passed over. */
  take(content, [rows, ...columns]) {
    if (!this._begun && !content.whole) return;
    this._begun = true;
    this.ahead = content.now - Date.now() / 1000;
    this._takeSeconds(content.series, typed(rows, Float64Array));
    this._takeSpans(content.spans, columns);
    this._takeRows("events", content.events);
    if (JSON.stringify(content.filter) !== JSON.stringify(this.filter)) {
      this.filter = content.filter;
      this.lines = [];
      this._next.lines = 0;
    }
    this._takeRows("lines", content.lines);
  }

  _takeSeconds(first, values) {
    const width = SERIES.length;
    for (let at = 0; at < values.length; at += width) {
      const number = first + at / width;
      if (number < this._next.series) continue;
      this._next.series = number + 1;
      this.seconds.push(Object.fromEntries(SERIES.map((name, i) => [name, values[at + i]])));
    }
    this.seconds.splice(0, this.seconds.length - MOST_SECONDS);
  }

  _takeSpans(first, pieces) {
    const columns = pieces.map((piece, i) => typed(piece, SPAN_COLUMNS[i][1]));
    const next = this.first + this.count;
    const size = columns[0].length;
    if (!size || first + size <= next) return;
    if (first > next) [this.first, this.count] = [first, 0]; // some are missing
    const from = Math.max(0, this.first + this.count - first);
    if (this.count + size - from > 2 * MOST_SPANS) this._drop(this.count - MOST_SPANS);
    SPAN_COLUMNS.forEach(([name], i) => this[name].set(columns[i].subarray(from), this.count));
    this.count += size - from;
  }

  _drop(surplus) {
    for (const [name] of SPAN_COLUMNS) this[name].copyWithin(0, surplus, this.count);
    this.first += surplus;
    this.count -= surplus;
  }

  _takeRows(name, rows) {
    for (const row of rows) {
      if (row.n < this._next[name]) continue;
      this._next[name] = row.n + 1;
      this[name].push(row);
    }
    this[name].splice(0, this[name].length - MOST_ROWS);
  }
}
