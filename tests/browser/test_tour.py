"""The tour notebooks in JupyterLab, as a reader runs them; and pages that have no kernel."""

from __future__ import annotations

import functools
import http.server
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from nbconvert import HTMLExporter
from notebook_page import NotebookPage, OpenNotebook
from playwright.sync_api import BrowserContext, expect
from running_jupyter import JupyterServer

pytestmark = pytest.mark.docker

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
REPORT = """
%load_ext nbfaas
from nbfaas import remote

@remote(cpu=0.25, memory="128MB")
def evil(x):
    print("<script>document.title = 'owned'</script>", x)
    if x == 3:
        raise ValueError("<img src=x onerror=\\"document.title='owned'\\">")
    return x

run = evil.map(range(5))
run.wait()
print(run.report("report.html"))
"""


@pytest.fixture
def tour(jupyter: JupyterServer, browser: BrowserContext) -> Iterator[NotebookPage]:
    """A page for a notebook of the repository; nothing of ours may be logged as an error."""
    notebook = NotebookPage(browser.new_page(), jupyter, "lab")
    try:
        yield notebook
        assert notebook.console_errors() == []
    finally:
        notebook.close()


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address at which a plain web server has its files."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    serve = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield tmp_path, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def index_of(notebook: NotebookPage, part: str) -> int:
    """The number of the first cell that has a text in its source."""
    return int(
        notebook.page.evaluate(
            """part => [...window.jupyterapp.shell.widgets('main')].find(w => w.sessionContext)
                .content.model.toJSON().cells.findIndex(cell =>
                    cell.cell_type === 'code' && [cell.source].flat().join('').includes(part))""",
            part,
        )
    )


def test_the_third_tour_runs_and_every_widget_is_live(tour: NotebookPage) -> None:
    tour.open_file(NOTEBOOKS / "03-simulator.ipynb")
    assert tour.run_all(timeout=300_000) == []
    widgets = {
        "%faas dashboard": "nbfaas dashboard",
        "run = forecast.map": "Map of forecast",
        "%faas simulate": "Event simulator",
        "%faas rules": "Rule tester",
        "%faas cron": "Cron tester",
    }
    for part, label in widgets.items():
        region = tour.widget(index_of(tour, part)).first
        expect(region).to_be_visible()
        expect(region).to_have_attribute("aria-label", label)
    run = tour.widget(index_of(tour, "run = forecast.map"))
    expect(run.get_by_text("195 done")).to_be_visible()
    expect(run.get_by_text("5 failed")).to_be_visible()
    dashboard = tour.widget(index_of(tour, "%faas dashboard"))
    row = dashboard.get_by_role("row").filter(has_text="forecast").first
    row.scroll_into_view_if_needed()  # nothing is sent to a dashboard that nobody can see
    expect(row).to_contain_text("195")
    # The dashboard's picture is stored by itself, once nothing more happens.
    deadline = time.monotonic() + 30
    while "forecast" not in str(tour.outputs(index_of(tour, "%faas dashboard"))):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_the_map_of_the_first_tour_is_seen_to_fill(tour: NotebookPage) -> None:
    tour.open_file(NOTEBOOKS / "01-first-steps.ipynb")
    tour.run_cell(index_of(tour, "%load_ext"))
    grid = index_of(tour, "accuracy.starmap")
    tour.start_cell(grid)
    bar = tour.widget(grid).get_by_role("progressbar")
    expect(bar).to_be_visible(timeout=180_000)  # the image may have to be made first
    seen: set[int] = set()
    deadline = time.monotonic() + 240
    while 35 not in seen:
        seen.add(int(bar.get_attribute("aria-valuenow") or 0))
        assert time.monotonic() < deadline, seen
        time.sleep(0.1)
    tour.wait_cell(grid)
    assert len(seen) > 5
    expect(tour.widget(grid).get_by_text("35 done")).to_be_visible()


def test_a_notebook_made_into_a_page_shows_its_widgets_without_a_kernel(
    open_notebook: OpenNotebook, browser: BrowserContext, pages: tuple[Path, str]
) -> None:
    folder, address = pages
    notebook = open_notebook([REPORT, "run", "%faas cron 30 9 * * MON", "run[3]"])
    for cell in range(4):
        notebook.run_cell(cell)
    expect(notebook.widget(1).get_by_text("1 failed")).to_be_visible()
    exporter = HTMLExporter(template_name="basic")  # which loads nothing from elsewhere
    (folder / "page.html").write_text(exporter.from_notebook_node(notebook.save())[0])
    page = browser.new_page()
    errors: list[str] = []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{address}/page.html")
    for shown in ("4 done", "1 failed", "At 09:30 on Monday"):
        expect(page.get_by_text(shown).first).to_be_visible()
    expect(page.get_by_text("ValueError: <img src=x").first).to_be_visible()
    assert page.locator("svg").count() >= 1
    assert page.title() != "owned"
    page.close()
    assert [each for each in errors if "favicon" not in each and "404" not in each] == []


def test_a_report_opens_without_a_kernel_and_runs_nothing(
    open_notebook: OpenNotebook, browser: BrowserContext
) -> None:
    notebook = open_notebook([REPORT])
    notebook.run_cell(0)
    report = Path(notebook.text(0).strip().splitlines()[-1])
    if not report.is_absolute():
        report = notebook.server.notebooks / report
    page = browser.new_page()
    errors: list[str] = []
    requests: list[str] = []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(report.as_uri())
    expect(page.get_by_text("evil").first).to_be_visible()
    expect(page.get_by_text("ValueError: <img src=x").first).to_be_visible()
    assert page.locator("svg").count() >= 1
    assert page.title() != "owned"
    assert requests == [report.as_uri()], "it needs nothing else"
    page.close()
    assert errors == []
