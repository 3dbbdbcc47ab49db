// Panels of events: the stream, and the dead letters.

import { button, clock, el, number, plain, put, say, seconds } from "./dom.js";
import { cut, grid, hint, mark, scrolled, shown } from "./dashboard-tables.js";

export function eventsPanel(view, store) {
  const rows = grid(
    "Events, the latest first",
    [
      { head: "Time", cell: (row) => clock(row.at) },
      { head: "State", cell: (row) => mark(row.state) },
      {
        head: "Event",
        wide: true,
        cell: (row) =>
          cut(
            [row.type, row.event, row.source && `from ${row.source}`].filter(Boolean).join(" ") ||
              "–",
          ),
      },
      {
        head: "Trigger",
        wide: true,
        cell: (row) => cut(row.trigger || (row.state === "unmatched" ? "for nobody" : "–")),
      },
      { head: "Detail", wide: 2, cell: (row) => cut(row.detail) },
    ],
    (row) => row.n,
  );
  const none = hint(
    "No events yet. ",
    el("code", {}, 'nbfaas.emit("order.created", {…})'),
    " sends one; triggers (",
    el("code", {}, "@on.event(…)"),
    ", ",
    el("code", {}, "@on.schedule(…)"),
    ") wait for them.",
  );
  const table = scrolled(rows.node, "Events, scrolled");
  return {
    node: el("div", {}, none, table),
    draw() {
      rows.draw(store.events.slice(-100).reverse());
      shown(none, !store.events.length);
      shown(table, store.events.length);
    },
  };
}

export function lettersPanel(view) {
  let chosen = null; // number of the letter whose details are shown
  const details = el("div", {
    class: "nbfd-letter",
    role: "group",
    "aria-label": "The dead letter in full",
    tabindex: -1,
  });
  const table = grid(
    "Dead letters, the latest first",
    [
      { head: "N", number: true, cell: (row) => number(row.number) },
      { head: "Trigger", wide: true, cell: (row) => cut(row.trigger) },
      { head: "Event", wide: true, cell: (row) => cut(`${row.type} ${row.event}`) },
      { head: "Died", cell: (row) => clock(row.died_at) },
      { head: "Tries", number: true, cell: (row) => number(row.attempts) },
      {
        head: "Why",
        wide: 2,
        cell: (row) => cut(row.error ? `${row.reason}: ${row.error}` : row.reason),
      },
      {
        head: "",
        cell: (row) =>
          el(
            "span",
            { class: "nbfd-buttons" },
            button("Details", () => open(row.number), {
              "aria-label": `Details of dead letter ${row.number}`,
            }),
            view.button(
              "Redrive",
              "redrive",
              { numbers: [row.number] },
              { "aria-label": `Redrive dead letter ${row.number}` },
            ),
            sure(
              view,
              "Purge",
              "purge",
              { numbers: [row.number] },
              `Purge dead letter ${row.number}`,
            ),
          ),
      },
    ],
    (row) => row.number,
  );
  const count = el("span");
  const all = el(
    "div",
    { class: "nbf-row" },
    count,
    view.button("Redrive all", "redrive_all"),
    sure(view, "Purge all", "purge_all", {}, "Purge all dead letters"),
  );
  const none = hint(
    "No dead letters. Events whose delivery was given up after all attempts come here, to be looked at and delivered again.",
  );
  const closed = hint(
    "Events have not been used in this session. ",
    view.button("Look for dead letters of earlier sessions", "open_events"),
  );
  const body = scrolled(table.node);

  async function open(wanted) {
    let letter;
    try {
      letter = await view.ask("letter", { number: wanted });
    } catch (error) {
      if (!error.told) throw error;
      return;
    }
    chosen = wanted;
    put(
      details,
      el(
        "div",
        { class: "nbf-row" },
        el("strong", {}, `Dead letter ${letter.number}`),
        el(
          "span",
          {},
          `${plain(letter.trigger)} → ${plain(letter.target)}: ${plain(letter.reason)}`,
        ),
        button("Close", () => {
          chosen = null;
          put(details);
        }),
      ),
      letter.tries.map((each) =>
        el(
          "div",
          { class: "nbfd-try" },
          `Attempt ${each.attempt}, ${each.state}, ${clock(each.began_at)}`,
          each.wall === null ? "" : `, ${seconds(each.wall)}`,
          each.invocation ? `, ${plain(each.invocation)}` : "",
          each.error && el("pre", {}, plain(each.error)),
        ),
      ),
      el("pre", {}, plain(letter.text)),
    );
    details.focus();
  }

  return {
    node: el("div", {}, closed, none, all, body, details),
    draw() {
      const letters = view.get("letters");
      table.draw(letters.rows);
      shown(closed, !letters.events);
      shown(none, letters.events && !letters.total);
      shown(all, letters.total);
      shown(body, letters.total);
      say(
        count,
        letters.rows.length < letters.total
          ? `${number(letters.total)} dead letters, the latest ${letters.rows.length} are listed`
          : `${number(letters.total)} dead letter${letters.total === 1 ? "" : "s"}`,
      );
      if (chosen !== null && !letters.rows.some((row) => row.number === chosen)) {
        chosen = null;
        put(details);
      }
    },
  };
}

/** A button that asks for a second press: what it does can't be undone. */
function sure(view, label, action, payload, name) {
  const place = el("span", { class: "nbf-sure" });
  const ask = button(
    label,
    () => {
      const yes = view.button("Really?", action, payload, {
        "aria-label": `Really: ${name}?`,
        class: "nbf-button nbfd-danger",
      });
      const back = () => {
        clearTimeout(timer);
        put(place, ask);
      };
      const timer = setTimeout(back, 4000);
      yes.addEventListener("click", back);
      put(place, yes);
      yes.focus();
    },
    { "aria-label": name },
  );
  return put(place, ask);
}
