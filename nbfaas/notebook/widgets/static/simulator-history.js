// What was sent, what is saved, and the draft as code.

import { button, clock, el, keyed, plain, put, say } from "./dom.js";
import { standing } from "./rule-leaves.js";

export class HistoryPanel {
  constructor(view) {
    this._view = view;
    this._empty = el("p", { class: "nbf-faint" }, "Nothing has been sent in this session yet.");
    this._body = el("tbody");
    this._table = el("table", { class: "nbf-history" }, el("thead", {}, el("tr", {}, ["Sent", "Event", "State", ""].map((each) => el("th", { scope: "col" }, each)))), this._body);
    this._bursts = el("input", { type: "checkbox", onchange: (event) => view.ask("show_bursts", { on: event.target.checked }).catch(quiet) });
    this.node = el("div", {}, el("label", { class: "nbf-inline" }, this._bursts, el("span", {}, "Also those of bursts")), this._empty, el("div", { class: "nbf-scroll" }, this._table));
  }

  show(rows, chosen, bursts) {
    this._bursts.checked = bursts;
    this._empty.hidden = rows.length > 0;
    this._table.hidden = !rows.length;
    keyed(this._body, rows, (each) => each.key, () => el("tr"), (row, each) => {
      row.classList.toggle("nbf-chosen", each.key === chosen);
      const shown = JSON.stringify(each);
      if (row.shown === shown) return;
      row.shown = shown;
      const name = `${plain(each.type)} ${plain(each.subject)} of ${clock(each.at)}`;
      const focused = row.contains(document.activeElement) ? document.activeElement.dataset.action : null;
      put(row, el("td", { class: "nbf-nowrap" }, clock(each.at)),
        el("td", { class: "nbf-what" },
          this._view.button(el("span", {}, plain(each.type), each.subject && ` ${plain(each.subject)}`), "choose", { key: each.key }, { class: "nbf-link", title: `Show what became of ${plain(each.id)}` }),
          each.to && el("span", { class: "nbf-faint" }, ` to ${plain(each.to)}${each.direct ? ", apart from the bus" : ""}`),
          each.poison && el("span", {}, ` ☠ ${plain(each.poison)}`)),
        el("td", { class: "nbf-nowrap" }, standing(each.state, each.word)),
        el("td", { class: "nbf-nowrap" },
          this._view.button("Replay", "replay", { key: each.key }, { class: "nbf-button nbf-small", "aria-label": `Replay ${name}` }), " ",
          this._view.button("Edit and resend", "edit_again", { key: each.key }, { class: "nbf-button nbf-small", "aria-label": `Edit and resend ${name}` })));
      if (focused) row.querySelector(`[data-action="${focused}"]`)?.focus();
    });
  }
}

export class SavedPanel {
  constructor(view, draft) {
    this._view = view;
    this._name = el("input", { type: "text", placeholder: "name", "aria-label": "Name to save the event under" });
    this._told = el("span", { class: "nbf-faint", role: "status" });
    this._list = el("ul", { class: "nbf-saved" });
    this._empty = el("p", { class: "nbf-faint" }, "No events are saved in this project yet: .nbfaas/events/NAME.json.");
    const save = async () => {
      say(this._told, "");
      const path = await view.ask("save", { name: this._name.value.trim(), text: draft() }).catch(quiet);
      if (path) say(this._told, `Saved as ${path}`);
    };
    this.node = el("div", {}, el("div", { class: "nbf-row" }, el("label", { class: "nbf-inline" }, el("span", {}, "Save the event as"), this._name),
      button("Save", save, { "data-action": "save" }), this._told), this._empty, this._list);
  }

  show(saved) {
    this._empty.hidden = saved.length > 0;
    keyed(this._list, saved, (each) => JSON.stringify(each), (each) => el("li", { class: "nbf-row" },
      el("strong", { class: "nbf-match-name" }, plain(each.name)),
      each.problem ? el("span", {}, "✗ can't be used: ", plain(each.problem)) : el("span", { class: "nbf-faint nbf-match-name" }, plain(each.type)),
      !each.problem && this._view.button("Load", "load", { name: each.name }, { class: "nbf-button nbf-small", "aria-label": `Load ${plain(each.name)}` }),
      this._deleting(each.name)));
  }

  /** It takes two clicks. */
  _deleting(name) {
    const made = this._view.button("Really delete", "delete", { name }, { class: "nbf-button nbf-small nbf-danger", hidden: true, "aria-label": `Really delete ${plain(name)}`, onblur: () => ask(false) });
    const first = button("Delete", () => ask(true), { class: "nbf-button nbf-small", "aria-label": `Delete ${plain(name)}` });
    const ask = (on) => {
      made.hidden = !on;
      first.hidden = on;
      if (on) made.focus();
    };
    return el("span", {}, first, made);
  }
}

const KINDS = { python: "Python", curl: "curl", pytest: "pytest" };
const NOTES = {
  python: "Each run emits an event of its own.",
  curl: "The gateway listens now. The token is nbfaas.endpoint().token: export it as NBFAAS_TOKEN.",
  pytest: "Calls the function in the test's own process.",
};

export class CopyPanel {
  constructor(view, draft) {
    this._area = el("textarea", { rows: 10, readonly: true, wrap: "off", spellcheck: "false", "aria-label": "The event as code" });
    const told = el("span", { class: "nbf-faint", role: "status" });
    const note = el("div", { class: "nbf-faint" });
    const make = async (kind) => {
      const code = await view.ask("copy", { kind, text: draft() }).catch(quiet);
      if (code === undefined) return;
      this._area.value = code;
      box.hidden = false;
      say(note, NOTES[kind]);
      say(told, "");
    };
    const copy = async () => {
      this._area.select();
      const done = await this._toClipboard();
      say(told, done ? "Copied." : "There is no clipboard here: it is selected, press Ctrl+C.");
    };
    const box = el("div", { class: "nbf-code", hidden: true }, note, this._area, el("div", { class: "nbf-row" }, button("Copy", copy, { "data-copy": "" }), told));
    this.node = el("div", {}, el("div", { class: "nbf-row" }, Object.entries(KINDS).map(([kind, word]) => button(`As ${word}`, () => make(kind)))), box);
  }

  async _toClipboard() {
    try {
      await navigator.clipboard.writeText(this._area.value);
      return true;
    } catch {
      return document.execCommand?.("copy") ?? false;
    }
  }
}

/** For promises whose errors are told already. */
export function quiet(error) {
  if (!error.told) throw error;
}
