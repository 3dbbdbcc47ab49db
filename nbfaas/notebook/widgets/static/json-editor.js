// A text of JSON with line numbers, in which lines can be marked.

import { attribute, button, el, plain, put, say } from "./dom.js";

let editors = 0;

/** `onchange(text)` is called as it is typed in. `node` is the whole of it. */
export class JsonEditor {
  constructor({ label, onchange, rows = 16 }) {
    this.id = `nbf-editor-${++editors}-${Math.random().toString(36).slice(2, 8)}`;
    this._marks = new Map();
    this._lines = el("div", { class: "nbf-editor-lines", "aria-hidden": "true" });
    this.area = el("textarea", {
      id: this.id, rows, wrap: "off", spellcheck: "false", autocapitalize: "off", autocomplete: "off",
      "aria-describedby": `${this.id}-problems`,
      oninput: () => {
        this._draw();
        onchange(this.area.value);
      },
      onscroll: () => this._follow(),
    });
    this._problems = el("ul", { class: "nbf-problems", id: `${this.id}-problems`, "aria-label": `Problems of ${label}` });
    this.node = el("div", {},
      el("label", { class: "nbf-label", for: this.id }, label),
      el("div", { class: "nbf-editor" }, this._lines, this.area), this._problems);
  }

  get text() {
    return this.area.value;
  }

  /** Put another text there. */
  set(text) {
    if (this.area.value === text) return;
    this.area.value = text;
    this._draw();
  }

  /** What is wrong: [{path, message, line, column, stops}], shown in the text and below it. */
  showProblems(problems) {
    this.mark(problems.map((each) => ({ line: each.line, glyph: each.stops ? "✗" : "!", kind: each.stops ? "bad" : "odd" })));
    const shown = JSON.stringify(problems);
    if (shown === this._shown) return;
    this._shown = shown;
    put(this._problems, problems.map((each) => el("li", { class: each.stops ? "nbf-stops" : "" },
      button([el("span", { class: "nbf-glyph", "aria-hidden": "true" }, each.stops ? "✗" : "!"),
        ` line ${each.line}, column ${each.column}: `, el("code", {}, plain(each.path)), ` ${plain(each.message)}`],
      () => this.go(each.line, each.column), { class: "nbf-problem-link" }))));
    attribute(this.area, "aria-invalid", problems.length ? "true" : null);
  }

  /** Mark lines: [{line, glyph, kind}]; kind is bad, odd, good or poor. */
  mark(marks) {
    this._marks = new Map();
    for (const each of marks) {
      const there = this._marks.get(each.line);
      if (!there || there.kind === "good") this._marks.set(each.line, each);
    }
    this._draw();
  }

  /** Put the cursor there. */
  go(line, column) {
    const lines = this.area.value.split("\n");
    const at = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0) + column - 1;
    this.area.focus();
    this.area.setSelectionRange(at, at);
    this._scroll(line);
  }

  /** Have one of these lines in sight, unless somebody is typing here. It waits some frames for
   *  the editor to be put into the page. */
  reveal(lines, frames = 30) {
    if (!lines.length || document.activeElement === this.area) return;
    if (!this.area.clientHeight) {
      if (frames) requestAnimationFrame(() => this.reveal(lines, frames - 1));
      return;
    }
    const height = this.area.scrollHeight / Math.max(1, this.area.value.split("\n").length);
    const top = this.area.scrollTop / height;
    const bottom = (this.area.scrollTop + this.area.clientHeight) / height;
    if (!lines.some((line) => line > top && line < bottom)) this._scroll(Math.min(...lines));
  }

  _scroll(line) {
    const height = this.area.scrollHeight / Math.max(1, this.area.value.split("\n").length);
    this.area.scrollTop = Math.max(0, (line - 3) * height);
  }

  _draw() {
    const count = this.area.value.split("\n").length;
    while (this._lines.childElementCount > count) this._lines.lastChild.remove();
    while (this._lines.childElementCount < count) {
      this._lines.append(el("div", {}, el("span", {}, String(this._lines.childElementCount + 1))));
    }
    [...this._lines.children].forEach((row, index) => {
      const mark = this._marks.get(index + 1);
      row.className = mark ? `nbf-line-${mark.kind}` : "";
      say(row.firstChild, mark ? `${mark.glyph} ${index + 1}` : index + 1);
    });
    this._follow();
  }

  _follow() {
    this._lines.style.transform = `translateY(${-this.area.scrollTop}px)`;
  }
}
