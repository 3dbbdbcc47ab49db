"""What works while a cell is blocked, with real containers."""

from __future__ import annotations

import time

import pytest
from notebook_page import NotebookPage, OpenNotebook
from playwright.sync_api import Locator, expect

pytestmark = pytest.mark.docker

SETUP = """
%load_ext nbfaas
import time
from nbfaas import remote

@remote
def sleep(seconds):
    time.sleep(seconds)
"""
CALL = """
try:
    sleep.remote(300)
except BaseException as error:
    print("ended with", type(error).__name__)
"""
MAP = """
print([type(each).__name__ for each in sleep.map([300] * 3, return_exceptions=True)])
"""


def _cancel_button(notebook: NotebookPage) -> Locator:
    """That of the call or map that the notebook's second cell is blocked by."""
    notebook.run_cell(0)
    notebook.start_cell(1)
    expect(notebook.widget(1)).to_contain_text("running", timeout=60_000)
    assert notebook.busy(1)
    return notebook.widget(1).get_by_role("button", name="Cancel")


@pytest.mark.parametrize("frontend", ["lab", "notebook"])
def test_cancel_works_while_a_call_blocks_its_cell(
    open_notebook: OpenNotebook, frontend: str
) -> None:
    notebook = open_notebook([SETUP, CALL], frontend)
    button = _cancel_button(notebook)
    begun = time.monotonic()
    button.click()
    notebook.wait_cell(1, timeout=20_000)
    assert time.monotonic() - begun < 10
    assert "ended with CancelledError" in notebook.text(1)
    expect(notebook.widget(1)).to_contain_text("cancelled")


def test_cancel_works_while_a_map_is_iterated(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook([SETUP, MAP])
    _cancel_button(notebook).click()
    notebook.wait_cell(1, timeout=20_000)
    assert "['CancelledError', 'CancelledError', 'CancelledError']" in notebook.text(1)
    expect(notebook.widget(1)).to_contain_text("cancelled")


def test_where_clicks_wait_for_the_cell_the_view_offers_to_interrupt_it(
    open_notebook: OpenNotebook,
) -> None:
    notebook = open_notebook([SETUP, CALL])
    # As in kernels without subshells, and frontends that don't use them.
    notebook.kernel("kernel => { kernel.commsOverSubshells = 'disabled'; }")
    _cancel_button(notebook).click()
    notice = notebook.widget(1).locator(".nbf-notice")
    expect(notice).to_contain_text("The kernel is busy")
    notice.get_by_role("button", name="Interrupt the cell").click()
    notebook.wait_cell(1, timeout=20_000)
    assert "ended with KeyboardInterrupt" in notebook.text(1)
    expect(notice).to_be_empty()
    expect(notebook.widget(1)).to_contain_text("cancelled")
