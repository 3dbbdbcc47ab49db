// A form made from a JSON Schema, for a JSON value: what does not fit the schema can be edited too.

import { attribute, button, el, plain, put } from "./dom.js";
import { inside, jsonType, numberText, parseJson } from "./json-text.js";

const TYPE_WORDS = { string: "text", number: "number", boolean: "true or false", null: "null", array: "list", object: "object" };
const EMPTY = { string: () => "", number: () => 0, integer: () => 0, boolean: () => false, null: () => null, array: () => [], object: () => ({}) };
const LONG = 60; // characters, from which on a text gets several lines
let forms = 0;

/** `onchange(value)` is called with the whole value. `show(schema, value)` draws it anew, with the
 *  place `path` and the name `name`; `showProblems` marks fields. */
export class SchemaForm {
  constructor(onchange) {
    this.node = el("div", { class: "nbf-form" });
    this._onchange = onchange;
    this._prefix = `nbf-form-${++forms}-${Math.random().toString(36).slice(2, 8)}`;
    this._count = 0;
  }

  show(schema, value, name, path) {
    this._root = schema ?? {};
    put(this.node, this._field(this._root, value, { name, path, change: this._onchange }));
  }

  /** [{path, message, stops}]: each below its field, or below what is around it. */
  showProblems(problems) {
    const fields = new Map();
    for (const each of this.node.querySelectorAll("[data-path]")) {
      fields.set(each.dataset.path, each);
      put(each.querySelector(":scope > .nbf-field-problem") ?? el("i"));
      const control = each.querySelector(":scope > .nbf-control > [id]");
      if (control) attribute(control, "aria-invalid", null);
    }
    for (const problem of problems) {
      const near = [...fields.keys()].filter((path) => problem.path === path ||
        (problem.path.startsWith(path) && ".[".includes(problem.path[path.length])));
      const path = near.sort((a, b) => b.length - a.length)[0];
      if (path === undefined) continue;
      const rest = problem.path.slice(path.length).replace(/^\./, "");
      fields.get(path).querySelector(":scope > .nbf-field-problem")?.append(
        el("div", {}, problem.stops ? "✗ " : "! ", rest ? `${plain(rest)}: ` : "", plain(problem.message)));
      const control = fields.get(path).querySelector(":scope > .nbf-control > [id]");
      if (control) attribute(control, "aria-invalid", "true");
    }
  }

  // -- one value

  /** `at`: its name, its place, `change(value)`, and `remove()` if it can be. */
  _field(schema, value, at) {
    const node = el("div", { class: "nbf-field", dataset: { path: at.path } });
    const draw = (now) => this._draw(node, this._resolve(schema), now, at, (next, focus) => {
      draw(next);
      at.change(next);
      const there = focus ? [...node.querySelectorAll("[data-path]")].find((each) => each.dataset.path === focus) : node;
      (there ?? node).querySelector("input, select, textarea, button")?.focus();
    });
    draw(value);
    return node;
  }

  _draw(node, schema, value, at, replace) {
    const id = `${this._prefix}-${++this._count}`;
    const isNull = value === null && schema.nullable;
    const made = isNull ? { node: el("span", { class: "nbf-faint" }, "null") } : this._control(schema, value, id, at, replace);
    const extras = [
      schema.nullable && el("label", { class: "nbf-null" },
        el("input", { type: "checkbox", checked: isNull, onchange: (event) => replace(event.target.checked ? null : this._blank(schema)) }), " null"),
      at.remove && button("✕", at.remove, { class: "nbf-button nbf-small", "aria-label": `Remove ${plain(at.name)}`, title: `Remove ${plain(at.name)}` }),
    ];
    const about = schema.description && el("div", { class: "nbf-faint nbf-about" }, plain(schema.description));
    const problem = el("div", { class: "nbf-field-problem", id: `${id}-problem` });
    node.classList.toggle("nbf-group", Boolean(made.group));
    if (made.group) {
      attribute(node, "role", "group");
      attribute(node, "aria-label", plain(at.name));
      put(node, el("div", { class: "nbf-group-head" }, el("span", { class: "nbf-name" }, plain(at.name)),
        el("span", { class: "nbf-faint" }, made.note), made.select, extras), about, problem, made.node);
      return;
    }
    attribute(node, "role", null);
    attribute(node, "aria-label", null);
    if (made.node.id) attribute(made.node, "aria-describedby", problem.id);
    put(node, el("label", { class: "nbf-name", for: id, title: plain(at.name) }, plain(at.name)),
      el("div", { class: "nbf-control" }, made.node, made.after, made.select, extras), about, problem);
  }

  /** {node, group, note, select, after}: what a value is edited with. */
  _control(schema, value, id, at, replace) {
    const type = jsonType(value);
    if (schema.branches) return this._branched(schema, value, id, at, replace);
    const choices = "const" in schema ? [schema.const] : schema.enum;
    if (choices) return this._choice(choices, value, id, at);
    const wanted = schema.type ?? (schema.properties ? "object" : schema.items || schema.prefixItems ? "array" : null);
    if (wanted === null) return this._any(schema, value, id, at, replace);
    if (type !== (wanted === "integer" ? "number" : wanted)) {
      const made = this._any({}, value, id, at, replace);
      return { ...made, after: [made.after, button(`Make it ${wanted === "array" ? "a list" : TYPE_WORDS[wanted === "integer" ? "number" : wanted]}`,
        () => replace(this._blank(schema)), { class: "nbf-button nbf-small" })] };
    }
    if (type === "object") return this._object(schema, value, at, replace);
    if (type === "array") return this._array(schema, value, at, replace);
    const node = this._scalar(schema, value, id, at);
    return { node, after: node.type === "datetime-local" && el("span", { class: "nbf-faint" }, "UTC") };
  }

  _scalar(schema, value, id, at) {
    const type = jsonType(value);
    if (type === "boolean") {
      return el("input", { id, type: "checkbox", checked: value, onchange: (event) => at.change(event.target.checked) });
    }
    if (type === "null") return el("span", { class: "nbf-faint" }, "null");
    if (type === "number") {
      return el("input", {
        id, type: "number", step: schema.type === "integer" ? 1 : "any", value: numberText(value), min: schema.minimum, max: schema.maximum,
        oninput: (event) => at.change(event.target.value === "" ? null : parseNumber(event.target.value)),
      });
    }
    const oninput = (event) => at.change(event.target.value);
    if (schema.format === "date-time" && /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value) && !Number.isNaN(Date.parse(value))) {
      return el("input", {
        id, type: "datetime-local", step: 1, value: new Date(value).toISOString().slice(0, 19),
        oninput: (event) => at.change(event.target.value && `${event.target.value.padEnd(19, ":00")}Z`),
      });
    }
    if (schema.format === "date" && /^\d{4}-\d\d-\d\d$/.test(value)) return el("input", { id, type: "date", value, oninput });
    if (value.length > LONG || value.includes("\n")) return el("textarea", { id, rows: 3, oninput }, value);
    return el("input", { id, type: "text", value, oninput, placeholder: schema.format ?? null, spellcheck: "false" });
  }

  _choice(choices, value, id, at) {
    const texts = choices.map((each) => JSON.stringify(each));
    const now = JSON.stringify(value);
    const shown = texts.includes(now) ? texts : [now, ...texts];
    return { node: el("select", { id, onchange: (event) => at.change(JSON.parse(event.target.value)) },
      shown.map((each) => el("option", { value: each, selected: each === now },
        plain(typeof JSON.parse(each) === "string" && each !== '""' ? JSON.parse(each) : each)))) };
  }

  /** Anything: its type is chosen first. */
  _any(schema, value, id, at, replace) {
    const type = jsonType(value);
    const made = type === "object" ? this._object(schema, value, at, replace)
      : type === "array" ? this._array(schema, value, at, replace)
        : { node: this._scalar({}, value, id, at) };
    made.select = el("select", { class: "nbf-type", "aria-label": `Type of ${plain(at.name)}`, onchange: (event) => replace(EMPTY[event.target.value]()) },
      Object.entries(TYPE_WORDS).map(([name, word]) => el("option", { value: name, selected: name === type }, word)));
    return made;
  }

  /** One of several: which of them is chosen first. */
  _branched(schema, value, id, at, replace) {
    const { branches } = schema;
    const index = branches.findIndex((each) => this._fits(each, value));
    const made = index < 0 ? this._any({}, value, id, at, replace) : this._control(branches[index], value, id, at, replace);
    if (index >= 0 || !made.select) {
      made.select = el("select", { class: "nbf-type", "aria-label": `Kind of ${plain(at.name)}`, onchange: (event) => replace(this._blank(branches[event.target.value])) },
        index < 0 && el("option", { selected: true, disabled: true }, "something else"),
        branches.map((each, number) => el("option", { value: number, selected: number === index }, plain(branchWord(each)))));
    }
    return made;
  }

  _object(schema, value, at, replace) {
    let current = value;
    const properties = schema.properties ?? {};
    const others = schema.additionalProperties ?? true;
    const required = schema.required ?? [];
    const without = (name) => {
      const { [name]: _, ...rest } = current;
      replace(rest);
    };
    const member = (name, inner, removable) => this._field(inner, current[name], {
      name, path: inside(at.path, name),
      change: (next) => {
        current = { ...current, [name]: next };
        at.change(current);
      },
      remove: removable ? () => without(name) : null,
    });
    const names = Object.keys(properties);
    const there = names.filter((name) => name in current);
    const missing = names.filter((name) => !(name in current));
    const more = Object.keys(current).filter((name) => !(name in properties));
    const add = (name, inner) => replace({ ...current, [name]: inner }, inside(at.path, name));
    const naming = el("input", { type: "text", placeholder: "name", "aria-label": `Name of a new field of ${plain(at.name)}`, class: "nbf-new",
      onkeydown: (event) => event.key === "Enter" && addNamed() });
    const addNamed = () => {
      const name = naming.value.trim();
      if (name && !(name in current)) add(name, others === true ? "" : this._blank(this._resolve(others)));
    };
    return {
      group: true,
      node: el("div", { class: "nbf-members" },
        there.map((name) => member(name, properties[name], !required.includes(name))),
        more.map((name) => member(name, others === false ? {} : others, true)),
        el("div", { class: "nbf-row nbf-adding" },
          missing.map((name) => button(`+ ${plain(name)}`, () => add(name, this._blank(this._resolve(properties[name]))), { class: "nbf-button nbf-small" })),
          others !== false && [naming, button("Add field", addNamed, { class: "nbf-button nbf-small", "aria-label": `Add field to ${plain(at.name)}` })])),
    };
  }

  _array(schema, value, at, replace) {
    let current = value;
    const first = schema.prefixItems ?? [];
    const rest = schema.items ?? true;
    const of = (index) => (index < first.length ? first[index] : rest === false ? {} : rest);
    return {
      group: true,
      note: `${current.length} ${current.length === 1 ? "item" : "items"}`,
      node: el("div", { class: "nbf-members" },
        current.map((item, index) => this._field(of(index), item, {
          name: `${at.name}[${index}]`, path: inside(at.path, index),
          change: (next) => {
            current = current.with(index, next);
            at.change(current);
          },
          remove: () => replace(current.filter((_, each) => each !== index)),
        })),
        (rest !== false || current.length < first.length) && el("div", { class: "nbf-row nbf-adding" },
          button("+ item", () => replace([...current, this._blank(this._resolve(of(current.length)))], inside(at.path, current.length)),
            { class: "nbf-button nbf-small", "aria-label": `Add item to ${plain(at.name)}` }))),
    };
  }

  // -- schemas

  /** Without references and parts; what may be one of several has `branches`, and `nullable`. */
  _resolve(schema, depth = 0) {
    let found = typeof schema === "object" && schema !== null ? schema : {};
    for (let steps = 0; found.$ref && steps < 20; steps++) {
      const { $ref, ...rest } = found;
      found = { ...(this._referred($ref) ?? {}), ...rest };
    }
    if (depth > 20) return {};
    if (found.allOf) {
      const { allOf, ...rest } = found;
      const parts = [rest, ...allOf.map((each) => this._resolve(each, depth + 1))];
      found = Object.assign({}, ...parts, {
        properties: Object.assign({}, ...parts.map((each) => each.properties)),
        required: parts.flatMap((each) => each.required ?? []),
      });
    }
    if (Array.isArray(found.type)) {
      const { type, ...rest } = found;
      found = { anyOf: type.map((each) => (each === "null" ? { type: each } : { ...rest, type: each })), default: found.default };
    }
    const several = found.anyOf ?? found.oneOf;
    if (!several) return found;
    const { anyOf, oneOf, ...about } = found;
    const branches = several.map((each) => this._resolve(each, depth + 1))
      .flatMap((each) => (each.branches ? [...each.branches, ...(each.nullable ? [{ type: "null" }] : [])] : [each]));
    const others = branches.filter((each) => each.type !== "null");
    const nullable = others.length < branches.length || others.some((each) => each.nullable);
    if (!others.length) return { type: "null" };
    return others.length === 1 ? { ...others[0], ...about, nullable } : { ...about, branches: others, nullable };
  }

  _referred(reference) {
    return reference.split("/").slice(1).reduce((found, step) => found?.[step.replaceAll("~1", "/").replaceAll("~0", "~")], this._root);
  }

  _fits(schema, value) {
    if ("const" in schema) return JSON.stringify(schema.const) === JSON.stringify(value);
    if (schema.enum) return schema.enum.some((each) => JSON.stringify(each) === JSON.stringify(value));
    const type = jsonType(value);
    if (schema.type && schema.type !== type && !(schema.type === "integer" && type === "number" && /^-?\d+$/.test(numberText(value)))) return false;
    if (type !== "object") return true;
    if ((schema.required ?? []).some((name) => !(name in value))) return false;
    return Object.entries(schema.properties ?? {}).every(([name, inner]) => {
      const found = this._resolve(inner);
      return !(name in value) || !("const" in found || found.enum) || this._fits(found, value[name]);
    });
  }

  /** The least that fits. */
  _blank(schema, depth = 0) {
    if (schema.default !== undefined && schema.default !== null) return schema.default;
    if ("const" in schema) return schema.const;
    if (schema.enum) return schema.enum[0];
    if (schema.examples?.length) return schema.examples[0];
    if (schema.branches) return this._blank(schema.branches[0], depth);
    if (depth > 8) return null;
    if (schema.type === "string") {
      if (schema.format === "date-time") return new Date().toISOString().replace(/\.\d+/, "");
      return schema.format === "date" ? new Date().toISOString().slice(0, 10) : "";
    }
    if (schema.type === "integer" || schema.type === "number") return Math.max(0, schema.minimum ?? 0);
    if (schema.type === "object" || schema.properties) {
      const required = schema.required ?? [];
      return Object.fromEntries(required.map((name) => [name, this._blank(this._resolve(schema.properties?.[name]), depth + 1)]));
    }
    if (schema.type === "array" || schema.prefixItems) return (schema.prefixItems ?? []).map((each) => this._blank(this._resolve(each), depth + 1));
    return schema.type ? EMPTY[schema.type]() : "";
  }
}

function branchWord(schema) {
  if (schema.title) return schema.title;
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(" | ").slice(0, 30);
  return TYPE_WORDS[schema.type === "integer" ? "number" : schema.type] ?? "anything";
}

function parseNumber(text) {
  try {
    return parseJson(text);
  } catch {
    return Number(text);
  }
}
