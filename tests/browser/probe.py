"""Small widgets of the tests, imported by the kernels that they run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbfaas.model.records import AttemptStarted, InvocationFinished, Record
from nbfaas.notebook.widgets import assets
from nbfaas.notebook.widgets.actions import action
from nbfaas.notebook.widgets.base import FaasWidget, field
from nbfaas.notebook.widgets.pulse import feed
from nbfaas.remote.call import FunctionCall

_CALLS = """
export default widget({
  fields: ["running", "ended"],
  label: "Calls",
  build(view) {
    const running = el("output", { class: "running" });
    const ended = el("output", { class: "ended" });
    view.body.append(running, " ", ended, " ", view.button("Cancel", "cancel"));
    return {
      update() {
        say(running, `${view.get("running").length} running`);
        say(ended, view.get("ended").join(" "));
      },
    };
  },
});
"""

_TEXTS = """
export default widget({
  fields: ["texts", "count"],
  label: (view) => view.get("texts")[0],
  build(view) {
    const list = el("ul");
    const log = el("pre");
    const count = el("output");
    const told = el("output", { class: "told" });
    view.hear("told", (content, buffers) => say(told, `${content.text} ${buffers[0].byteLength}`));
    view.body.append(list, log, state("done"), state(view.get("texts")[0]), count, " ", told,
      view.button("Add", "add", { amount: 2 }),
      view.button("Fail", "fail"),
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


class CallsProbe(FaasWidget):
    """Shows what runs, and can cancel it."""

    _esm = assets.script("view.js") + _CALLS
    _css = assets.style("view.js")
    running = field([])
    ended = field([])

    def __init__(self) -> None:
        self._running: list[str] = []
        self._ended: list[str] = []
        super().__init__()
        feed.listen(self._note)

    def _note(self, records: Sequence[Record]) -> None:
        for record in records:
            if isinstance(record, AttemptStarted):
                self._running.append(record.invocation_id)
            elif isinstance(record, InvocationFinished):
                self._ended.append(str(record.state))
                if record.invocation_id in self._running:
                    self._running.remove(record.invocation_id)

    def refresh(self) -> None:
        self.put(running=list(self._running), ended=sorted(self._ended))

    @action
    def cancel(self) -> None:
        for each in list(self._running):
            FunctionCall.from_id(each).cancel()


class RunProbe(CallsProbe):
    """The same for a map."""

    def __init__(self, run: Any) -> None:
        self.run = run
        super().__init__()

    def refresh(self) -> None:
        counts = self.run.counts
        self.put(running=[""] * counts.running, ended=["CANCELLED"] * counts.cancelled)

    @action
    def cancel(self) -> None:
        self.run.cancel()


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
    def fail(self) -> None:
        raise ValueError("<b>no</b>\x1b[31m")
