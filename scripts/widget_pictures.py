"""What the pictures of the widgets show: notebooks, and what is done in them before each picture.

A scene is given its notebook, opened and with its first cell run, and yields what to photograph:
a name and where it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Scene = Callable[[Any], Iterator[tuple[str, Any]]]

_CALLS = """
%load_ext nbfaas
import random, time
import nbfaas
from nbfaas import remote

@remote(cpu=0.25, memory="128MB", retries=1)
def forecast(store):
    print("store", store, "reading sales")
    time.sleep(0.4 * random.Random(store).random())
    if store % 17 == 5:
        raise ValueError(f"store {store} has no sales before 2024")
    return {"store": store, "units": 40 + store * 7 % 90}

@remote(cpu=0.25, memory="128MB")
def quick(x):
    if x % 700 == 3:
        raise KeyError(x)
    return x

def parse(row):
    return float(row["price"])

@remote(cpu=0.25, memory="128MB")
def total(rows):
    print("\\x1b[33mwarning:\\x1b[0m", len(rows), "rows, first one", rows[0])
    return sum(parse(row) for row in rows)

@remote(cpu=0.25, memory="128MB")
def estimate_the_demand_of_every_store_by_product_family_and_week_with_holidays(configuration):
    print("a" * 300)
    print("<b>not bold</b>", configuration)
    return configuration["a_setting_with_quite_a_long_name_of_its_own"] * 40

list(quick.map(range(3)))
list(forecast.map(range(4)));
"""


def maps_and_calls(notebook: Any) -> Iterator[tuple[str, Any]]:
    notebook.run("run = forecast.map(range(600)); run")
    widget = _last(notebook)
    _wait(notebook, widget, "=> Number(node.querySelector('[role=progressbar]')?."
          "getAttribute('aria-valuenow')) > 60")  # fmt: skip
    yield "map-running", widget
    notebook.run("run.cancel()")

    notebook.run("run = forecast.map(range(120)); run.wait(); None")
    notebook.run("run")
    widget = _last(notebook)
    widget.get_by_role("button", name="Next failure").click()
    widget.get_by_role("region", name="Remote traceback").wait_for()
    yield "map-failures", widget

    notebook.run("run = quick.map(range(10_000)); run.wait(); None")
    notebook.run("run")
    yield "map-10000", _last(notebook)

    notebook.run("empty = forecast.map([]); empty")
    yield "map-empty", _last(notebook)

    notebook.run("call = total.spawn([{'price': '12.50'}, {'price': 'n/a'}]); call.exception()")
    notebook.run("call")
    widget = _last(notebook)
    widget.get_by_role("region", name="Remote traceback").wait_for()
    yield "call-failed", widget

    long = "estimate_the_demand_of_every_store_by_product_family_and_week_with_holidays"
    notebook.run(
        f"run = {long}.map([{{'a_setting_with_quite_a_long_name_of_its_own': 'x' * 40}}] * 30)\n"
        "run.wait(); None"
    )
    notebook.run("run")
    widget = _last(notebook)
    items = widget.get_by_role("slider")
    items.focus()
    items.press("Enter")
    widget.get_by_role("region", name="Log").wait_for()
    yield "map-long-names", widget


_EVENTS = """
%load_ext nbfaas
import random, time, uuid
from dataclasses import dataclass
from typing import Literal
import nbfaas
from nbfaas import DeliveryPolicy, emit, on, remote

nbfaas.config.event_store = uuid.uuid4().hex
small = dict(cpu=0.25, memory="128MB", max_containers=5)
again = DeliveryPolicy(max_attempts=2, initial_delay=0.2)
"""
_FUNCTIONS = """
@dataclass
class Item:
    sku: str
    quantity: int = 1

@on.event({"type": ["order.created"], "data": {"total": [{"numeric": [">", 100]}]}},
          name="large-orders", on_success="invoice.written", delivery=again)
@remote(**small)
def invoice(total: float, items: list[Item], currency: Literal["EUR", "USD", "GBP"] = "EUR",
            event=None):
    print("invoice over", total, currency, "for", event.subject)
    time.sleep(0.02)
    if None in items:
        raise ValueError(f"order {event.subject} has an item that is null")
    return {"order": event.subject, "total": total}

@on.event({"type": ["order.created"], "data": {"currency": ["GBP"], "total": [{"numeric": [">", 500]}]}},
          name="customs")
@remote(**small)
def customs(event): ...

@on.event({"type": ["invoice.written"]}, name="mail")
@remote(**small)
def send_mail(order):
    print("mail about", order)
    return "sent"

@remote(**small)
def resize(size):
    time.sleep(0.05 + size / 4)
    print("resized to", size)
    return size
"""  # noqa: E501
_BUSY = """
list(resize.map([random.random() for _ in range(60)]))
for n in range(40):
    emit("order.created", {"total": 90 + 3 * n, "items": [], "currency": "EUR"}, subject=f"A-{n}")
for n in range(3):
    emit("order.created", {"total": 900 + n, "items": [{"sku": n, "quantity": "many"}, None]},
         subject=f"bad-{n}")
nbfaas.triggers.drain();
"""


def dashboard(notebook: Any) -> Iterator[tuple[str, Any]]:
    notebook.run("%faas dashboard")
    widget = _last(notebook)
    _tab(widget, "Functions")
    widget.get_by_text("nbfaas is starting").wait_for(state="hidden")
    yield "dashboard-empty", widget
    notebook.run(_FUNCTIONS)
    notebook.run(_BUSY)
    for tab in ("Functions", "Pool", "Timeline", "Events", "Logs"):
        panel = _tab(widget, tab)
        if tab == "Timeline":
            panel.get_by_role("button", name="All").click()
        notebook.page.wait_for_timeout(700)
        yield f"dashboard-{tab.lower()}", widget
    letters = _tab(widget, "Dead letters")
    letters.get_by_role("button", name="Details").first.click()
    notebook.page.wait_for_timeout(700)
    yield "dashboard-dead-letters", widget


def simulator(notebook: Any) -> Iterator[tuple[str, Any]]:
    notebook.run(_FUNCTIONS)
    notebook.run("%faas simulate invoice")
    widget = _last(notebook)
    notebook.page.wait_for_timeout(1000)
    yield "simulator-form", widget
    widget.get_by_role("button", name="Send once").click()
    widget.get_by_text("mail about").wait_for()
    notebook.page.wait_for_timeout(1500)
    yield "simulator-sent", widget
    widget.get_by_role("tab", name="Burst").click()
    for name, value in (("Events", "500"), ("Seed", "7"), ("Duplicates", "2"), ("Poison", "2")):
        widget.get_by_label(name).first.fill(value)
    widget.get_by_role("button", name="Vary a field").click()
    widget.get_by_label("Field to vary").fill("$.data.total")
    widget.locator("input[data-option=high]").fill("400")
    widget.get_by_role("button", name="Send burst").click()
    widget.get_by_text("All are done or dead").wait_for(timeout=120_000)
    yield "simulator-burst", widget
    widget.get_by_role("tab", name="JSON").click()
    area = widget.get_by_label("CloudEvent, as JSON", exact=True)
    area.fill(re.sub(r'"total": [^,\n]*', '"total": "much"', area.input_value()))
    widget.get_by_role("tab", name="History").click()
    notebook.page.wait_for_timeout(800)
    yield "simulator-wrong", widget


def testers(notebook: Any) -> Iterator[tuple[str, Any]]:
    notebook.run(_FUNCTIONS)
    notebook.run("%faas rules customs")
    widget = _last(notebook)
    widget.get_by_role("row").first.wait_for()
    yield "rule-tester", widget
    widget.get_by_label("Pattern", exact=True).fill('{"type": ["order.created"], "data": 1}')
    widget.locator(".nbf-problems li").first.wait_for()
    yield "rule-tester-wrong", widget
    notebook.run("%faas cron 30 9 * * MON-FRI --timezone Europe/Berlin")
    widget = _last(notebook)
    widget.get_by_role("row").first.wait_for()
    yield "cron-tester", widget
    widget.locator(".nbf-cron").fill("61 9 * * MON")
    widget.get_by_text("is not valid").wait_for()
    yield "cron-tester-wrong", widget


@dataclass(frozen=True)
class Sitting:
    """Scenes of one notebook; ``setup`` is its first cell."""

    setup: str
    scene: Scene


SITTINGS = {
    "maps": Sitting(_CALLS, maps_and_calls),
    "dashboard": Sitting(_EVENTS, dashboard),
    "simulator": Sitting(_EVENTS, simulator),
    "testers": Sitting(_EVENTS, testers),
}


def _last(notebook: Any) -> Any:
    """The widget of the cell that was run last; it stays that one when others follow."""
    outputs = notebook.page.locator(".jp-Notebook .jp-Cell")
    widget = outputs.nth(outputs.count() - 1).locator(".nbf")
    widget.wait_for()
    return widget


def _tab(widget: Any, name: str) -> Any:
    widget.get_by_role("tab", name=name).click()
    return widget.get_by_role("tabpanel", name=name)


def _wait(notebook: Any, widget: Any, condition: str) -> None:
    notebook.page.wait_for_function(f"node {condition}", arg=widget.element_handle())
