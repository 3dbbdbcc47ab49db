// One invocation in full: what it was given, what became of it, its attempts, its log.

import { ansi, bytes, el, plain, put, say, seconds, state } from "./dom.js";

const SPANS = [
  { key: "queued", word: "waited" },
  { key: "transfer", word: "transfer" },
  { key: "run", word: "ran" },
];

/** The parts of an item. `show(facts)` brings them up to date; what has not changed is left alone,
 *  with its selection and its place. */
export function itemDetails() {
  const parts = [
    part("Input", "input", (facts) => facts.input && el("code", {}, plain(facts.input))),
    part("Result", "result", (facts) => facts.result && el("code", {}, plain(facts.result))),
    part("Error", "error", (facts) => facts.error && el("code", {}, ansi(facts.error))),
    part("Attempts", "attempts", (facts) => facts.attempts.length && attempts(facts.attempts)),
    part("Traceback", "traceback", (facts) => facts.traceback && block(ansi(facts.traceback),
      "Remote traceback")),
    part("Log", "log", (facts) => facts.log && [
      facts.log_cut > 0 && el("div", { class: "nbf-faint" },
        `… ${facts.log_cut.toLocaleString("en")} characters before this are left out`),
      block(ansi(facts.log), "Log"),
    ]),
  ];
  const empty = el("p", { class: "nbf-faint" });
  const node = el("div", { class: "nbf-item" }, parts.map((each) => each.node), empty);
  return {
    node,
    show(facts) {
      for (const each of parts) each.show(facts);
      say(empty, facts.final || facts.log ? "" :
        facts.state === "queued" ? "It waits for a sandbox." : "It has written nothing yet.");
    },
  };
}

function part(title, key, make) {
  const content = el("div", { class: "nbf-item-content" });
  const node = el("div", { class: "nbf-item-part", "data-part": key },
    el("div", { class: "nbf-item-title" }, title), content);
  let last;
  return {
    node,
    show(facts) {
      const now = JSON.stringify(facts[key]);
      if (now === last) return;
      last = now;
      const old = content.querySelector("pre");
      const atEnd = old && old.scrollTop + old.clientHeight >= old.scrollHeight - 4;
      const made = make(facts);
      node.hidden = !made;
      put(content, made || null);
      const fresh = content.querySelector("pre");
      if (key === "log" && fresh && (atEnd || !old)) fresh.scrollTop = fresh.scrollHeight;
    },
  };
}

function block(text, label) {
  return el("pre", { tabindex: 0, role: "region", "aria-label": label }, text);
}

function attempts(all) {
  const longest = Math.max(...all.map((each) => each.queued + each.transfer + each.run), 1e-9);
  return [el("ol", { class: "nbf-attempts" }, all.map((each) => attempt(each, longest, all.length > 1))), key(all)];
}

function attempt(facts, longest, several) {
  const said = SPANS.map(({ key: name, word }) =>
    `${word} ${seconds(facts[name])}${name === "queued" && facts.cold ? " (cold start)" : ""}`);
  return el("li", {},
    el("div", { class: "nbf-row" }, el("span", { class: "nbf-bold" }, `${facts.number}.`),
      state(facts.state),
      el("span", { class: "nbf-faint" },
        said.join(", "), facts.memory > 0 && `; cpu ${seconds(facts.cpu)}, peak ${bytes(facts.memory)}`),
      facts.sandbox && el("span", { class: "nbf-faint nbf-cut", title: plain(facts.sandbox) },
        `in ${plain(facts.sandbox)}`)),
    el("div", { class: "nbf-spans", role: "img", "aria-label": said.join(", ") },
      SPANS.map(({ key: name }) => el("span", {
        class: `nbf-span nbf-span-${name === "queued" && facts.cold ? "cold" : name}`,
        style: { "flex-basis": `${(100 * facts[name]) / longest}%` },
      }))),
    several && facts.error && el("div", { class: "nbf-attempt-error" }, ansi(facts.error)));
}

function key(all) {
  const shown = [
    all.some((each) => !each.cold) && ["queued", "waiting"],
    all.some((each) => each.cold) && ["cold", "waiting, cold start"],
    ["transfer", "transfer"],
    ["run", "running"],
  ].filter(Boolean);
  return el("div", { class: "nbf-row nbf-faint nbf-key", "aria-hidden": "true" },
    shown.map(([name, word]) => el("span", {},
      el("span", { class: `nbf-swatch nbf-span-${name}` }), ` ${word}`)));
}
