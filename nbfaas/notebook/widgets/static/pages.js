// Pages of which one is shown at a time, and keeping the picture of a widget that people type in.

import { el, roving } from "./dom.js";

/** `pages`: {name: {word, node}}. The first is shown, until `choose(name)` shows another;
 *  `onchoose(name)` hears of the others, and of the first when it is chosen again. */
export function tabbed(prefix, label, pages, onchoose = () => {}) {
  const made = Object.entries(pages).map(([name, { word, node }]) => {
    const id = `nbf-${prefix}-${name}`;
    const page = el("div", { role: "tabpanel", id: `${id}-page`, "aria-labelledby": id, class: "nbf-page" }, node);
    const tab = el("button", { type: "button", role: "tab", id, class: "nbf-page-tab", "aria-controls": page.id, onclick: () => choose(name), onfocus: () => choose(name) }, word);
    return { name, tab, page };
  });
  const list = el("div", { class: "nbf-page-tabs", role: "tablist", "aria-label": label }, made.map((each) => each.tab));
  let chosen = null;
  const show = (name) => {
    chosen = name;
    for (const each of made) {
      each.tab.setAttribute("aria-selected", String(each.name === name));
      each.tab.tabIndex = each.name === name ? 0 : -1;
      each.page.hidden = each.name !== name;
    }
  };
  const choose = (name) => {
    if (name === chosen) return;
    show(name);
    onchoose(name);
  };
  roving(list, "[role=tab]");
  show(made[0].name);
  return { node: el("div", {}, list, made.map((each) => each.page)), choose };
}

/** Have the picture stored that readers without a kernel see, once nobody is at the widget: storing
 *  it draws the view anew. `changed()` says that there is something new; `close()` ends it. */
export function keeping(view, quietFor = 1500) {
  let dirty = false;
  let timer = 0;
  const look = () => {
    clearTimeout(timer);
    if (!dirty || !view.live) return;
    const here = view.root.matches(":hover") || view.root.contains(document.activeElement);
    timer = setTimeout(here ? look : keep, quietFor);
  };
  const keep = () => {
    if (view.root.matches(":hover") || view.root.contains(document.activeElement)) return look();
    dirty = false;
    view.ask("keep").catch(() => {}); // it is shown already
  };
  return {
    changed() {
      dirty = true;
      look();
    },
    close: () => clearTimeout(timer),
  };
}
