"""A small widget of the tests, imported by the kernels that they run."""

from __future__ import annotations

import time

from nbfaas.notebook.widgets import assets
from nbfaas.notebook.widgets.actions import action
from nbfaas.notebook.widgets.base import FaasWidget, field

_TEXTS = """
export default widget({
  fields: ["texts", "count"],
  label: (view) => view.get("texts")[0],
  build(view) {
    const list = el("ul");
    const log = el("pre");
    const count = el("output");
    const told = el("output", { class: "told" });
    view.memory.drawn = (view.memory.drawn ?? 0) + 1;
    const drawn = el("output", { class: "drawn" }, view.memory.drawn);
    view.hear("told", (content, buffers) => say(told, `${content.text} ${buffers[0].byteLength}`));
    view.body.append(list, log, state("done"), state(view.get("texts")[0]), count,
      " ", told, " ", drawn,
      view.button("Add", "add", { amount: 2 }),
      view.button("Fail", "fail"),
      view.button("Dawdle", "dawdle"),
      view.button("Mistake", "add", { amount: "many" }));
    return {
      update() {
        keyed(list, view.get("texts"), (each) => each, (each) =>
          el("li", { title: each, dataset: { key: each } }, plain(each)));
        put(log, view.get("texts").map((each) => el("div", {}, ansi(each))));
        say(count, view.get("count"));
      },
    };
  },
});
"""


class Texts(FaasWidget):
    """Shows texts that nobody should trust."""

    _esm = assets.script("view.js") + _TEXTS
    _css = assets.style("view.js")
    texts = field([])
    count = field(0)
    refreshed = 0

    def refresh(self) -> None:
        self.refreshed += 1

    def text(self) -> str:
        return f"{self.count} of {len(self.texts)} texts"

    @action
    def add(self, amount: int = 1) -> int:
        self.put(count=self.count + amount)
        self.tell("told", [b"12345"], text=f"added {amount}")
        return int(self.count)

    @action
    def dawdle(self) -> None:
        time.sleep(2)
        self.put(count=99)

    @action
    def fail(self) -> None:
        raise ValueError("<b>no</b>\x1b[31m")
