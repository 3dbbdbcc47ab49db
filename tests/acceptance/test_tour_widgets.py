"""The third tour notebook, run without a browser: what it prints, and what a reader who has no
kernel gets to see of each widget."""

from __future__ import annotations

import ast
import re

import pytest
from nbconvert import HTMLExporter
from tours import executed

VIEW = "application/vnd.jupyter.widget-view+json"
# The cell of each widget, and what its last state must show.
WIDGETS = {
    "%faas dashboard": ("forecast", "<svg"),
    "run = forecast.map": ("195 done", "5 failed", "<svg"),
    "run.failed[0]": ("ValueError: store 7 has no sales", "Traceback"),
    "%faas simulate": ("large-orders", "order.created"),
    "%faas rules": ("data.total", "✓"),
    "%faas cron": ("09:30", "Europe/Berlin"),
}

pytestmark = [pytest.mark.docker, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def tour(tmp_path_factory):
    """The executed notebook."""
    folder = tmp_path_factory.mktemp("tour")
    notebook = executed("03-simulator.ipynb", folder)
    yield notebook
    assert not list(folder.glob("nbfaas-tour-*")), "the tour leaves its folder behind"


def cell(notebook, part):
    return next(c for c in notebook.cells if c.cell_type == "code" and part in c.source)


def text(notebook, part):
    outputs = cell(notebook, part).outputs
    return "".join(output.text for output in outputs if output.output_type == "stream")


def shown(notebook, part):
    """All that a cell displays, by kinds."""
    (data,) = [o.data for o in cell(notebook, part).outputs if "data" in o and VIEW in o.data]
    return data


def test_the_map_ends_and_a_report_is_written(tour):
    assert "195 done, 5 failed" in text(tour, "run.wait()")
    assert re.search(r"forecast.html: \d+ kB", text(tour, "run.report("))


def test_events_are_explained_sent_and_burst_without_a_mouse(tour):
    explained = text(tour, "test_pattern")
    assert "✗ data.total: wanted > 100, found 80" in explained
    assert "large-orders done {'paid': 250}" in text(tour, "events.send(large)")
    burst = text(tour, "events.Burst(")
    assert re.search(r"^\d+ accepted, \d+ duplicates, \d+ matched no rule$", burst, re.M)
    ast.parse(text(tour, "as_pytest"))


@pytest.mark.parametrize("part", WIDGETS)
def test_each_widget_shows_its_last_state_without_a_kernel(tour, part):
    data = shown(tour, part)
    for wanted in WIDGETS[part]:
        assert wanted in data["text/html"], data["text/html"]
    assert "<script" not in data["text/html"]
    assert len(data["text/plain"].splitlines()) >= 1
    assert "<" not in data["text/plain"].replace("<FunctionCall", "").replace("<MapRun", "")


def test_nbconvert_keeps_the_pictures_of_all_widgets(tour):
    page, _ = HTMLExporter().from_notebook_node(tour)
    assert page.count("Event simulator") >= 1
    for part, wanted in WIDGETS.items():
        assert wanted[0] in page, part
