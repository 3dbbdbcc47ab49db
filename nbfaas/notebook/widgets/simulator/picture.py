"""The simulator without a kernel: HTML, or plain text."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from nbfaas.agent.units import format_seconds
from nbfaas.notebook.text import markup, plain
from nbfaas.notebook.widgets import snapshot
from nbfaas.pictures.drawing import GLYPHS

if TYPE_CHECKING:
    from nbfaas.notebook.widgets.simulator.widget import Simulator

_ROWS = 20
_HINT = (
    "In a notebook this is a form. Here: event = nbfaas.events.template('order.created', …), "
    "nbfaas.events.send(event), nbfaas.events.which(event)"
)


def text(simulator: Simulator) -> str:
    """The event, which rules match, what became of what was sent."""
    lines = ["nbfaas event simulator", _HINT, "", *_draft(simulator).splitlines(), ""]
    lines += [_match(each) for each in simulator.checked["matches"]] or ["no triggers"]
    for each in simulator.checked["problems"]:
        lines.append(f"✗ {each['path']}: {each['message']} (line {each['line']})")
    if outcome := simulator.outcome:
        lines += ["", *_outcome(outcome)]
    if burst := simulator.burst:
        lines += ["", _burst(burst)]
    return plain("\n".join(lines))


def html(simulator: Simulator) -> str:
    parts = [f"<pre>{markup(_draft(simulator))}</pre>"]
    checked = simulator.checked
    if checked["problems"]:
        rows = [(each["path"], each["message"], each["line"]) for each in checked["problems"]]
        parts.append(snapshot.table(("Where", "Problem", "Line"), rows, "Problems"))
    rules = [_match(each) for each in checked["matches"]] or ["There are no triggers."]
    parts.append(f"<pre>{markup(chr(10).join(rules))}</pre>")
    if outcome := simulator.outcome:
        parts.append(f"<pre>{markup(chr(10).join(_outcome(outcome)))}</pre>")
    if burst := simulator.burst:
        parts.append(markup(_burst(burst)))
    if simulator.sent:
        history = [
            (time.strftime("%H:%M:%S", time.localtime(each["at"])), each["type"], each["subject"],
             each["id"], f"{GLYPHS.get(each['state'], '?')} {each['word']}")
            for each in simulator.sent[:_ROWS]
        ]  # fmt: skip
        parts.append(snapshot.table(("Sent", "Type", "Subject", "Id", "State"), history, "History"))
    return snapshot.frame("Event simulator", *parts)


def _draft(simulator: Simulator) -> str:
    return str(simulator.draft["text"])


def _match(match: dict[str, Any]) -> str:
    mark = "✓" if match["matched"] else "✗" if match["explanation"] else "–"
    lines = [f"{mark} {match['trigger']} → {match['target']}"]
    if match["matched"]:
        return lines[0]
    explanation = match["explanation"] or {"leaves": [], "note": ""}
    lines += [
        f"    ✗ {leaf['path']}: wanted {leaf['wanted']}, found {leaf['found']}"
        for leaf in explanation["leaves"]
        if not leaf["matched"]
    ]
    lines += [f"    {note}" for note in (match["note"], explanation["note"]) if note]
    return "\n".join(lines)


def _outcome(outcome: dict[str, Any]) -> list[str]:
    event = outcome["event"]
    lines = [f"sent {event['type']} {event['id']}"]
    if outcome["refusal"]:
        lines.append(f"✗ refused: {outcome['refusal']}")
    if outcome["duplicate"]:
        lines.append("■ a duplicate: it was accepted before, and is not delivered again")
    if call := outcome["call"]:
        said = call["error"] or call["result"]
        lines.append(f"{GLYPHS.get(call['state'], '?')} {call['function']}: {said}")
    for each in outcome["deliveries"]:
        lines += _delivery(each, "")
    return lines


def _delivery(delivery: dict[str, Any], indent: str) -> list[str]:
    reason = f": {delivery['reason']}" if delivery["reason"] else ""
    mark = GLYPHS.get(delivery["state"], "?")
    lines = [f"{indent}{mark} {delivery['trigger']} → {delivery['target']}, "
             f"{delivery['word']}{reason}"]  # fmt: skip
    for each in delivery["attempts"]:
        took = "" if each["wall"] is None else f" in {format_seconds(each['wall'])}"
        said = each["error"] or each["result"]
        mark = GLYPHS.get(each["state"], "?")
        lines.append(f"{indent}    {mark} attempt {each['number']}{took} {said}".rstrip())
        lines += [f"{indent}      {line}" for line in each["log"].splitlines()[-5:]]
    for link in delivery["passed"]:
        lines.append(f"{indent}    → {link['event']['type']} {link['event']['id']}")
        for inner in link["deliveries"]:
            lines += _delivery(inner, indent + "      ")
    return lines


def _burst(burst: dict[str, Any]) -> str:
    standing = ", ".join(f"{each['count']:,} {each['word']}" for each in burst["standing"])
    return (
        f"burst: {burst['sent']:,} of {burst['total']:,} sent, {burst['accepted']:,} accepted, "
        f"{burst['duplicates']:,} duplicates, {burst['refused']:,} refused"
        f"{'; ' + standing if standing else ''} (seed {burst['seed']})"
    )
