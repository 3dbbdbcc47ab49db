// Many events like the draft: how many, how fast, what differs; and how it goes.

import { button, el, number, plain, put, say, seconds } from "./dom.js";
import { places } from "./json-text.js";
import { standing } from "./rule-leaves.js";

const VARIATIONS = {
  range: { word: "number from … to …", options: [["low", "1", "from"], ["high", "100", "to"], ["digits", "2", "digits"]] },
  choice: { word: "one of …", options: [["values", "1, 2, 3", "values, or a JSON list"], ["weights", "", "weights"]] },
  counter: { word: "counter", options: [["start", "1", "from"], ["step", "1", "step"], ["text", "A-{}", "text with {}"]] },
  uuid: { word: "UUID", options: [] },
  times: { word: "time", options: [["start", "", "from (now)"], ["every", "1", "seconds apart"]] },
};

export class BurstPanel {
  /** `draft()` is the event's text, `value()` what it stands for. */
  constructor(view, draft, value) {
    this._view = view;
    this._value = value;
    const list = `nbf-places-${view.id}`;
    const kept = view.memory.burst; // what was typed before the view was drawn anew
    this._fields = [];
    const field = (label, name, type, value_, attributes = {}) => {
      const input = el("input", { type, value: kept?.fields[name] ?? value_, "data-name": name, ...attributes });
      this._fields.push(input);
      this[name] = input;
      return el("label", { class: "nbf-inline" }, el("span", {}, label), input);
    };
    this._places = el("datalist", { id: list });
    this._list = list;
    this._rows = el("tbody");
    this._table = el("table", { class: "nbf-vary", hidden: true }, el("thead", {}, el("tr", {}, ["Field", "Becomes", "Options", ""].map((each) => el("th", { scope: "col" }, each)))), this._rows);
    this._start = view.button("Send burst", "start_burst", () => ({ text: draft(), options: this.options() }), { class: "nbf-button nbf-primary" });
    this._cancel = view.button("Cancel", "cancel_burst");
    this._progress = el("div", { class: "nbf-burst", "aria-live": "off" });
    const keep = () => this._keep();
    this.node = el("div", { oninput: keep, onchange: keep },
      el("div", { class: "nbf-row" },
        field("Events", "n", "number", "100", { min: 1, max: 1000000, step: 1 }),
        field("Rate (a second)", "rate", "number", "", { min: 0, step: "any", placeholder: "all at once" }),
        field("Seed", "seed", "text", "", { placeholder: "random" }),
        field("Duplicates %", "duplicates", "number", "0", { min: 0, max: 100, step: "any" }),
        field("Poison %", "poison", "number", "0", { min: 0, max: 100, step: "any", title: "Events with broken data" })),
      el("div", { class: "nbf-faint nbf-hint" }, "Each burst is another one. With an id in the event, the same seed makes the very same events again."),
      this._table, this._places,
      el("div", { class: "nbf-row" }, button("+ Vary a field", () => this._add()), this._start, this._cancel),
      this._progress);
    for (const each of kept?.vary ?? []) this._add(each);
  }

  _keep() {
    const fields = Object.fromEntries(this._fields.map((each) => [each.dataset.name, each.value]));
    this._view.memory.burst = { fields, vary: this.options().vary };
  }

  options() {
    const share = (input) => Number(input.value || 0) / 100;
    return {
      n: Math.round(Number(this.n.value || 0)),
      rate: this.rate.value === "" ? null : Number(this.rate.value),
      seed: this.seed.value,
      duplicates: share(this.duplicates),
      poison: share(this.poison),
      vary: [...this._rows.children].map((row) => row.read()),
    };
  }

  /** A row to vary a field in; `kept` is what stood in it before. */
  _add(kept = null) {
    put(this._places, places(this._value() ?? {}).map((each) => el("option", { value: each })));
    const path = el("input", { type: "text", list: this._list, placeholder: "$.data.total", value: kept?.path, "aria-label": "Field to vary", class: "nbf-path" });
    const options = el("td");
    const kind = el("select", { "aria-label": "What it becomes", onchange: () => draw() },
      Object.entries(VARIATIONS).map(([name, { word }]) => el("option", { value: name, selected: kept?.kind === name }, word)));
    const draw = () => put(options, VARIATIONS[kind.value].options.map(([name, value, label]) => el("label", { class: "nbf-inline" },
      el("span", { class: "nbf-faint" }, label), el("input", { type: "text", value: kept?.kind === kind.value ? kept.options[name] : value, "data-option": name, size: Math.max(4, value.length) }))));
    const row = el("tr", {}, el("td", {}, path), el("td", {}, kind), options,
      el("td", {}, button("✕", () => {
        row.remove();
        this._table.hidden = !this._rows.childElementCount;
        this._keep();
        this.node.querySelector("button")?.focus();
      }, { class: "nbf-button nbf-small", "aria-label": "Do not vary this field" })));
    row.read = () => ({
      path: path.value.trim(), kind: kind.value,
      options: Object.fromEntries([...options.querySelectorAll("input")].map((each) => [each.dataset.option, each.value])),
    });
    draw();
    this._rows.append(row);
    this._table.hidden = false;
    if (!kept) path.focus();
  }

  show(burst) {
    this._start.hidden = Boolean(burst?.sending);
    this._cancel.hidden = !burst?.sending;
    if (!burst) {
      put(this._progress);
      return;
    }
    if (!this._bar?.isConnected) {
      this._bar = el("progress", { max: 1, "aria-label": "Events sent" });
      this._words = el("div", { role: "status" });
      this._figures = el("div");
      put(this._progress, this._bar, this._words, this._figures);
    }
    this._bar.max = burst.total;
    this._bar.value = burst.sent;
    const done = burst.sending ? "" : burst.cancelled ? " Cancelled." : burst.settled ? " All are done or dead." : " All are sent.";
    say(this._words, `${number(burst.sent)} of ${number(burst.total)} sent.${done}`);
    const rate = burst.seconds > 0 ? `${number(burst.sent / burst.seconds)} a second, ` : "";
    put(this._figures,
      el("div", { class: "nbf-row nbf-figures" },
        [["accepted", burst.accepted], ["duplicates", burst.duplicates], ["refused", burst.refused], ["poison", burst.poison], ["matched no rule", burst.unmatched]]
          .map(([word, count]) => el("span", {}, el("strong", {}, number(count)), ` ${word}`)),
        el("span", { class: "nbf-faint" }, `${rate}${seconds(burst.seconds)}, seed ${plain(burst.seed)}`)),
      Object.entries(burst.reasons).map(([reason, count]) => el("div", {}, `✗ ${number(count)} refused: ${plain(reason)}`)),
      burst.standing.length > 0 && el("div", { class: "nbf-row nbf-figures" },
        el("span", { class: "nbf-faint" }, burst.followed < burst.delivered ? `Of the first ${number(burst.followed)} that matched:` : "Of those that matched:"),
        burst.standing.map((each) => el("span", {}, standing(each.state, each.word), " ", el("strong", {}, number(each.count))))),
      burst.letters.length > 0 && el("details", { open: this._lettersOpen ?? true, ontoggle: (event) => { this._lettersOpen = event.target.open; } },
        el("summary", {}, `Dead letters (${number(burst.letters.length + burst.more_letters)})`),
        el("ul", { class: "nbf-letters" }, burst.letters.map((each) => el("li", {}, el("span", { class: "nbf-glyph nbf-red", "aria-hidden": "true" }, "✗"),
" ", this._view.button(`${plain(each.type)} ${plain(each.subject)} ${plain(each.id)}`, "choose_event", { id: each.id }, { class: "nbf-link", title: "Show what became of it" }), each.poison && ` poison: ${plain(each.poison)}`)),
        burst.more_letters > 0 && el("li", { class: "nbf-faint" }, `and ${number(burst.more_letters)} more; %faas dlq lists all`))));
  }
}
