// A pattern and an event side by side; each leaf of the pattern is marked in both.

import { el, put } from "./dom.js";
import { JsonEditor } from "./json-editor.js";
import { keeping } from "./pages.js";
import { leafTable, verdict } from "./rule-leaves.js";
import { widget } from "./view.js";

export default widget({ fields: ["texts", "result"], label: "Rule tester", build: (view) => new RuleTester(view) });

class RuleTester {
  constructor(view) {
    this.view = view;
    this.typed = 0;
    this.keeping = keeping(view);
    const editor = (label) => new JsonEditor({ label, rows: 14, onchange: () => this.take() });
    this.pattern = editor("Pattern");
    this.event = editor("Event");
    this.verdict = el("div", { role: "status", class: "nbf-verdict" });
    this.leaves = el("div");
    view.body.append(el("div", { class: "nbf-sides" }, this.pattern.node, this.event.node), this.verdict, this.leaves);
  }

  take() {
    this.typed += 1;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tell(), 150);
  }

  tell() {
    this.timer = 0;
    this.view.ask("edit", { pattern: this.pattern.text, event: this.event.text, by: this.view.id, number: this.typed }).catch((error) => {
      if (!error.told) throw error;
    });
  }

  update(changed) {
    const texts = this.view.get("texts");
    if (changed.has("texts") && texts.by !== this.view.id) {
      this.pattern.set(texts.pattern);
      this.event.set(texts.event);
    }
    if (changed.has("result")) this.draw(this.view.get("result"));
    if (this.drawn) this.keeping.changed();
    this.drawn = true;
  }

  draw(result) {
    const { explanation } = result;
    this.pattern.showProblems(result.pattern_problem ? [result.pattern_problem] : []);
    this.event.showProblems(result.event_problems);
    if (!explanation) {
      const which = [result.pattern_problem && "the pattern", result.event_problems.length && "the event"].filter(Boolean).join(" and ");
      put(this.verdict, `✗ Nothing can be said as long as ${which} can't be read.`);
      put(this.leaves);
      return;
    }
    const marks = (name) => explanation.leaves.filter((leaf) => leaf[name]).map((leaf) =>
      ({ line: leaf[name], glyph: leaf.matched ? "✓" : "✗", kind: leaf.matched ? "good" : "poor" }));
    this.pattern.mark(marks("line"));
    this.event.mark(marks("event_line"));
    this.event.reveal(explanation.leaves.filter((leaf) => !leaf.matched && leaf.event_line).map((leaf) => leaf.event_line));
    put(this.verdict, verdict(explanation.matched, ["The pattern matches.", "The pattern does not match."]));
    put(this.leaves, leafTable(explanation));
  }

  close() {
    if (this.timer) {
      clearTimeout(this.timer);
      this.tell();
    }
    this.keeping.close();
  }
}
