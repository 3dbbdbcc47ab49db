"""From a click in a widget to its effect in the page, in real JupyterLab, while calls run.

    python benchmarks/click_to_effect.py [clicks]

2,000 calls a second run in the kernel and a dashboard is shown. The clicks, each measured in the
page from the click to the change it brings: "Next item" in a map's widget (the kernel is asked for
the item's details), and "Pause" and "Resume" of a trigger in the dashboard. Needs Chromium
(``python scripts/chromium.py``). Prints p50 and p95 of each; the target for p95 is 200 ms.
"""

from __future__ import annotations

import importlib
import statistics
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts"), str(ROOT / "tests" / "browser")]
_TARGET = 0.2

_LOAD = """
%load_ext nbfaas
import threading, time, nbfaas
from nbfaas import config, on, remote
config.show_progress = False

@remote
def nothing(x):
    return x

@on.event("never", name="never")
@remote
def never(event): ...

def load():
    due = time.monotonic()
    while True:
        nothing.map(range(200)).wait()
        due += 0.1
        time.sleep(max(0.0, due - time.monotonic()))

nothing.remote(0)
threading.Thread(target=load, daemon=True).start()
"""
# Clicks the button and waits for the text of ``watched`` to become another one.
_CLICK = """
([button, watched]) => new Promise(resolve => {
    const before = watched.innerText, began = performance.now();
    const look = () => watched.isConnected && watched.innerText !== before
        ? resolve((performance.now() - began) / 1000) : requestAnimationFrame(look);
    button.click();
    look();
})
"""


def main(clicks: int) -> int:
    chromium: Any = importlib.import_module("chromium")
    server_class: Any = importlib.import_module("running_jupyter").JupyterServer
    page_class: Any = importlib.import_module("notebook_page").NotebookPage
    from playwright.sync_api import sync_playwright

    program = chromium.ensure()
    server = server_class()
    try:
        server.start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=chromium.OPTIONS)
            context = browser.new_context(viewport={"width": 1200, "height": 2400})
            notebook = page_class(context.new_page(), server, "lab")
            cells = ["nothing.map(range(500))", "%faas dashboard"]
            notebook.open_notebook([_LOAD, *cells])
            for index in range(3):
                notebook.run_cell(index)
            met = report("Next item", next_item(notebook, clicks))
            met &= report("Pause, Resume", pause(notebook, clicks))
            notebook.close()
            browser.close()
    finally:
        server.close()
    return 0 if met else 1


def next_item(notebook: Any, clicks: int) -> list[float]:
    widget = notebook.widget(1)
    widget.get_by_role("slider").click(position={"x": 5, "y": 5})
    button = widget.get_by_role("button", name="Next item")
    button.wait_for()
    # The input is what only the kernel knows.
    shown = widget.get_by_text("Input", exact=True).locator("xpath=following-sibling::*[1]")
    return [click(notebook, button, shown) for _ in range(clicks)]


def pause(notebook: Any, clicks: int) -> list[float]:
    widget = notebook.widget(2)
    found = []
    for number in range(clicks):
        name = "Resume" if number % 2 else "Pause"
        button = widget.get_by_role("button", name=name).first
        button.wait_for()
        row = widget.get_by_role("row").filter(has_text="never").last
        found.append(click(notebook, button, row))
    return found


def click(notebook: Any, button: Any, watched: Any) -> float:
    handles = [button.element_handle(), watched.element_handle()]
    seconds: float = notebook.page.evaluate(_CLICK, handles)
    return seconds


def report(what: str, seconds: list[float]) -> bool:
    p95 = statistics.quantiles(seconds, n=20)[-1]
    print(f"{what:<14} p50 {statistics.median(seconds) * 1e3:6.1f} ms  p95 {p95 * 1e3:6.1f} ms")
    return p95 <= _TARGET


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 40))
