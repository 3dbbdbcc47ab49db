"""The dashboard in JupyterLab and Notebook 7, over real containers."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

import pytest
from notebook_page import NotebookPage, OpenNotebook
from playwright.sync_api import BrowserContext, Locator, expect
from waiting import until

from nbfaas.notebook.widgets.assets import STATIC

SETUP = """
%load_ext nbfaas
import nbfaas, time, uuid
from nbfaas import on, remote

nbfaas.config.event_store = uuid.uuid4().hex  # other tests have had events, too

@remote
def score(x):
    time.sleep(0.01)
    print("<script>window.harmed = 1</script> scoring", x)
    if x == 3:
        raise ValueError("bad <img src=x onerror='window.harmed=1'> item")
    return x

@remote
def a_function_with_a_very_long_name_that_says_it_all_and_then_goes_on_for_quite_a_while(x):
    print("long", x)

@on.event({"type": ["order.created"]}, delivery=1)
@remote
def handle_order(event):
    if event.data["amount"] < 0:
        raise ValueError("negative <b>amount</b>")
    return 1
"""
CALLS = """
list(score.map(range(40), return_exceptions=True))
a_function_with_a_very_long_name_that_says_it_all_and_then_goes_on_for_quite_a_while.remote(1);
"""
EVENTS = """
for amount in (5, -1):
    nbfaas.emit("order.created", {"amount": amount}, id=f"order-{amount}")
nbfaas.triggers.drain();
"""


def begin(open_notebook: OpenNotebook, frontend: str = "lab") -> tuple[NotebookPage, Locator]:
    notebook = open_notebook(["%load_ext nbfaas\n%faas dashboard", SETUP], frontend)
    notebook.run_cell(0)
    dashboard = notebook.widget(0)
    expect(dashboard).to_be_visible()
    return notebook, dashboard


def tab(dashboard: Locator, name: str) -> Locator:
    """The panel of a tab, once that is chosen."""
    dashboard.get_by_role("tab", name=name).click()
    return dashboard.get_by_role("tabpanel", name=name)


def line(panel: Locator, text: str) -> Locator:
    return panel.get_by_role("row").filter(has_text=text)


@pytest.mark.parametrize("frontend", ["lab", "notebook"])
def test_calls_sandboxes_events_and_output_show_up(
    open_notebook: OpenNotebook, frontend: str
) -> None:
    notebook, dashboard = begin(open_notebook, frontend)
    for name, hint in (
        ("Functions", "No functions yet"),
        ("Timeline", "Nothing has run"),
        ("Events", "No events yet"),
        ("Dead letters", "Events have not been used"),
        ("Logs", "Nothing has been written"),
    ):
        expect(tab(dashboard, name).get_by_text(hint)).to_be_visible()
    notebook.run_cell(1)
    notebook.run(CALLS)
    notebook.run(EVENTS)

    functions = tab(dashboard, "Functions")
    row = line(functions, "score")
    expect(row.get_by_role("cell").nth(6)).to_have_text("39")
    expect(row.get_by_role("cell").nth(7)).to_have_text("✗ 1")
    long = functions.locator("[title^=a_function_with]").first
    assert len(long.get_attribute("title") or "") > 80
    cut = "node => node.scrollWidth > node.clientWidth && node.clientWidth > 50"
    assert long.evaluate(cut), "a long name is cut short"
    expect(line(functions, "handle_order-event").get_by_text("active")).to_be_visible()

    expect(line(tab(dashboard, "Pool"), "score").first).to_contain_text("of 512 MB")
    events = tab(dashboard, "Events")
    fifth = line(events, "order.created order-5 from")
    expect(fifth.filter(has_text="accepted")).to_be_visible()
    expect(fifth.filter(has_text="done")).to_be_visible()
    died = line(events, "order--1").filter(has_text="dead")
    expect(died).to_contain_text("negative")
    expect(died).to_contain_text("order.created order--1 from")
    logs = tab(dashboard, "Logs")
    expect(logs.get_by_text("scoring 39")).to_be_visible()
    assert notebook.page.evaluate("window.harmed") is None

    notebook.page.wait_for_timeout(200)
    assert dashboard.evaluate("node => node.scrollWidth <= node.clientWidth + 1"), "it fits"


def test_lines_are_filtered_and_a_dead_letter_redriven_by_its_button(
    open_notebook: OpenNotebook,
) -> None:
    notebook, dashboard = begin(open_notebook)
    notebook.run_cell(1)
    notebook.run(CALLS)
    notebook.run(EVENTS)

    logs = tab(dashboard, "Logs")
    box = logs.get_by_role("log")
    logs.get_by_label("contain this text").fill("SCORING 7")
    expect(box.locator("> *")).to_have_count(1)
    expect(box).to_contain_text("<script>window.harmed = 1</script> scoring 7")
    logs.get_by_label("contain this text").fill("")
    logs.get_by_label("lines of this function").select_option(label="score")
    expect(box.locator("> *")).to_have_count(40)
    logs.get_by_label("contain this text").fill("nobody says this")
    expect(logs.get_by_text("No line matches")).to_be_visible()

    letters = tab(dashboard, "Dead letters")
    row = line(letters, "order--1")
    row.get_by_role("button", name="Details").click()
    expect(letters.get_by_text('"amount": -1')).to_be_visible()
    expect(letters.get_by_text("ValueError: negative <b>amount</b>").last).to_be_visible()
    # Defined anew, it takes such orders: what is redriven is done.
    notebook.run(
        '@on.event({"type": ["order.created"]}, delivery=1)\n'
        "@remote\n"
        "def handle_order(event):\n"
        "    return event.data['amount']\n"
    )
    row.get_by_role("button", name=re.compile("Redrive")).click()
    expect(letters.get_by_text("No dead letters")).to_be_visible()
    expect(line(tab(dashboard, "Events"), "order--1").filter(has_text="done").first).to_be_visible()
    assert notebook.run("len(nbfaas.dead_letters)") == "0"

    functions = tab(dashboard, "Functions")
    functions.get_by_role("button", name="Pause handle_order-event").click()
    expect(line(functions, "handle_order-event")).to_contain_text("paused")
    assert notebook.run("str(nbfaas.triggers['handle_order-event'].state)") == "'paused'"
    functions.get_by_role("button", name="Resume handle_order-event").click()
    expect(line(functions, "handle_order-event")).to_contain_text("active")


def test_the_timeline_is_zoomed_and_walked_by_keyboard(open_notebook: OpenNotebook) -> None:
    notebook, dashboard = begin(open_notebook)
    notebook.run_cell(1)
    notebook.run(CALLS)
    # By keyboard from the first tab on.
    dashboard.get_by_role("tab", name="Functions").focus()
    notebook.page.keyboard.press("ArrowRight")
    timeline = dashboard.get_by_role("tabpanel", name="Timeline")
    canvas = timeline.locator("canvas")
    expect(canvas).to_be_visible()
    expect(timeline.get_by_text("20.0 s up to now")).to_be_visible()
    canvas.focus()
    for _ in range(2):
        notebook.page.keyboard.press("+")
    expect(timeline.get_by_text("5.0 s up to now")).to_be_visible()
    notebook.page.keyboard.press("-")
    expect(timeline.get_by_text("10.0 s up to now")).to_be_visible()
    notebook.page.keyboard.press("ArrowLeft")
    expect(timeline.get_by_role("button", name="Live")).to_have_attribute("aria-pressed", "false")
    notebook.page.keyboard.press("0")
    notebook.page.keyboard.press("n")
    expect(timeline.get_by_role("status")).to_contain_text("Invocation")
    expect(timeline.get_by_role("status")).to_contain_text("a_function_with")
    notebook.page.keyboard.press("ArrowDown")
    expect(timeline.get_by_role("status")).to_contain_text("score in ")
    expect(timeline.locator("[title^=score]").first).to_be_visible()
    painted = canvas.evaluate(
        """canvas => {
            const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            const colours = new Set();
            for (let i = 0; i < data.length; i += 4)
              if (data[i + 3] === 255) colours.add(data.slice(i, i + 3).join());
            return colours.size;
        }"""
    )
    assert painted >= 3, "the bars of two functions, and the axis"

    # A picture that is kept is in the notebook; the view, drawn anew, is where it was.
    dashboard.get_by_role("button", name="Keep this picture").click()
    until(lambda: "<svg" in json.dumps(notebook.outputs(0)))
    saved = json.dumps(notebook.save()["cells"][0]["outputs"])
    assert "score" in saved
    expect(timeline.locator("canvas")).to_be_visible()

    # A page that is loaded anew is told all again.
    notebook.reload()
    dashboard = notebook.widget(0)
    expect(line(tab(dashboard, "Functions"), "score").first).to_contain_text("39")
    expect(tab(dashboard, "Logs").get_by_text("scoring 39")).to_be_visible()


def test_what_is_told_before_all_that_is_kept_does_not_hide_what_is_older(
    browser: BrowserContext,
) -> None:
    script = (STATIC / "dashboard-store.js").read_text()
    page = browser.new_page()
    seen = page.evaluate(
        """async (script) => {
            const { SERIES, Store } = await import("data:text/javascript," + script);
            const store = new Store();
            const tell = (first, numbers, more) => {
                const row = (at) => ({ n: at });
                const kinds = [Float64Array, Float32Array, Float32Array, Uint32Array, Uint8Array];
                store.take(
                    { now: 0, filter: store.filter, series: first, spans: first,
                      events: numbers.map(row), lines: numbers.map(row), ...more },
                    [Float64Array.from(numbers.flatMap((at) => SERIES.map(() => at))),
                     ...kinds.map((Kind) => Kind.from(numbers))]
                        .map((values) => new DataView(values.buffer)),
                );
                return [store.seconds.map((each) => each.at),
                        [...store.begin.slice(0, store.count)],
                        store.events.map((each) => each.n), store.lines.map((each) => each.n)];
            };
            return [tell(3, [3], { whole: false }), tell(0, [0, 1, 2, 3], { whole: true }),
                    tell(4, [4], { whole: false }), tell(0, [0, 1, 2, 3, 4], { whole: true })];
        }""",
        quote(script),
    )
    page.close()
    assert seen == [[[]] * 4, [[0, 1, 2, 3]] * 4, [[0, 1, 2, 3, 4]] * 4, [[0, 1, 2, 3, 4]] * 4]
