// The event simulator: an event as a form and as JSON, which rules want it, and what became of it.

import { button, el, plain, put, say } from "./dom.js";
import { JsonEditor } from "./json-editor.js";
import { inside, jsonText, jsonType, parseJson } from "./json-text.js";
import { keeping, tabbed } from "./pages.js";
import { MatchList } from "./rule-leaves.js";
import { SchemaForm } from "./schema-form.js";
import { BurstPanel } from "./simulator-burst.js";
import { CopyPanel, HistoryPanel, quiet, SavedPanel } from "./simulator-history.js";
import { OutcomeTree } from "./simulator-outcome.js";
import { widget } from "./view.js";

const SIMULATOR_FIELDS = ["catalog", "names", "form", "draft", "checked", "to", "outcome", "sent", "bursts_shown", "burst", "saved"];
const TYPED = 200; // milliseconds after the last key, until what was typed is checked
const ATTRIBUTES = {
  type: "what has happened: order.created",
  source: "where: shop",
  subject: "to what: A-1001",
  id: "a new one each time it is sent",
};
const BASE = new Set([...Object.keys(ATTRIBUTES), "specversion", "data", "data_base64"]);

export default widget({ fields: SIMULATOR_FIELDS, label: "Event simulator", build: (view) => new Simulator(view) });

class Simulator {
  constructor(view) {
    this.view = view;
    this.text = "";
    this.value = undefined;
    this.typed = 0;
    this.kept = (view.memory.pages ??= { event: "form", more: "history" });
    this.keeping = keeping(view);
    this.editor = new JsonEditor({ label: "CloudEvent, as JSON", rows: 18, onchange: (text) => this.take(text, "json") });
    this.attributes = el("div", { class: "nbf-attributes" });
    this.extras = new SchemaForm((extras) => this.takeExtras(extras));
    this.data = new SchemaForm((data) => this.takeValue({ ...this.value, data }));
    this.noData = el("div", { class: "nbf-row" }, el("span", { class: "nbf-faint" }, "The event has no data."), button("Add data", () => {
      this.takeValue({ ...this.value, data: {} });
      this.drawForm();
    }, { class: "nbf-button nbf-small" }));
    this.noForm = el("p", { class: "nbf-error", hidden: true }, "What stands in the JSON tab is no JSON object; put it right there.");
    this.more = el("details", {}, el("summary", {}, "More attributes"), this.extras.node);
    this.formNode = el("div", {}, this.attributes, this.more, this.noData, this.data.node);
    this.matches = new MatchList();
    this.summary = el("div", { role: "status", class: "nbf-summary" });
    this.outcome = new OutcomeTree(view);
    const draft = () => this.text;
    this.burst = new BurstPanel(view, draft, () => this.value);
    this.history = new HistoryPanel(view);
    this.saved = new SavedPanel(view, draft);
    this.drawPage(draft);
  }

  drawPage(draft) {
    const { view } = this;
    const events = tabbed(`${view.id}-event`, "The event as", {
      form: { word: "Form", node: [this.noForm, this.formNode] },
      json: { word: "JSON", node: this.editor.node },
    }, (name) => {
      this.kept.event = name;
      if (name === "form" && this.stale) this.drawForm();
    });
    const more = tabbed(`${view.id}-more`, "More", {
      history: { word: "History", node: this.history.node },
      burst: { word: "Burst", node: this.burst.node },
      saved: { word: "Saved events", node: this.saved.node },
      copy: { word: "Copy as code", node: new CopyPanel(view, draft).node },
    }, (name) => { this.kept.more = name; });
    const send = view.button("Send once", "send_once", () => ({ text: this.flush() }), { class: "nbf-button nbf-primary" });
    this.cannot = el("span", { class: "nbf-faint" });
    view.body.classList.add("nbf-sim");
    view.body.append(this.head(),
      el("div", { class: "nbf-columns" },
        el("div", { class: "nbf-column" }, el("h4", {}, "Event"), events.node, el("div", { class: "nbf-row nbf-send" }, send, this.cannot)),
        el("div", { class: "nbf-column" }, el("h4", {}, "Rules"), this.summary, this.matches.node,
          el("h4", {}, "What became of it"), this.outcome.node)),
      more.node);
    events.choose(this.kept.event);
    more.choose(this.kept.more);
  }

  head() {
    const id = (name) => `nbf-${this.view.id}-${name}`;
    this.template = el("select", { id: id("template"), onchange: () => this.drawTemplate() });
    this.about = el("div", { class: "nbf-faint nbf-about-template" });
    this.parameters = new SchemaForm((values) => { this.values = values; });
    this.parametersNode = el("details", {}, el("summary", {}, "Parameters"), this.parameters.node);
    this.formOf = el("select", { id: id("form"), onchange: (event) => this.view.ask("choose_form", { function: event.target.value }).catch(quiet) });
    this.target = el("select", { id: id("to"), onchange: (event) => this.view.ask("choose_target", { to: event.target.value }).catch(quiet) });
    const labelled = (word, node) => el("div", { class: "nbf-labelled" }, el("label", { for: node.id }, word), node);
    const fillIn = button("Fill in", async () => {
      const [kind, name] = splitOnce(this.template.value);
      await this.view.ask(...(kind === "template" ? ["fill", { name, values: this.values ?? {} }] : ["example", { function: name }])).catch(quiet);
    }, { title: "Replace the event by one made from this", "data-action": "fill" });
    return el("div", { class: "nbf-sim-head" },
      el("div", { class: "nbf-row" }, labelled("Template", this.template), fillIn,
        labelled("Form made from", this.formOf), labelled("Send to", this.target)),
      this.about, this.parametersNode);
  }

  // -- what is typed

  /** Another text, that was typed in the form or as JSON. */
  take(text, from) {
    this.text = text;
    this.value = objectOf(text);
    this.typed += 1;
    if (from === "json") this.stale = true;
    else this.editor.set(text);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tell(), TYPED);
  }

  takeValue(value) {
    this.value = value;
    this.take(jsonText(value), "form");
  }

  takeExtras(extras) {
    const base = Object.fromEntries(Object.entries(this.value).filter(([name]) => BASE.has(name)));
    const { data, data_base64, ...attributes } = base;
    this.takeValue({ ...attributes, ...extras, ...("data" in base && { data }), ...("data_base64" in base && { data_base64 }) });
  }

  tell() {
    this.timer = 0;
    return this.view.ask("edit", { text: this.text, by: this.view.id, number: this.typed }).catch(quiet);
  }

  /** The text as it is now, told. */
  flush() {
    if (this.timer) {
      clearTimeout(this.timer);
      this.tell();
    }
    return this.text;
  }

  // -- what is shown

  update(changed) {
    const { view } = this;
    if (changed.has("catalog") || changed.has("names")) this.drawChoices();
    if (changed.has("form")) {
      this.formOf.value = view.get("form").function;
      this.stale = true;
    }
    if (changed.has("to")) this.target.value = view.get("to");
    if (changed.has("draft")) this.takeDraft(view.get("draft"));
    if (this.stale && this.kept.event === "form") this.drawForm();
    if (changed.has("checked") || changed.has("draft")) this.drawChecked(view.get("checked"));
    if (changed.has("outcome")) this.drawOutcome(view.get("outcome"));
    if (changed.has("sent") || changed.has("outcome") || changed.has("bursts_shown")) {
      this.history.show(view.get("sent"), view.get("outcome")?.key, view.get("bursts_shown"));
    }
    if (changed.has("burst")) this.drawBurst(view.get("burst"));
    if (changed.has("saved")) this.saved.show(view.get("saved"));
    if (this.drawn && ["draft", "outcome", "sent"].some((name) => changed.has(name))) this.keeping.changed();
    this.drawn = true;
  }

  takeDraft(draft) {
    if (draft.by === this.view.id || draft.text === this.text) return;
    clearTimeout(this.timer);
    this.timer = 0;
    this.text = draft.text;
    this.value = objectOf(draft.text);
    this.editor.set(draft.text);
    this.stale = true;
  }

  drawChoices() {
    const { functions, triggers } = this.view.get("names");
    const catalog = this.view.get("catalog");
    const was = this.template.value;
    put(this.template, functions.length > 0 && el("optgroup", { label: "For a function, from its rule and type hints" },
      functions.map((name) => el("option", { value: `function:${name}` }, plain(name)))),
    catalog.map(({ group, templates }) => el("optgroup", { label: group }, templates.map(({ name }) => el("option", { value: `template:${name}` }, name)))));
    const own = this.view.get("form").function;
    choose(this.template, was || (own ? `function:${own}` : "template:order.created"));
    this.drawTemplate();
    put(this.formOf, el("option", { value: "" }, "the event itself"), functions.map((name) => el("option", { value: name }, `type hints of ${plain(name)}`)));
    this.formOf.value = this.view.get("form").function;
    put(this.target, el("option", { value: "bus" }, "the bus: whoever's rule matches"),
      triggers.length > 0 && el("optgroup", { label: "The bus and a trigger, whatever its rule" }, triggers.map(({ name, kind }) =>
        el("option", { value: `trigger:${name}` }, `${plain(name)} (${kind})`))),
      functions.length > 0 && el("optgroup", { label: "A function alone, without the bus" }, functions.map((name) =>
        el("option", { value: `function:${name}` }, plain(name)))));
    this.target.value = this.view.get("to");
  }

  drawTemplate() {
    const [kind, name] = splitOnce(this.template.value);
    const template = this.view.get("catalog").flatMap((each) => each.templates).find((each) => each.name === name);
    if (this.template.value === this.templateShown) return;
    this.templateShown = this.template.value;
    this.parametersNode.hidden = kind !== "template";
    if (kind === "template" && template) {
      say(this.about, template.description);
      this.values = undefined;
      this.parameters.show(template.schema, template.values, `Parameters of ${name}`, "$");
    } else {
      say(this.about, `An event that fits the rule and the type hints of ${plain(name)}.`);
    }
  }

  drawForm() {
    this.stale = false;
    const { value } = this;
    this.noForm.hidden = value !== undefined;
    this.formNode.hidden = value === undefined;
    if (value === undefined) return;
    put(this.attributes, Object.entries(ATTRIBUTES).map(([name, about]) => this.attribute(name, about)));
    const extras = Object.fromEntries(Object.entries(value).filter(([name]) => !BASE.has(name)));
    this.extras.show({ type: "object" }, extras, "attributes", "$");
    if (Object.keys(extras).length) this.more.open = true;
    this.noData.hidden = "data" in value;
    this.data.node.hidden = !("data" in value);
    if ("data" in value) this.data.show(this.view.get("form").schema, value.data, "data", "$.data");
    this.drawProblems(this.view.get("checked").problems);
  }

  attribute(name, about) {
    const id = `nbf-${this.view.id}-attribute-${name}`;
    const now = this.value[name];
    const input = el("input", {
      id, type: "text", value: now === undefined ? "" : jsonType(now) === "string" ? now : jsonText(now), placeholder: about, spellcheck: "false",
      oninput: (event) => {
        const { [name]: _, ...rest } = this.value;
        const first = Object.keys(ATTRIBUTES).filter((each) => each in rest || (each === name && event.target.value));
        const ordered = Object.fromEntries(first.map((each) => [each, each === name ? event.target.value : rest[each]]));
        this.takeValue({ ...ordered, ...rest, ...(event.target.value && { [name]: event.target.value }) });
      },
    });
    return el("div", { class: "nbf-field", dataset: { path: inside("$", name) } }, el("label", { class: "nbf-name", for: id }, name),
      el("div", { class: "nbf-control" }, input), el("div", { class: "nbf-field-problem" }));
  }

  drawChecked(checked) {
    const { matches, problems, sendable } = checked;
    this.drawProblems(problems);
    const current = checked.text === this.text;
    say(this.cannot, current && !sendable ? `It can't be sent: ${plain(problems[0]?.message)}.`
      : current && problems.length ? "It does not fit the type hints; it can be sent all the same." : "");
    if (!sendable) {
      say(this.summary, "As long as the event is not valid, no rule can be asked.");
    } else if (!matches.length) {
      say(this.summary, "There are no triggers: decorate a function with @on.event(…).");
    } else {
      const count = matches.filter((each) => each.matched).length;
      const asked = matches.filter((each) => each.explanation).length;
      say(this.summary, `${count} of ${asked} ${asked === 1 ? "rule matches" : "rules match"}.`);
    }
    this.matches.show(matches);
  }

  drawProblems(problems) {
    this.editor.showProblems(problems);
    const own = (path) => Object.keys(ATTRIBUTES).some((name) => path === inside("$", name));
    for (const node of this.attributes.children) {
      const found = problems.filter((each) => each.path === node.dataset.path);
      put(node.lastChild, found.map((each) => el("div", {}, "✗ ", plain(each.message))));
    }
    this.data.showProblems(problems.filter((each) => /^\$\.data(?![\w$-])/.test(each.path)));
    this.extras.showProblems(problems.filter((each) => !own(each.path) && !/^\$\.data(?![\w$-])/.test(each.path)));
  }

  drawOutcome(outcome) {
    this.outcome.show(outcome);
    const now = outcome && `${outcome.key} ${outcome.settled}`;
    if (this.drawn && outcome?.settled && now !== this.toldOutcome) this.view.announce(OutcomeTree.words(outcome));
    this.toldOutcome = now;
  }

  drawBurst(burst) {
    this.burst.show(burst);
    if (burst?.settled && this.drawn) this.keeping.changed();
  }

  close() {
    this.flush();
    this.keeping.close();
  }
}

function objectOf(text) {
  try {
    const found = parseJson(text);
    return jsonType(found) === "object" ? found : undefined;
  } catch {
    return undefined;
  }
}

function choose(select, value) {
  select.value = value;
  if (select.selectedIndex < 0) select.selectedIndex = 0;
}

function splitOnce(text) {
  const at = text.indexOf(":");
  return [text.slice(0, at), text.slice(at + 1)];
}
