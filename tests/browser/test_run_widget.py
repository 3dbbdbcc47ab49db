"""Maps and calls in their cells: watched, opened, cancelled and run again, in real containers."""

from __future__ import annotations

import re
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
def steady(x):
    time.sleep(0.05)
    print("item", x)
    return {"square": x * x}

@remote
def evil(x):
    print("<script>document.title = 'owned'</script>\\x1b[31mred\\x1b[0m", x)
    if x % 10 == 4:
        raise ValueError("<img src=x onerror=\\"document.title='owned'\\">\\x1b[2J")
    return "<b>fine</b>"

@remote
def sleepy(x):
    time.sleep(60)

@remote
def quick(x):
    if x % 1000 == 3:
        raise KeyError(x)
    return x

steady.remote(0)
"""


def opened(open_notebook: OpenNotebook, cells: list[str], frontend: str = "lab") -> NotebookPage:
    notebook = open_notebook([SETUP, *cells], frontend)
    notebook.run_cell(0)
    return notebook


def grid(widget: Locator) -> Locator:
    return widget.get_by_role("slider")


@pytest.mark.parametrize("frontend", ["lab", "notebook"])
def test_a_map_is_seen_to_fill_and_its_items_can_be_opened(
    open_notebook: OpenNotebook, frontend: str
) -> None:
    notebook = opened(open_notebook, ["run = steady.map(range(120))\nrun", "run.wait()"], frontend)
    notebook.run_cell(1)
    widget = notebook.widget(1)
    bar = widget.get_by_role("progressbar")
    seen: set[int] = set()
    while 120 not in seen:
        seen.add(int(bar.get_attribute("aria-valuenow") or 0))
        time.sleep(0.05)
    assert len(seen) > 3
    expect(widget.get_by_text("120 done")).to_be_visible()
    expect(widget.get_by_role("button", name="Cancel")).to_be_hidden()
    grid(widget).locator("canvas").click(position={"x": 25, "y": 5})
    panel = widget.get_by_role("region", name="Item", exact=True)
    expect(panel.get_by_text("Item 1 ✓ done")).to_be_visible()
    expect(panel.get_by_text("{'square': 1}")).to_be_visible()
    expect(panel.get_by_role("region", name="Log")).to_have_text("item 1\n")
    expect(panel.get_by_role("img")).to_have_attribute("aria-label", re.compile("waited .* ran "))


def test_items_are_reached_by_keys_alone(open_notebook: OpenNotebook) -> None:
    notebook = opened(open_notebook, ["run = evil.map(range(30)); run.wait(); run"])
    notebook.run_cell(1)
    widget = notebook.widget(1)
    items = grid(widget)
    items.focus()
    expect(items).to_have_attribute("aria-valuetext", "item 0: done")
    items.press("ArrowRight")
    expect(items).to_have_attribute("aria-valuetext", "item 1: done")
    items.press("n")
    expect(items).to_have_attribute("aria-valuetext", "item 4: failed")
    items.press("n")
    expect(items).to_have_attribute("aria-valuetext", "item 14: failed")
    items.press("N")
    expect(items).to_have_attribute("aria-valuenow", "4")
    items.press("Enter")
    panel = widget.get_by_role("region", name="Item", exact=True)
    expect(panel).to_be_visible()
    items.press("End")
    expect(panel.get_by_text("Item 29")).to_be_visible()
    panel.get_by_role("button", name="Close").press("Escape")
    expect(panel).to_be_hidden()
    expect(items).to_be_focused()


def test_what_functions_write_and_raise_is_shown_as_text(open_notebook: OpenNotebook) -> None:
    notebook = opened(open_notebook, ["run = evil.map(range(10)); run.wait(); run"])
    notebook.run_cell(1)
    widget = notebook.widget(1)
    widget.get_by_role("button", name="Next failure").click()
    panel = widget.get_by_role("region", name="Item", exact=True)
    trace = panel.get_by_role("region", name="Remote traceback")
    expect(trace).to_contain_text("raise ValueError(")
    expect(trace).to_contain_text('<img src=x onerror="document.title=')
    log = panel.get_by_role("region", name="Log")
    expect(log).to_have_text("<script>document.title = 'owned'</script>red 4\n")
    expect(log.locator(".nbf-red")).to_have_text("red")
    assert widget.locator("script, img").count() == 0
    assert notebook.page.title() != "owned"
    saved = "".join(str(each.get("data", {})) for each in notebook.outputs(1))
    assert "<script" not in saved
    assert "<img" not in saved


def test_failed_items_alone_are_shown_and_run_again(open_notebook: OpenNotebook) -> None:
    flaky = (
        "@remote(retries=0)\ndef flaky(x):\n"
        "    from pathlib import Path\n"
        "    seen = Path(f'/tmp/seen-{x}')\n"
        "    if x % 5 == 2 and not seen.exists():\n"
        "        seen.touch(); raise ValueError(x)\n"
        "    return x\n"
        "run = flaky.with_options(max_containers=1).map(range(20)); run.wait(); run"
    )
    notebook = opened(open_notebook, [flaky])
    notebook.run_cell(1)
    widget = notebook.widget(1)
    expect(widget.get_by_text("4 failed")).to_be_visible()
    widget.get_by_label("Failed only").check()
    items = grid(widget)
    items.focus()
    items.press("End")
    expect(items).to_have_attribute("aria-valuetext", "item 17: failed")
    widget.get_by_role("button", name="Retry failed").click()
    expect(widget.get_by_text("20 done")).to_be_visible()
    expect(widget.get_by_role("button", name="Retry failed")).to_be_hidden()


@pytest.mark.parametrize(
    ("code", "ends_with"),
    [
        ("for _ in sleepy.map(range(3)): pass", "CancelledError"),
        ("sleepy.remote(1)", "CancelledError"),
    ],
    ids=["map", "remote"],
)
def test_cancel_works_while_the_cell_waits(
    open_notebook: OpenNotebook, code: str, ends_with: str
) -> None:
    notebook = opened(open_notebook, [code])
    notebook.start_cell(1)
    button = notebook.widget(1).get_by_role("button", name="Cancel")
    expect(button).to_be_visible()
    expect(notebook.widget(1).get_by_text("running").first).to_be_visible()
    assert notebook.busy(1)
    begun = time.monotonic()
    button.click()
    notebook.wait_cell(1)
    assert time.monotonic() - begun < 10
    raised = [each for each in notebook.outputs(1) if each["output_type"] == "error"]
    assert raised[0]["ename"] == ends_with
    expect(notebook.widget(1).get_by_text("cancelled").first).to_be_visible()


@pytest.mark.parametrize("total", [10_000, 100_000])
def test_many_items_are_drawn_within_a_second(open_notebook: OpenNotebook, total: int) -> None:
    cell = f"run = quick.map(range({total})); run.wait(); None"
    notebook = opened(open_notebook, [cell, "run"])
    notebook.run_cell(1, timeout=240_000)
    notebook.run_cell(2)
    widget = notebook.widget(2)
    failed = total // 1000
    expect(widget.get_by_text(f"{total - failed:,} done")).to_be_visible()
    items = grid(widget)
    items.focus()
    items.press("n")
    expect(items).to_have_attribute("aria-valuetext", "item 3: failed")
    took = widget.get_by_label("Failed only").evaluate(
        """box => {
            box.click();
            const begun = performance.now();
            box.click();
            return performance.now() - begun;
        }"""
    )
    assert took < 1000
    box = items.bounding_box()
    assert box is not None
    assert box["height"] < 230


def test_a_saved_notebook_shows_how_a_run_ended_without_a_kernel(
    open_notebook: OpenNotebook,
) -> None:
    notebook = opened(open_notebook, ["run = steady.map(range(60))\nrun", "run.wait()"])
    notebook.run_cell(1)
    notebook.run_cell(2)
    expect(notebook.widget(1).get_by_text("60 done")).to_be_visible()
    data = notebook.save().cells[1].outputs[-1]["data"]
    assert "60/60 done" in data["text/plain"]
    assert "<svg" in data["text/html"]
    assert "60 done" in data["text/html"]


def test_a_call_shows_its_log_while_it_runs_and_its_result_at_the_end(
    open_notebook: OpenNotebook,
) -> None:
    code = (
        "@remote\ndef talk(x):\n"
        "    for i in range(20): print('step', i); time.sleep(0.1)\n"
        "    return 'over'\n"
        "call = talk.spawn(1)\ncall"
    )
    notebook = opened(open_notebook, [code])
    notebook.run_cell(1)
    widget = notebook.widget(1)
    expect(widget.get_by_text("running").first).to_be_visible()
    expect(widget.get_by_role("region", name="Log")).to_contain_text("step 1")
    expect(widget.get_by_text("'over'")).to_be_visible()
    expect(widget.get_by_role("region", name="Log")).to_contain_text("step 19")
    widget.get_by_role("button", name="Run again").click()
    expect(widget.get_by_role("button", name="Cancel")).to_be_visible()
    widget.get_by_role("button", name="Cancel").click()
    expect(widget.get_by_text("cancelled").first).to_be_visible()


def test_a_page_that_is_loaded_again_has_the_items_again(open_notebook: OpenNotebook) -> None:
    notebook = opened(open_notebook, ["run = evil.map(range(10)); run.wait(); run"])
    notebook.run_cell(1)
    expect(notebook.widget(1).get_by_text("1 failed")).to_be_visible()
    notebook.save()
    notebook.reload()
    widget = notebook.widget(1)
    expect(widget.get_by_text("9 done")).to_be_visible()
    items = grid(widget)
    items.focus()
    expect(items).to_have_attribute("aria-valuetext", "item 0: done")  # the states have come
    items.press("n")
    expect(items).to_have_attribute("aria-valuetext", "item 4: failed")


def test_a_map_that_ends_leaves_the_view_as_it_was_left(open_notebook: OpenNotebook) -> None:
    notebook = opened(open_notebook, ["run = steady.map(range(100))\nrun"])
    notebook.run_cell(1)
    widget = notebook.widget(1)
    items = grid(widget)
    items.focus()
    items.press("ArrowRight")
    items.press("Enter")
    expect(widget.get_by_text("100 done")).to_be_visible()
    expect(widget.get_by_role("region", name="Item", exact=True)).to_contain_text("Item 1")
    expect(grid(widget)).to_have_attribute("aria-valuetext", "item 1: done")
    expect(grid(widget)).to_be_focused()


def test_the_focus_stays_where_it_was_when_what_is_watched_ends(
    open_notebook: OpenNotebook,
) -> None:
    cells = ["run = steady.map(range(100))\nrun", "call = remote(time.sleep).spawn(4)\ncall"]
    notebook = opened(open_notebook, cells)
    notebook.run_cell(1)
    widget = notebook.widget(1)
    items = grid(widget)
    items.focus()
    items.press("ArrowRight")
    items.press("Enter")
    widget.get_by_role("button", name="Next item").focus()
    expect(widget.get_by_text("100 done")).to_be_visible()
    expect(widget.get_by_role("button", name="Next item")).to_be_focused()
    notebook.run_cell(2)
    widget = notebook.widget(2)
    widget.get_by_role("button", name="Cancel").focus()
    # It is gone; what stands in its place has the focus.
    again = widget.get_by_role("button", name="Run again")
    expect(again).to_be_visible(timeout=20_000)
    expect(again).to_be_focused()
