"""What works while a cell is blocked, with real containers."""

from __future__ import annotations

import time

import pytest
from notebook_page import NotebookPage, OpenNotebook
from playwright.sync_api import expect

pytestmark = pytest.mark.docker

SETUP = """
%load_ext nbfaas
import time
from nbfaas import remote
from probe import CallsProbe, RunProbe

@remote
def sleep(seconds):
    time.sleep(seconds)
"""
CALL = """
display(CallsProbe())
try:
    sleep.remote(300)
except BaseException as error:
    print("ended with", type(error).__name__)
"""
MAP = """
run = sleep.map([300] * 3, return_exceptions=True)
display(RunProbe(run))
print([type(each).__name__ for each in run])
"""


def _started(notebook: NotebookPage, running: str) -> None:
    notebook.run_cell(0)
    notebook.start_cell(1)
    expect(notebook.widget(1).locator(".running")).to_have_text(running, timeout=60_000)
    assert notebook.busy(1)


@pytest.mark.parametrize("frontend", ["lab", "notebook"])
def test_cancel_works_while_a_call_blocks_its_cell(
    open_notebook: OpenNotebook, frontend: str
) -> None:
    notebook = open_notebook([SETUP, CALL], frontend)
    _started(notebook, "1 running")
    begun = time.monotonic()
    notebook.widget(1).get_by_role("button", name="Cancel").click()
    notebook.wait_cell(1, timeout=20_000)
    assert time.monotonic() - begun < 10
    assert "ended with CancelledError" in notebook.text(1)
    expect(notebook.widget(1).locator(".ended")).to_have_text("CANCELLED")


def test_cancel_works_while_a_map_is_iterated(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook([SETUP, MAP])
    notebook.run_cell(0)
    notebook.start_cell(1)
    expect(notebook.widget(1).locator(".running")).to_have_text("2 running", timeout=60_000)
    notebook.widget(1).get_by_role("button", name="Cancel").click()
    notebook.wait_cell(1, timeout=20_000)
    assert "['CancelledError', 'CancelledError', 'CancelledError']" in notebook.text(1)


def test_where_clicks_wait_for_the_cell_the_view_offers_to_interrupt_it(
    open_notebook: OpenNotebook,
) -> None:
    notebook = open_notebook([SETUP, CALL])
    # As in kernels without subshells, and frontends that don't use them.
    notebook.kernel("kernel => { kernel.commsOverSubshells = 'disabled'; }")
    _started(notebook, "1 running")
    widget = notebook.widget(1)
    widget.get_by_role("button", name="Cancel").click()
    expect(widget.locator(".nbf-notice")).to_contain_text("The kernel is busy")
    widget.get_by_role("button", name="Interrupt the cell").click()
    notebook.wait_cell(1, timeout=20_000)
    assert "ended with KeyboardInterrupt" in notebook.text(1)
    expect(widget.locator(".nbf-notice")).to_be_empty()
    expect(widget.locator(".ended")).to_have_text("CANCELLED")
