// Which rules match an event, and which leaves of the others do not.

import { el, keyed, plain, put, state } from "./dom.js";

/** Whether something matched, as a glyph and a word. */
export function verdict(matched, words = ["matches", "does not match"]) {
  return el("span", { class: `nbf-state nbf-is-${matched ? "done" : "failed"}` },
    el("span", { class: "nbf-glyph", "aria-hidden": "true" }, matched ? "✓" : "✗"), ` ${words[matched ? 0 : 1]}`);
}

/** A state in other words than its own. */
export function standing(name, word) {
  const made = state(name);
  made.lastChild.textContent = ` ${plain(word)}`;
  return made;
}

/** The leaves of an explanation: each with what it wanted and what it found. */
export function leafTable(explanation) {
  let branch = null;
  const rows = explanation.leaves.flatMap((leaf) => {
    const head = leaf.branch !== branch && leaf.branch !== null && el("tr", {}, el("td", { colspan: 4, class: "nbf-faint" },
      `one of several: ${plain(leaf.branch)}${explanation.branches.includes(leaf.branch) ? " (this one decides)" : ""}`));
    branch = leaf.branch;
    return [head, el("tr", { class: leaf.matched ? "" : "nbf-leaf-failed" },
      el("td", {}, verdict(leaf.matched, ["matched", "failed"])),
      el("td", {}, el("code", {}, plain(leaf.path))),
      el("td", {}, plain(leaf.wanted)), el("td", {}, plain(leaf.found)))];
  });
  return el("div", { class: "nbf-leaves-scroll" },
    el("table", { class: "nbf-leaves" },
      el("thead", {}, el("tr", {}, ["Leaf", "Field", "Wanted", "Found"].map((each) => el("th", { scope: "col" }, each)))),
      el("tbody", {}, rows)),
    explanation.note && el("div", { class: "nbf-faint" }, plain(explanation.note)));
}

/** The triggers, those that match first. `show(matches)` brings the list up to date; what was opened
 *  or closed by hand stays so. */
export class MatchList {
  constructor() {
    this.node = el("ul", { class: "nbf-matches" });
    this._opened = new Map();
  }

  show(matches) {
    keyed(this.node, matches, (each) => each.trigger, () => el("li"), (item, match) => this._item(item, match));
  }

  _item(item, match) {
    const shown = JSON.stringify(match);
    if (item.shown === shown) return;
    item.shown = shown;
    const paused = match.paused && el("span", { class: "nbf-faint" }, " (paused: it would wait)");
    const head = [
      match.explanation ? verdict(match.matched) : el("span", { class: "nbf-state nbf-faint" }, el("span", { class: "nbf-glyph", "aria-hidden": "true" }, "–"), " not asked"),
      el("span", { class: "nbf-match-name", title: plain(`${match.trigger} → ${match.target}`) },
        el("strong", {}, plain(match.trigger)), ` → ${plain(match.target)}`), paused,
    ];
    if (!match.explanation) {
      put(item, el("div", { class: "nbf-match-head" }, head), el("div", { class: "nbf-faint nbf-match-note" }, plain(match.note)));
      return;
    }
    const open = this._opened.get(match.trigger) ?? !match.matched;
    put(item, el("details", { open, ontoggle: (event) => {
      if (event.target.open !== (this._opened.get(match.trigger) ?? !match.matched)) this._opened.set(match.trigger, event.target.open);
    } }, el("summary", { class: "nbf-match-head" }, head), leafTable(match.explanation)));
  }
}
