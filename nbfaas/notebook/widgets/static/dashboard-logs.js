// The panel of what functions write.

import { ansi, clock, el, keyed, plain, put, say } from "./dom.js";
import { hint, shown } from "./dashboard-tables.js";

const TYPING = 250; // milliseconds of silence after which what was typed is looked for

export function logsPanel(view, store) {
  const names = el("select", { "aria-label": "Only lines of this function", onchange: find });
  const text = el("input", {
    type: "search",
    placeholder: "contains…",
    "aria-label": "Only lines that contain this text",
    oninput: typed,
  });
  const note = el("span", { class: "nbf-faint", role: "status" });
  const lines = el("div", {
    class: "nbfd-log",
    tabindex: 0,
    role: "log",
    "aria-label": "Output of functions",
    "aria-live": "off",
  });
  const none = hint(
    "Nothing has been written since the dashboard was opened. What functions print shows up here.",
  );
  const noMatch = hint("No line matches.");
  let timer = 0;
  let options = "";

  function typed() {
    clearTimeout(timer);
    timer = setTimeout(find, TYPING);
  }
  async function find() {
    clearTimeout(timer);
    try {
      await view.ask("find_lines", { function: names.value, text: text.value });
    } catch (error) {
      if (!error.told) throw error;
    }
  }
  function choices() {
    const known = view.get("log_functions");
    const wanted = view.get("log_filter");
    const state = JSON.stringify([known, wanted.function]);
    if (state === options) return;
    options = state;
    put(
      names,
      ["", ...known].map((name) =>
        el(
          "option",
          { value: name, selected: name === wanted.function },
          name ? plain(name) : "All functions",
        ),
      ),
    );
    names.value = wanted.function;
    if (document.activeElement !== text) text.value = wanted.text;
  }

  return {
    node: el("div", {}, el("div", { class: "nbf-row" }, names, text, note), none, noMatch, lines),
    draw() {
      choices();
      const atEnd = lines.scrollTop + lines.clientHeight >= lines.scrollHeight - 8;
      keyed(
        lines,
        store.lines,
        (line) => line.n,
        (line) =>
          el(
            "div",
            { class: line.stream === 2 ? "nbfd-line-of nbfd-stderr" : "nbfd-line-of" },
            el("span", { class: "nbf-faint" }, `${clock(line.at)} `),
            el(
              "span",
              {
                class: "nbfd-who nbf-cut",
                title: `${plain(line.function)}, ${plain(line.invocation)}`,
              },
              plain(line.function),
            ),
            el(
              "span",
              { class: "nbfd-said" },
              line.stream === 2 && el("span", { class: "nbf-hidden" }, "stderr: "),
              ansi(line.text),
            ),
          ),
      );
      if (atEnd) lines.scrollTop = lines.scrollHeight;
      const filtered = store.filter.function || store.filter.text;
      shown(none, !store.lines.length && !filtered);
      shown(noMatch, !store.lines.length && filtered);
      shown(lines, store.lines.length);
      say(
        note,
        store.lines.length
          ? `${store.lines.length} lines${store.lines.length >= 200 ? ", the latest" : ""}`
          : "",
      );
    },
    close: () => clearTimeout(timer),
  };
}
