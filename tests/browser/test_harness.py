"""The harness itself: a widget that says hello, in both frontends."""

from __future__ import annotations

import pytest
from notebook_page import OpenNotebook
from playwright.sync_api import expect

HELLO = """
import ipywidgets
hello = ipywidgets.Button(description="hello")
hello.on_click(lambda button: setattr(button, "description", "hello back"))
hello
"""


@pytest.mark.parametrize("frontend", ["lab", "notebook"])
def test_a_widget_of_a_cell_answers_a_click(open_notebook: OpenNotebook, frontend: str) -> None:
    notebook = open_notebook([HELLO], frontend)
    notebook.run_cell(0)
    button = notebook.output(0).get_by_role("button")
    button.click()
    expect(button).to_have_text("hello back")
    assert notebook.run("1 + 1") == "2"
