"""What becomes of a cell's triggers when the cell is run again."""

from __future__ import annotations

import pytest

SETUP = "import time, nbfaas\nfrom nbfaas import on, remote"
OLD = "@on.event('a')\n@remote(cpu=0.1)\ndef old(event): pass"
NEW = OLD.replace("old", "new")
NAMES = "sorted(each.name for each in nbfaas.triggers)"


@pytest.fixture
def notebook(kernel):
    kernel.run(SETUP).ok()
    yield kernel
    kernel.run("%faas stop --all").ok()


def names(notebook):
    return notebook.run(NAMES).ok().value


def test_a_function_that_is_renamed_in_its_cell_takes_its_triggers_along(notebook):
    notebook.run(OLD, cell="one").ok()
    assert "is removed" not in notebook.run(OLD, cell="one").ok().shown
    renamed = notebook.run(NEW, cell="one").ok()
    assert "trigger 'old-event' is removed: its cell was run again" in renamed.shown
    assert names(notebook) == "['new-event']"


def test_without_ids_of_cells_both_stay(notebook):
    notebook.run(OLD).ok()
    notebook.run(NEW).ok()
    assert names(notebook) == "['new-event', 'old-event']"


def test_what_another_cell_has_made_stays(notebook):
    notebook.run(OLD, cell="one").ok()
    notebook.run(NEW, cell="two").ok()
    notebook.run(OLD, cell="two").ok()  # it was moved there
    notebook.run("1", cell="one").ok()
    assert names(notebook) == "['old-event']"


def test_nothing_is_removed_by_a_run_that_failed(notebook):
    notebook.run(OLD, cell="one").ok()
    assert notebook.run(f"{NEW}\n1 / 0", cell="one").status == "error"
    assert names(notebook) == "['new-event', 'old-event']"
    notebook.run(NEW, cell="one").ok()
    assert names(notebook) == "['new-event']"


def test_a_cell_that_awaits_is_followed_too(notebook):
    wait = "import asyncio\nawait asyncio.sleep(0)\n"
    notebook.run(wait + OLD, cell="one").ok()
    notebook.run(wait + NEW, cell="one").ok()
    assert names(notebook) == "['new-event']"


def test_triggers_of_a_module_stay_though_its_import_does_nothing_again(notebook):
    (notebook.folder / "handlers.py").write_text(f"{SETUP}\n{OLD}\n")
    notebook.run("import sys\nsys.path.insert(0, '')\nimport handlers", cell="one").ok()
    notebook.run("import handlers", cell="one").ok()
    assert names(notebook) == "['old-event']"


def test_a_renamed_function_takes_over_its_route_and_its_triggers_own_name(notebook):
    routed = "@on.http('GET', '/p')\n@on.event('a', name='mine')\n@remote(cpu=0.1)\ndef {}(): pass"
    notebook.run(routed.format("p1"), cell="one").ok()
    notebook.run(routed.format("p2"), cell="one").ok()
    assert names(notebook) == "['mine', 'p2-http']"
    assert notebook.run("nbfaas.triggers['mine'].target").ok().value == "'p2'"
    elsewhere = notebook.run(routed.replace("name='mine'", "").format("p3"), cell="two")
    assert elsewhere.error_name == "RouteTaken"
    assert "%faas triggers remove p2-http" in elsewhere.error


def test_what_waits_for_a_removed_trigger_is_told(notebook):
    notebook.run(OLD, cell="one").ok()
    paused = "nbfaas.triggers['old-event'].pause()\nreceipt = nbfaas.emit('a', {})"
    notebook.run(paused).ok()
    renamed = notebook.run(NEW, cell="one").ok()
    assert "1 event waits for a trigger of this name" in renamed.shown


def test_what_waits_under_a_name_that_is_kept_goes_to_the_renamed_function(notebook):
    named = OLD.replace("'a'", "'a', name='mine'")
    notebook.run(named, cell="one").ok()
    notebook.run("nbfaas.triggers['mine'].pause()\n_ = nbfaas.emit('a', {})").ok()
    notebook.run(named.replace("old", "new").replace("pass", "print('here')"), cell="one").ok()
    assert notebook.run("nbfaas.triggers.drain(30)").ok().value == "True"
    assert notebook.run("%faas logs new").ok().value == "here"


def test_the_cell_that_loads_nbfaas_is_followed_as_well(notebook):
    notebook.run("%unload_ext nbfaas").ok()
    notebook.run(f"%load_ext nbfaas\n{OLD}", cell="one").ok()
    notebook.run(f"%load_ext nbfaas\n{NEW}", cell="one").ok()
    assert names(notebook) == "['new-event']"


def test_a_cell_that_is_run_by_another_one_does_not_count_as_it(notebook):
    inner = f"get_ipython().run_cell({OLD!r})\n"
    notebook.run(inner + NEW, cell="one").ok()
    notebook.run(inner + NEW, cell="one").ok()
    assert names(notebook) == "['new-event', 'old-event']"
