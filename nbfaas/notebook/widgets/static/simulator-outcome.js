// What became of an event: its deliveries with their attempts, and what went on from there, as a tree.

import { ansi, button, clock, el, plain, put, seconds, state } from "./dom.js";
import { itemDetails } from "./item.js";
import { standing } from "./rule-leaves.js";

/** `show(outcome)`: null if nothing was sent. */
export class OutcomeTree {
  constructor(view) {
    this.node = el("div", { class: "nbf-outcome" });
    this._view = view;
    this._opened = new Map(); // invocations in full, by id
  }

  show(outcome) {
    const shown = JSON.stringify(outcome);
    if (shown === this._shown) return;
    this._shown = shown;
    const focus = document.activeElement?.closest?.("[data-focus]");
    const focused = this.node.contains(focus) ? focus.dataset.focus : null;
    put(this.node, outcome === null ? el("p", { class: "nbf-faint" }, "Nothing has been sent from here yet.") : this._outcome(outcome));
    if (focused) [...this.node.querySelectorAll("[data-focus]")].find((each) => each.dataset.focus === focused)?.focus();
    for (const [id, details] of this._opened) if (!details.final) this._fetch(id);
  }

  /** What to say of it, once it has come to its end. */
  static words(outcome) {
    if (outcome.refusal) return "The event was refused.";
    if (outcome.duplicate) return "The event is a duplicate, and is not delivered again.";
    if (outcome.call) return `${outcome.call.function}: ${outcome.call.state}`;
    if (!outcome.deliveries.length) return "The event was accepted; no rule matched.";
    return outcome.deliveries.map((each) => `${each.target}: ${each.word}`).join(", ");
  }

  _outcome(outcome) {
    const { event } = outcome;
    return [
      el("div", { class: "nbf-sent" }, el("strong", {}, plain(event.type)), " ",
        el("span", { class: "nbf-faint" }, `${plain(event.subject)} sent at ${clock(outcome.at)}, id `, el("code", {}, plain(event.id)))),
      event.poison && el("div", {}, "☠ poison: ", plain(event.poison)),
      outcome.refusal && el("div", { class: "nbf-error" }, el("strong", {}, "✗ refused: "), plain(outcome.refusal)),
      outcome.duplicate && el("p", {}, "■ A duplicate: an event with this source and id was accepted before, and is not delivered again. What became of that:"),
      outcome.call ? this._call(outcome.call)
        : outcome.deliveries.length ? this._list(outcome.deliveries)
          : !outcome.refusal && el("p", { class: "nbf-faint" }, outcome.triggers.length ? "Its deliveries are not known here." : "Accepted. No rule matched, so nothing was invoked."),
    ];
  }

  _call(call) {
    const parts = itemDetails();
    parts.show(call);
    return el("div", {}, el("div", { class: "nbf-row" }, state(call.state), el("strong", {}, plain(call.function)),
      el("span", { class: "nbf-faint" }, "invoked apart from the bus")), parts.node);
  }

  _list(deliveries) {
    return el("ul", { class: "nbf-tree" }, deliveries.map((each) => this._delivery(each)));
  }

  _delivery(delivery) {
    const key = `delivery ${delivery.number}`;
    return el("li", { "data-delivery": delivery.trigger },
      el("div", { class: "nbf-match-head" }, standing(delivery.state, delivery.word),
        el("span", { class: "nbf-match-name" }, el("strong", {}, plain(delivery.target)), el("span", { class: "nbf-faint" }, ` by ${plain(delivery.trigger)}`)),
        delivery.due && el("span", { class: "nbf-faint" }, `next attempt at ${clock(delivery.due)}`),
        delivery.dead && this._view.button("Redrive", "redrive", { number: delivery.number }, { class: "nbf-button nbf-small", dataset: { focus: key }, title: "Deliver it again, with all its attempts" })),
      delivery.reason && el("div", { class: "nbf-reason" }, plain(delivery.reason)),
      delivery.attempts.map((each) => this._attempt(each)),
      delivery.passed.length > 0 && el("ul", { class: "nbf-tree" }, delivery.passed.map((link) => el("li", {},
        el("div", {}, el("span", { "aria-hidden": "true" }, "↳ "), "passed on as ", el("strong", {}, plain(link.event.type)), " ",
          el("code", { class: "nbf-faint" }, plain(link.event.id))),
        link.deliveries.length ? this._list(link.deliveries) : el("div", { class: "nbf-faint" }, "no rule matched")))));
  }

  _attempt(attempt) {
    const times = [
      attempt.queued !== null && `waited ${seconds(attempt.queued)}${attempt.cold ? " (cold start)" : ""}`,
      attempt.wall !== null && `ran ${seconds(attempt.wall)}`,
    ].filter(Boolean).join(", ");
    const place = el("div");
    const node = el("div", { class: "nbf-try" },
      el("div", { class: "nbf-match-head" }, state(attempt.state), el("span", {}, `attempt ${attempt.number}`), el("span", { class: "nbf-faint" }, times),
        attempt.invocation && button(this._opened.has(attempt.invocation) ? "Less" : "More", () => this._toggle(attempt.invocation),
          { class: "nbf-button nbf-small", "data-focus": attempt.invocation, "aria-expanded": String(this._opened.has(attempt.invocation)), "aria-label": `All about attempt ${attempt.number}` })),
      attempt.error && el("div", { class: "nbf-said nbf-bad" }, "error: ", el("code", {}, ansi(attempt.error))),
      attempt.result && el("div", { class: "nbf-said" }, "result: ", el("code", {}, plain(attempt.result))),
      attempt.log && !this._opened.has(attempt.invocation) && el("pre", { tabindex: 0, role: "region", "aria-label": `Log of attempt ${attempt.number}` },
        attempt.cut > 0 && `… ${attempt.cut.toLocaleString("en")} characters before this\n`, ansi(attempt.log)), place);
    const details = this._opened.get(attempt.invocation);
    if (details?.id) {
      const parts = itemDetails();
      parts.show(details);
      place.append(parts.node);
    }
    return node;
  }

  _toggle(id) {
    if (this._opened.has(id)) this._opened.delete(id);
    else this._opened.set(id, {});
    this._redraw();
  }

  async _fetch(id) {
    try {
      const details = await this._view.ask("invocation", { invocation: id });
      if (this._opened.has(id) && JSON.stringify(this._opened.get(id)) !== JSON.stringify(details)) {
        this._opened.set(id, details);
        this._redraw();
      }
    } catch (error) {
      if (!error.told) throw error;
    }
  }

  _redraw() {
    const shown = JSON.parse(this._shown);
    this._shown = null;
    this.show(shown);
  }
}
