// How the timeline is painted: an axis, and a bar for every invocation.

import { clock } from "./dom.js";

export const ROW = 20; // pixels of a track
export const AXIS = 18; // pixels of the axis
export const COLD_BIT = 4; // of a bar's code; the lower two bits are its state, 0 for success
const LEAST = 90; // pixels between two marks of the axis
const STEPS = [
  0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30,
  60, 120, 300, 600, 1800, 3600,
];

/** Where a time is, in pixels. `at`: {end, width}, both in seconds. */
export function place(at, width, time) {
  return width * (1 - (at.end - time) / at.width);
}

/** Paint `shown`: {store, at, tracks, rows (track → row), hues (function → colour), running, width,
 *  height, scale}. `style` is that of the widget, for the theme's colours. */
export function paint(canvas, style, shown) {
  const { store, at, rows, width } = shown;
  const context = canvas.getContext("2d");
  const ink = (name) => style.getPropertyValue(`--nbf-${name}`).trim();
  context.setTransform(shown.scale, 0, 0, shown.scale, 0, 0);
  context.clearRect(0, 0, width, shown.height);
  context.font = `11px ${style.fontFamily}`;
  context.textBaseline = "middle";
  paintAxis(context, shown, ink("line"), ink("faint"));
  const x = (time) => place(at, width, time);
  const failed = ink("failed");
  const begin = at.end - at.width;
  const filled = new Float64Array(shown.tracks.length).fill(-1); // up to where, by row
  for (let i = 0; i < store.count; i++) {
    const row = rows.get(store.track[i]);
    const end = store.begin[i] + store.length[i];
    if (row === undefined || store.begin[i] > at.end || end < begin) continue;
    const left = Math.max(-2, x(store.begin[i]));
    const right = Math.min(width + 2, x(end));
    const bad = store.code[i] & 3;
    const cold = store.code[i] & COLD_BIT;
    const chosen = store.first + i === at.number;
    if (right - filled[row] < 0.7 && !bad && !cold && !chosen) continue; // behind the one before
    filled[row] = Math.max(right, left + 1);
    const waited = cold ? Math.max(-2, x(store.begin[i] - store.wait[i])) : null;
    paintBar(context, shown, row, { left, right: filled[row], waited, failed: bad && failed });
    if (chosen) {
      context.strokeStyle = ink("text");
      context.lineWidth = 2;
      context.strokeRect(left - 1, row * ROW + 2, filled[row] - left + 2, ROW - 3);
    }
  }
  for (const [track, since] of shown.running) {
    const row = rows.get(track);
    const [left, right] = [Math.max(-2, x(since)), Math.min(x(store.now()), width + 2)];
    if (row === undefined || right <= left) continue;
    paintBar(context, shown, row, { left, right, waited: null, failed: 0, more: " …" });
  }
}

function paintAxis(context, { at, width, tracks }, line, faint) {
  const base = tracks.length * ROW;
  const step = STEPS.find((each) => (each / at.width) * width > LEAST) ?? 3600;
  const marks = [];
  context.strokeStyle = line;
  context.lineWidth = 1;
  context.globalAlpha = 0.6;
  context.beginPath();
  for (let row = 0; row <= tracks.length; row++) {
    context.moveTo(0, row * ROW + 0.5);
    context.lineTo(width, row * ROW + 0.5);
  }
  for (let time = Math.ceil((at.end - at.width) / step) * step; time <= at.end; time += step) {
    const x = Math.round(place(at, width, time)) + 0.5;
    context.moveTo(x, 0);
    context.lineTo(x, base + 4);
    marks.push([x, time]);
  }
  context.stroke();
  context.globalAlpha = 1;
  context.fillStyle = faint;
  const digits = step < 1 ? Math.min(4, Math.ceil(-Math.log10(step))) : 0;
  for (const [x, time] of marks) {
    const text = clock(time) + (digits ? (time % 1).toFixed(digits).slice(1) : "");
    if (x + context.measureText(text).width < width) context.fillText(text, x + 3, base + 11);
  }
}

/** `waited`: where the wait for a cold start begins, null for none; `failed`: a colour, or 0. */
function paintBar(context, { tracks, hues }, row, { left, right, waited, failed, more = "" }) {
  const [top, height] = [row * ROW + 3, ROW - 5];
  const name = tracks[row][2];
  const cold = waited !== null;
  if (cold) hatch(context, waited, top, left - waited, height, hues.get(name));
  context.fillStyle = hues.get(name);
  context.fillRect(left, top, right - left, height);
  if (failed) {
    context.fillStyle = failed;
    context.fillRect(left, top + height - 4, right - left, 4);
  }
  if (cold && right - left > 4)
    hatch(context, left, top, Math.min(10, right - left), height, "#fff");
  const from = Math.max(left, 0);
  if (right - from < 30) return;
  context.save();
  context.beginPath();
  context.rect(from, top, right - from - 2, height);
  context.clip();
  context.fillStyle = "#fff";
  const text = `${failed ? "✗ " : cold ? "❄ " : ""}${name}${more}`;
  context.fillText(text, from + (cold ? 12 : 4), top + height / 2);
  context.restore();
}

function hatch(context, left, top, width, height, colour) {
  if (width < 1) return;
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  context.beginPath();
  for (let x = left - height; x < left + width; x += 5) {
    context.moveTo(x, top + height);
    context.lineTo(x + height, top);
  }
  context.stroke();
  context.restore();
}
