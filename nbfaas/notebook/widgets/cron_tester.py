"""``CronTester``: what a cron expression means, and when it runs next."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from nbfaas.agent.units import format_seconds
from nbfaas.errors import BadTrigger
from nbfaas.events import explain_cron, next_runs
from nbfaas.notebook.text import markup, plain
from nbfaas.notebook.widgets import snapshot
from nbfaas.notebook.widgets.actions import action
from nbfaas.notebook.widgets.base import FaasWidget, field

_RUNS = 5


def tried(cron: str, timezone: str) -> dict[str, Any]:
    """As JSON: ``means``, in words, and the next ``runs``; or the ``problem``."""
    try:
        means = explain_cron(cron, timezone)
        runs = next_runs(cron, timezone, _RUNS)
    except BadTrigger as error:
        return {"problem": str(error), "means": "", "runs": []}
    return {"problem": "", "means": means, "runs": [_run(each) for each in runs]}


def _run(at: datetime) -> dict[str, Any]:
    return {
        "at": at.timestamp(),
        "text": f"{at:%a %Y-%m-%d %H:%M:%S %Z}",
        "utc": f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
    }


class CronTester(FaasWidget):
    """``nbfaas.cron_tester(…)`` makes one."""

    script = "cron-tester.js"
    pace = 1.0  # the next run comes nearer

    given = field({"cron": "", "timezone": "UTC", "by": ""})
    result = field({"problem": "", "means": "", "runs": []})

    def __init__(self, cron: str, timezone: str = "UTC") -> None:
        super().__init__()
        self.edit(cron, timezone)

    def refresh(self) -> None:
        runs = self.result["runs"]
        if runs and runs[0]["at"] <= time.time():
            self.put(result=tried(self.given["cron"], self.given["timezone"]))

    @action
    def edit(self, cron: str, timezone: str, by: str = "") -> None:
        self.put(given={"cron": cron, "timezone": timezone, "by": by}, result=tried(cron, timezone))

    @action
    def keep(self) -> None:
        """Store the present picture with the output."""
        self.settle()

    def text(self) -> str:
        given, result = self.given, self.result
        lines = [f"{given['cron']} ({given['timezone']})"]
        if result["problem"]:
            lines.append(f"✗ {result['problem']}")
        else:
            lines.append(result["means"])
            lines += [f"  {each['text']}, in {_until(each)}" for each in result["runs"]]
        return plain("\n".join(lines))

    def snapshot_html(self) -> str:
        given, result = self.given, self.result
        title = f"{given['cron']} ({given['timezone']})"
        if result["problem"]:
            return snapshot.frame(title, markup(f"✗ {result['problem']}"))
        rows = [(each["text"], each["utc"]) for each in result["runs"]]
        runs = snapshot.table(("Next runs", "UTC"), rows)
        return snapshot.frame(title, markup(result["means"]), runs)


def _until(run: dict[str, Any]) -> str:
    return format_seconds(max(0.0, run["at"] - time.time()))


def cron_tester(cron: str = "*/5 * * * *", timezone: str = "UTC") -> CronTester:
    """What a cron expression of five fields means, and its next five runs, to be displayed in a
    notebook. ``timezone``: an IANA name, or ``"local"``. Either may be wrong: the widget says so.
    """
    return CronTester(cron, timezone)
