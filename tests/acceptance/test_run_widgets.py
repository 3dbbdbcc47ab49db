"""Calls and runs in a notebook: widgets, with a picture and a text for readers without a kernel."""

from __future__ import annotations

import pytest

VIEW = "application/vnd.jupyter.widget-view+json"
SETUP = """
from nbfaas import remote

@remote
def slow(x):
    import time
    time.sleep(0.25)
    return x

@remote
def evil(x):
    print("<script>alert(1)</script>\\x1b[31m")
    raise ValueError("<img src=x onerror=alert(1)>\\x1b[2J")
"""


@pytest.fixture
def ready(kernel):
    kernel.run(SETUP).ok()
    return kernel


def test_a_map_that_is_waited_for_is_shown_once_and_a_quick_one_not(ready):
    ready.run("@remote\ndef quick(x): return x\nquick.remote(0)").ok()
    cell = ready.run("run = slow.map(range(6)); list(run); run").ok()
    assert len(cell.displays) == 1
    shown = cell.displays[0]
    assert VIEW in shown
    assert "slow: 6/6 done" in shown["text/plain"]
    assert "6 done" in shown["text/html"]
    assert "<svg" in shown["text/html"]
    assert ready.run("list(quick.map(range(3)))").ok().displays == []


def test_a_run_as_the_value_of_a_cell_shows_its_end_though_the_cell_ended_before(ready):
    cell = ready.run("run = slow.map(range(6))\nrun").ok()
    assert "slow: 0/6 done" in cell.shown
    ready.run("_ = run.wait()").ok()
    ready.settle()
    assert "slow: 6/6 done" in cell.shown


def test_a_call_that_a_cell_waits_for_is_shown_and_a_quick_one_not(ready):
    assert ready.run("slow.remote(1)").ok().displays == []
    cell = ready.run("import time\nfor i in range(2): remote(time.sleep).remote(0.8)").ok()
    assert len(cell.displays) == 1  # one for all calls of the cell
    assert "SUCCEEDED" in cell.shown


def test_tracebacks_in_widgets_name_cells_as_the_notebook_does(ready):
    ready.run("@remote\ndef broken(x):\n    return 1 / x").ok()
    ready.run("call = broken.spawn(0)\nassert call.exception(30)").ok()
    shown = ready.run("print(call.details().traceback)").ok().stdout
    assert "Cell In[" in shown
    assert "], line 3, in broken" in shown
    assert "ipykernel" not in shown
    ready.run("%unload_ext nbfaas").ok()
    assert "Cell In[" not in ready.run("print(call.details().traceback)").ok().stdout


def test_a_call_is_a_widget_with_a_picture_and_a_text(ready):
    cell = ready.run("call = slow.spawn(1); call.result(); call").ok()
    shown = cell.displays[0]
    assert VIEW in shown
    assert shown["text/plain"].startswith("<FunctionCall ")
    assert "Result" in shown["text/html"]


def test_what_functions_wrote_and_raised_is_only_text(ready):
    cell = ready.run("run = evil.map(range(2)); run.wait(); call = run[0]; display(call); run").ok()
    pictures = "".join(each["text/html"] for each in cell.displays)
    assert len(cell.displays) == 2
    assert "<script" not in pictures
    assert "<img" not in pictures
    assert "\x1b" not in pictures
    assert "&lt;img src=x onerror" in pictures


def test_unloading_leaves_still_pictures_and_no_threads(ready):
    cell = ready.run("slow.map(range(6))").ok()
    ready.run("%unload_ext nbfaas").ok()
    ready.settle(0.3)
    assert VIEW not in cell.displays[0] or "text/html" in cell.displays[0]
    threads = (
        "import threading; sorted(t.name for t in threading.enumerate() if 'widget' in t.name)"
    )
    assert ready.run(threads).ok().value == "[]"
    ready.run("%load_ext nbfaas").ok()


def test_nothing_is_shown_where_progress_is_not_wanted(ready):
    ready.run("import nbfaas; nbfaas.config.show_progress = False").ok()
    assert ready.run("list(slow.map(range(4)))").ok().displays == []
    ready.run("nbfaas.config.show_progress = True").ok()
