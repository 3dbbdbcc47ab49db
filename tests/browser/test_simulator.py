"""The event simulator, the rule tester and the cron tester, with real containers."""

from __future__ import annotations

import json
import re

import pytest
from notebook_page import NotebookPage, OpenNotebook
from playwright.sync_api import Locator, expect

EVIL = "<script>window.hacked = 1</script>\x1b[31m"
SOON = 90_000  # milliseconds; a container may have to be started

DEFINE = """
%load_ext nbfaas
import nbfaas
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Optional
from nbfaas import DeliveryPolicy, on, remote

@dataclass
class Line:
    sku: str
    quantity: int = 1

@on.event("order.paid")
@remote
def ship(event):
    print("shipping", event.data)
    return "shipped"

@on.event(
    {"type": ["order.created"], "data": {"total": [{"numeric": [">", 100]}]}},
    on_success="order.paid", delivery=DeliveryPolicy(max_attempts=2, initial_delay=0.05),
)
@remote
def pay(
    total: float, lines: list[Line], currency: Literal["EUR", "USD"] = "EUR",
    note: Optional[str] = None, due: datetime | None = None, gift: bool = False, event=None,
):
    print("paying", event.subject)
    if lines[0].get("quantity", 1) > 5:
        raise ValueError("too many")
    return {"paid": total}
"""


def show(open_notebook: OpenNotebook, frontend: str = "lab") -> tuple[NotebookPage, Locator]:
    notebook = open_notebook([DEFINE, "%faas simulate pay"], frontend)
    notebook.run_cell(0)
    notebook.run_cell(1)
    widget = notebook.widget(1)
    expect(widget.get_by_role("status").filter(has_text="rules match")).to_have_text(
        "1 of 2 rules match."
    )
    return notebook, widget


def editor(widget: Locator) -> Locator:
    widget.get_by_role("tab", name="JSON").click()
    return widget.get_by_label("CloudEvent, as JSON", exact=True)


def having(part: str) -> re.Pattern[str]:
    return re.compile(re.escape(part))


def type_event(widget: Locator, **changes: object) -> None:
    area = editor(widget)
    event = json.loads(area.input_value())
    data = {**event["data"], **changes.pop("data", {})}  # type: ignore[dict-item]
    area.fill(json.dumps({**event, **changes, "data": data}, indent=2))


@pytest.mark.parametrize("frontend", ["lab", "notebook"])
def test_an_event_is_made_up_sent_and_followed(open_notebook: OpenNotebook, frontend: str) -> None:
    notebook, widget = show(open_notebook, frontend)
    rules, outcome = widget.locator(".nbf-matches > li"), widget.locator(".nbf-outcome")
    expect(rules.nth(0)).to_contain_text("✓ matches")
    expect(rules.nth(1).locator("tr", has_text="failed")).to_contain_text('"order.paid"')

    # The form's fields come from the type hints, and follow what is typed in either tab.
    widget.get_by_label("total", exact=True).fill("50")
    failed = rules.locator("tr", has_text="data.total")
    expect(failed).to_contain_text("✗ failed")
    expect(failed).to_contain_text("> 100")
    expect(failed).to_contain_text("50")
    widget.get_by_label("total", exact=True).fill("150")
    widget.get_by_label("currency", exact=True).select_option("USD")
    widget.get_by_label("subject", exact=True).fill("A-7")
    widget.get_by_role("button", name="Add item to lines").click()
    widget.get_by_label("sku", exact=True).nth(1).fill("BULB")
    widget.get_by_role("button", name="Remove quantity").nth(0).click()
    event = json.loads(editor(widget).input_value())
    assert event["subject"] == "A-7"
    assert event["data"]["total"] == 150
    assert event["data"]["currency"] == "USD"
    assert [line["sku"] for line in event["data"]["lines"]][1:] == ["BULB"]
    assert "quantity" not in event["data"]["lines"][0]

    widget.get_by_role("button", name="Send once").click()
    expect(outcome).to_contain_text("shipped", timeout=SOON)
    expect(outcome.locator("[data-delivery=pay-event]")).to_contain_text("{'paid': 150}")
    expect(outcome.locator("pre").first).to_have_text("paying A-7\n")
    expect(outcome).to_contain_text("passed on as order.paid")
    outcome.get_by_role("button", name="All about attempt 1").first.click()
    expect(outcome.locator("[data-part=attempts]")).to_contain_text("cpu")
    row = widget.locator(".nbf-history tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("✓ done")

    # Edit and resend brings the event back; what is sent then is another one.
    type_event(widget, subject="B-8", data={"total": 1})
    expect(widget.get_by_role("status").filter(has_text="rules match")).to_contain_text("0 of 2")
    row.get_by_role("button", name="Edit and resend").click()
    expect(editor(widget)).to_have_value(json.dumps(event, indent=2))
    type_event(widget, data={"total": 175})
    widget.get_by_role("button", name="Send once").click()
    expect(outcome).to_contain_text("{'paid': 175}", timeout=SOON)
    expect(row).to_have_count(2)
    row.nth(1).get_by_role("button", name="Replay").click()
    expect(row).to_have_count(3)
    expect(outcome).to_contain_text("{'paid': 150}", timeout=SOON)

    if frontend == "notebook":
        return
    # Nobody is at the widget: the picture for readers without a kernel is stored.
    notebook.cell(0).locator(".jp-InputArea").first.click()
    notebook.page.wait_for_timeout(500)
    expect(widget).to_have_count(1)
    for _ in range(100):
        saved = str(notebook.outputs(1)[0]["data"]["text/html"])
        if "History" in saved:
            break
        notebook.page.wait_for_timeout(100)
    assert "order.created" in saved
    assert "shipped" in saved or "{'paid': 150}".replace("'", "&#x27;") in saved


def test_a_burst_of_500_events_with_poison_ends_in_dead_letters(
    open_notebook: OpenNotebook,
) -> None:
    notebook, widget = show(open_notebook)
    widget.get_by_role("tab", name="Burst").click()
    widget.get_by_label("Events", exact=True).fill("500")
    widget.get_by_label("Seed").fill("7")
    widget.get_by_label("Poison %").fill("15")
    widget.get_by_label("Duplicates %").fill("2")
    widget.get_by_role("button", name="Vary a field").click()
    widget.get_by_label("Field to vary").fill("$.data.total")
    widget.locator("[data-option=low]").fill("101")
    widget.locator("[data-option=high]").fill("900")
    widget.get_by_role("button", name="Vary a field").click()
    widget.get_by_label("Field to vary").nth(1).fill("$.data.nothing")
    widget.get_by_role("button", name="Send burst").click()
    expect(widget.get_by_role("alert").first).to_contain_text("BadBurst")
    widget.get_by_role("button", name="Do not vary this field").nth(1).click()
    widget.get_by_role("button", name="Send burst").click()
    burst = widget.locator(".nbf-burst")
    expect(burst).to_contain_text("500 of 500 sent. All are done or dead.", timeout=SOON)
    expect(burst).to_contain_text("✗ dead letter")
    letter = burst.locator(".nbf-letters li", has_text="poison: data.lines").first
    letter.get_by_role("button").click()
    outcome = widget.locator(".nbf-outcome")
    expect(outcome).to_contain_text("poison: data.lines")
    expect(outcome.get_by_role("button", name="Redrive")).to_be_visible()
    assert int(notebook.run("len(nbfaas.dead_letters)")) >= 1
    widget.get_by_role("tab", name="History").click()
    expect(widget.locator(".nbf-history tbody tr")).to_have_count(0)
    widget.get_by_label("Also those of bursts").check()
    expect(widget.locator(".nbf-history tbody tr")).to_have_count(50)
    notebook.run("nbfaas.dead_letters.purge()")

    widget.get_by_role("tab", name="Burst").click()
    widget.get_by_label("Rate (a second)").fill("5")
    widget.get_by_role("button", name="Send burst").click()
    widget.get_by_role("button", name="Cancel").click()
    expect(burst).to_contain_text("Cancelled.")


def test_mistakes_are_marked_as_they_are_typed(open_notebook: OpenNotebook) -> None:
    _, widget = show(open_notebook)
    area = editor(widget)
    text = area.input_value()
    area.fill(text.replace('"total": 101', '"total": "much"'))
    problems = widget.locator(".nbf-problems li")
    expect(problems).to_have_count(1)
    expect(problems).to_contain_text('line 5, column 14: $.data.total "much" is not a number')
    expect(widget.locator(".nbf-line-odd")).to_have_text("! 5")
    problems.get_by_role("button").click()
    expect(area).to_be_focused()
    at = area.evaluate("node => node.selectionStart")
    assert area.input_value()[at:].startswith('"much"')
    widget.get_by_role("tab", name="Form").click()
    expect(widget.locator("[data-path='$.data.total'] > .nbf-field-problem")).to_contain_text(
        "is not a number"
    )
    area = editor(widget)
    area.fill(text + "}")
    expect(problems).to_contain_text("✗ line 17")
    expect(widget.locator(".nbf-send")).to_contain_text("It can't be sent")
    widget.get_by_role("tab", name="Form").click()
    expect(widget.get_by_text("is no JSON object; put it right there")).to_be_visible()
    widget.get_by_role("button", name="Send once").click()
    expect(widget.get_by_role("alert").first).to_contain_text("BadEvent")


def test_events_are_saved_loaded_deleted_and_copied(open_notebook: OpenNotebook) -> None:
    notebook, widget = show(open_notebook)
    notebook.run("from pathlib import Path; Path('.nbfaas').mkdir(exist_ok=True)")
    type_event(widget, subject="kept")
    widget.get_by_role("tab", name="Saved events").click()
    widget.get_by_label("Name to save the event under").fill("large order")
    widget.get_by_role("button", name="Save", exact=True).click()
    expect(widget.get_by_text("Saved as")).to_contain_text("large order.json")
    assert notebook.run("nbfaas.events.load('large order').subject") == "'kept'"
    type_event(widget, subject="changed")
    widget.get_by_role("button", name="Load large order").click()
    expect(editor(widget)).to_have_value(having('"subject": "kept"'))
    widget.get_by_role("button", name="Delete large order", exact=True).click()
    widget.get_by_role("button", name="Really delete large order").click()
    expect(widget.locator(".nbf-saved li")).to_have_count(0)

    widget.get_by_role("tab", name="Copy as code").click()
    code = widget.get_by_label("The event as code")
    for name, part in [("Python", "emit"), ("curl", "/events"), ("pytest", "def test_pay")]:
        widget.get_by_role("button", name=f"As {name}").click()
        expect(code).to_have_value(having(part))
    widget.get_by_role("button", name="Copy", exact=True).click()
    expect(widget.locator(".nbf-code [role=status]")).not_to_be_empty()


def test_templates_with_parameters_fill_the_event_in(open_notebook: OpenNotebook) -> None:
    _, widget = show(open_notebook)
    widget.get_by_label("Template").select_option("template:s3.object-created")
    widget.get_by_text("Parameters", exact=True).click()
    widget.get_by_label("bucket", exact=True).first.fill("holidays")
    widget.get_by_role("button", name="Fill in").click()
    expect(editor(widget)).to_have_value(having('"name": "holidays"'))


def test_nothing_of_an_event_becomes_markup_and_all_can_be_reached_by_keys(
    open_notebook: OpenNotebook,
) -> None:
    notebook, widget = show(open_notebook)
    area = editor(widget)
    event = {"type": EVIL, "subject": EVIL, "data": {EVIL: [EVIL, {EVIL: EVIL}]}}
    area.fill(json.dumps(event))
    widget.get_by_role("tab", name="Form").press("ArrowLeft")
    widget.get_by_role("tab", name="Form").click()
    expect(widget.get_by_label("type", exact=True)).to_have_value(EVIL)
    widget.get_by_role("button", name="Send once").press("Enter")
    expect(widget.locator(".nbf-outcome")).to_contain_text("No rule matched")
    expect(widget.locator(".nbf-outcome")).to_contain_text(
        r"<script>window.hacked = 1</script>\x1b"
    )
    expect(widget.locator(".nbf-history tbody tr")).to_have_count(1)
    assert widget.locator("script, img").count() == 0
    assert notebook.page.evaluate("window.hacked") is None
    unnamed = widget.evaluate(
        """node => [...node.querySelectorAll('input, select, textarea, button')].filter(each =>
            !(each.labels?.length || each.getAttribute('aria-label') || each.textContent.trim()))
            .map(each => each.outerHTML)"""
    )
    assert unnamed == []
    assert widget.locator("[tabindex='-1']:not([role=tab])").count() == 0


def test_each_leaf_of_a_rule_is_marked_as_it_is_typed(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(["%load_ext nbfaas", "%faas rules"])
    notebook.run_cell(0)
    notebook.run_cell(1)
    widget = notebook.widget(1)
    expect(widget.get_by_role("status").last).to_contain_text("✓ The pattern matches.")
    pattern = widget.get_by_label("Pattern", exact=True)
    pattern.fill(pattern.input_value().replace("100", "300"))
    expect(widget.get_by_role("status").last).to_contain_text("✗ The pattern does not match.")
    leaf = widget.locator("tr", has_text="data.total")
    expect(leaf).to_contain_text("✗ failed")
    expect(leaf).to_contain_text("> 300")
    expect(leaf).to_contain_text("120")
    expect(widget.locator(".nbf-line-good")).to_have_count(2)  # the type's, on both sides
    expect(widget.locator(".nbf-line-poor")).to_have_count(2)
    pattern.fill('{\n  "type": [{"prefx": "a"}]\n}')
    expect(widget.locator(".nbf-problems li")).to_contain_text("Did you mean 'prefix'?")
    expect(widget.locator(".nbf-line-bad")).to_have_text("✗ 2")
    expect(widget.locator(".nbf-line-good")).to_have_count(0)


def test_a_cron_expression_is_explained_as_it_is_typed(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(["%load_ext nbfaas", "%faas cron */5 * * * * --timezone Asia/Tokyo"])
    notebook.run_cell(0)
    notebook.run_cell(1)
    widget = notebook.widget(1)
    expect(widget.locator(".nbf-means")).to_have_text(
        "Every fifth minute of every hour (Asia/Tokyo)"
    )
    expect(widget.locator(".nbf-runs tbody tr")).to_have_count(5)
    expect(widget.locator(".nbf-runs tbody tr").first).to_contain_text("JST")
    widget.get_by_label("Cron expression").fill("61 * * * *")
    expect(widget.locator(".nbf-cron[aria-invalid=true]")).to_be_visible()
    expect(widget.locator(".nbf-error")).to_contain_text("61")
    expect(widget.locator(".nbf-runs")).to_be_hidden()


def test_a_simulator_that_is_drawn_anew_is_as_it_was_left(open_notebook: OpenNotebook) -> None:
    notebook, widget = show(open_notebook)
    widget.get_by_role("tab", name="Burst").click()
    widget.get_by_label("Events", exact=True).fill("7")
    widget.get_by_role("button", name="Vary a field").click()
    widget.get_by_label("Field to vary").fill("$.data.total")
    widget.get_by_label("What it becomes").select_option("counter")
    widget.locator("input[data-option=step]").fill("5")
    widget.evaluate("node => { node.dataset.old = 'yes'; }")
    # Nobody is at it: its picture is stored, which draws it anew.
    notebook.page.evaluate("document.activeElement.blur()")
    notebook.page.mouse.move(0, 0)
    notebook.run("nbfaas.events.send(nbfaas.events.template('order.created'));")
    expect(notebook.page.locator("[data-old]")).to_have_count(0, timeout=SOON)
    widget = notebook.widget(1)
    expect(widget.get_by_role("tab", name="Burst")).to_have_attribute("aria-selected", "true")
    expect(widget.get_by_label("Events", exact=True)).to_have_value("7")
    expect(widget.get_by_label("Field to vary")).to_have_value("$.data.total")
    expect(widget.get_by_label("What it becomes")).to_have_value("counter")
    expect(widget.locator("input[data-option=step]")).to_have_value("5")
