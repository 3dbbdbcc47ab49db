"""One server for all tests here, one browser for each file, and a page for each test; all are
marked ``browser``.

A test takes ``open_notebook`` and says which cells the notebook has::

    def test_it_shows(open_notebook):
        notebook = open_notebook(["%load_ext nbfaas", "…"])
        notebook.run_cell(0)

At the end of each test nothing may have been logged as an error in the browser's console.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from notebook_page import OPTIONS, NotebookPage, OpenNotebook
from playwright.sync_api import BrowserContext, expect, sync_playwright
from running_jupyter import JupyterServer


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(400))


@pytest.fixture(scope="session")
def jupyter() -> Iterator[JupyterServer]:
    server = JupyterServer()
    try:
        server.start()
        yield server
    finally:
        server.close()


# Playwright leaves a running event loop in this thread, and the asynchronous tests of other folders
# would trip over it; so it ends with each file. (A folder without __init__.py is no "package".)
@pytest.fixture(scope="module")
def browser() -> Iterator[BrowserContext]:
    """One context for all pages of a file: what one has loaded, the next has in its cache."""
    program = shutil.which("chromium")
    if program is None:
        pytest.fail(
            "this test needs chromium. Install it with `python scripts/chromium.py` (as root), or "
            "leave such tests out with -m 'not browser'."
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=OPTIONS)
        context = browser.new_context(viewport={"width": 1200, "height": 1600})
        context.set_default_timeout(30_000)
        expect.set_options(timeout=20_000)
        try:
            yield context
        finally:
            context.close()
            browser.close()


@pytest.fixture
def open_notebook(jupyter: JupyterServer, browser: BrowserContext) -> Iterator[OpenNotebook]:
    """``open_notebook(cells, frontend="lab")``; "notebook" is Notebook 7."""
    opened: list[NotebookPage] = []

    def open_one(cells: list[str], frontend: str = "lab") -> NotebookPage:
        notebook = NotebookPage(browser.new_page(), jupyter, frontend)
        opened.append(notebook)
        notebook.open_notebook(cells)
        return notebook

    try:
        yield open_one
        errors = {repr(notebook): notebook.console_errors() for notebook in opened}
        assert not any(errors.values()), f"the console has errors: {errors}"
    finally:
        for notebook in opened:
            notebook.close()
