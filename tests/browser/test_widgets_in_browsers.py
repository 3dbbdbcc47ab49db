"""What all widgets share, in the browser."""

from __future__ import annotations

import pytest
from notebook_page import NotebookPage, OpenNotebook
from playwright.sync_api import Locator, expect

HOSTILE = (
    "<script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    '"><svg onload=window.hacked=1>',
    "\x1b[31;1mred\x1b[0m \x1b]0;title\x07\x1b[2Jend\x00\u202e",
)
SHOW = f"""
%load_ext nbfaas
from probe import Texts
texts = Texts(texts={list(HOSTILE)!r})
texts
"""


@pytest.fixture
def shown(open_notebook: OpenNotebook) -> tuple[NotebookPage, Locator]:
    notebook = open_notebook([SHOW])
    notebook.run_cell(0)
    widget = notebook.widget(0)
    expect(widget.locator("li")).to_have_count(len(HOSTILE))
    return notebook, widget


def test_nothing_that_is_shown_becomes_markup(shown: tuple[NotebookPage, Locator]) -> None:
    notebook, widget = shown
    assert widget.locator("li").all_inner_texts() == [
        *HOSTILE[:3],
        r"\x1b[31;1mred\x1b[0m \x1b]0;title\x07\x1b[2Jend\x00\u202e",
    ]
    assert widget.locator("pre > div").nth(3).inner_text() == r"red end\x00\u202e"
    expect(widget.locator("pre .nbf-red.nbf-bold")).to_have_text("red")
    assert widget.get_attribute("aria-label") == HOSTILE[0]
    widget.get_by_role("button", name="Fail").click()
    expect(widget.get_by_role("alert")).to_have_text(r"✗ ValueError: <b>no</b>\x1b[31m")
    assert widget.locator("script, img, b, li svg").count() == 0
    assert notebook.page.evaluate("window.hacked") is None


def test_actions_change_fields_tell_views_and_refuse_what_they_do_not_expect(
    shown: tuple[NotebookPage, Locator],
) -> None:
    notebook, widget = shown
    widget.get_by_role("button", name="Mistake").click()
    alert = widget.get_by_role("alert")
    expect(alert).to_contain_text("BadAction: add: Expected `int`, got `str`")
    widget.get_by_role("button", name="Add").click()
    expect(widget.locator("output").first).to_have_text("2")
    expect(widget.locator(".told")).to_have_text("added 2 5")
    expect(alert).to_be_empty()  # the last action went well
    assert notebook.run("texts.count") == "2"


def test_an_action_that_takes_long_is_not_taken_for_a_busy_kernel(
    shown: tuple[NotebookPage, Locator],
) -> None:
    _, widget = shown
    widget.get_by_role("button", name="Dawdle").click()
    expect(widget.get_by_role("button", name="Dawdle")).to_have_attribute("aria-disabled", "true")
    widget.page.wait_for_timeout(1700)  # the notice would come after 1.5 s
    expect(widget.locator(".nbf-notice")).to_be_empty()
    expect(widget.locator("output").first).to_have_text("99")


def test_a_view_opened_later_shows_the_last_state(shown: tuple[NotebookPage, Locator]) -> None:
    notebook, widget = shown
    widget.get_by_role("button", name="Add").click()
    expect(widget.locator("output").first).to_have_text("2")
    notebook.run_cell(0)
    notebook.run("texts.put(count=7)")
    notebook.save()
    notebook.reload()
    expect(notebook.widget(0).locator("output").first).to_have_text("7")
    expect(notebook.widget(0).locator("li")).to_have_count(len(HOSTILE))


def test_nothing_is_refreshed_for_a_view_that_cannot_be_seen(
    shown: tuple[NotebookPage, Locator],
) -> None:
    notebook, widget = shown
    widget.evaluate("node => { node.parentElement.style.display = 'none'; }")
    wait = "import time\nwhile texts.displayed: time.sleep(0.01)\nbefore = texts.refreshed"
    notebook.run(wait)
    assert notebook.run("texts.stale(); time.sleep(0.5); texts.refreshed - before") == "0"
    widget.evaluate("node => { node.parentElement.style.display = ''; }")
    expect(widget.locator("li").first).to_be_visible()
    notebook.run("while texts.refreshed == before: time.sleep(0.01)")


def test_after_a_restart_the_view_says_so_and_refuses_clicks(
    shown: tuple[NotebookPage, Locator],
) -> None:
    notebook, widget = shown
    notebook.restart()
    expect(widget.locator(".nbf-notice")).to_contain_text("The kernel has restarted")
    expect(widget.locator("li")).to_have_count(len(HOSTILE))
    expect(widget.get_by_role("button", name="Add")).to_have_css("pointer-events", "none")


def test_when_nbfaas_is_unloaded_still_pictures_remain_and_no_threads(
    shown: tuple[NotebookPage, Locator],
) -> None:
    notebook, widget = shown
    notebook.run("texts.put(count=3)")
    notebook.run("%unload_ext nbfaas")
    expect(widget).to_have_count(0)
    expect(notebook.output(0)).to_contain_text("3 of 4 texts")
    names = "import threading; print(sorted(each.name for each in threading.enumerate()))"
    assert "nbfaas-widget" not in notebook.run(names)
    saved = notebook.save().cells[0].outputs[0]["data"]
    assert sorted(saved) == ["text/html", "text/plain"]


def test_a_saved_notebook_has_the_widget_as_html_and_text(
    shown: tuple[NotebookPage, Locator],
) -> None:
    notebook, _ = shown
    notebook.run("other = Texts(texts=['x']); other")
    expect(notebook.widget(1).locator(".drawn")).to_have_text("1")
    notebook.run("texts.put(count=4); texts.settle()")
    expect(notebook.widget(0).locator("output").first).to_have_text("4")
    # What is drawn anew remembers what its widget's view was, and only that.
    expect(notebook.widget(0).locator(".drawn")).to_have_text("2")
    expect(notebook.widget(1).locator(".drawn")).to_have_text("1")
    data = notebook.save().cells[0].outputs[0]["data"]
    assert data["text/plain"] == "4 of 4 texts"
    assert "4 of 4 texts" in data["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in data


def test_running_its_cell_again_closes_a_widget(shown: tuple[NotebookPage, Locator]) -> None:
    notebook, _ = shown
    notebook.run("old = texts")
    notebook.run_cell(0)
    assert notebook.run("print(old.comm, texts.comm is None)") == "None False\n"
    expect(notebook.widget(0)).to_have_count(1)


def test_it_is_readable_in_both_themes(shown: tuple[NotebookPage, Locator]) -> None:
    notebook, widget = shown
    for theme in ("dark", "light"):
        notebook.theme(theme)
        text, ground = widget.evaluate(
            "node => [getComputedStyle(node).color, getComputedStyle(node).backgroundColor]"
        )
        assert _contrast(text, ground) > 4.5, (theme, text, ground)


def _contrast(one: str, other: str) -> float:
    """As the guidelines for accessible content (WCAG 2) define it."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    numbers = [float(each) for each in colour[colour.index("(") + 1 : -1].split(",")]
    red, green, blue = (_linear(each / 255) for each in numbers[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(share: float) -> float:
    return float(share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4)
