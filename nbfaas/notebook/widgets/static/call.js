// A call: its state, and all that is known of it.

import { el, plain, put, say, seconds, state } from "./dom.js";
import { itemDetails } from "./item.js";
import { widget } from "./view.js";

export default widget({
  fields: ["facts", "elapsed", "brief"],
  label: (view) => `Call of ${view.get("facts")?.function ?? "a function"}`,
  build(view) {
    const name = el("strong", { class: "nbf-cut" });
    const verdict = el("span");
    const id = el("span", { class: "nbf-faint nbf-cut" });
    const time = el("span", { class: "nbf-faint" });
    const cancel = view.button("Cancel", "cancel");
    const rerun = view.button("Run again", "rerun");
    const details = itemDetails();
    // The view is drawn anew when the call has ended.
    const kept = (view.memory.call ??= { open: !view.get("brief") });
    const more = el("details", { class: "nbf-more", open: kept.open, ontoggle: () => (kept.open = more.open) },
      el("summary", {}, "Details"), details.node);
    put(view.body,
      el("div", { class: "nbf-row nbf-head" }, name, verdict, time, id,
        el("span", { class: "nbf-buttons" }, cancel, rerun)),
      more);
    let told;
    return {
      update() {
        const facts = view.get("facts");
        if (!facts) return;
        say(name, plain(facts.function));
        name.title = plain(facts.function);
        say(id, plain(facts.id));
        put(verdict, state(facts.state));
        say(time, `${facts.final ? "took" : "for"} ${seconds(view.get("elapsed"))}`);
        cancel.hidden = facts.final;
        rerun.hidden = !facts.final;
        details.show(facts);
        if (told && told !== facts.state && facts.final) view.announce(`${plain(facts.function)}: ${facts.state}`);
        told = facts.state;
      },
    };
  },
});
