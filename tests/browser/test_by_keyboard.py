"""All widgets without a mouse: what takes the focus has a name, and Tab goes through all of it."""

from __future__ import annotations

import pytest
from notebook_page import OpenNotebook
from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.docker

SETUP = """
%load_ext nbfaas
import uuid
import nbfaas
from nbfaas import on, remote

nbfaas.config.event_store = uuid.uuid4().hex

@on.event({"type": ["order.created"], "data": {"total": [{"numeric": [">", 100]}]}}, delivery=1)
@remote(cpu=0.25, memory="128MB")
def pay(total: float, event=None):
    if total > 300:
        raise ValueError("too much")
    return total

run = pay.map([1, 2, 400]); run.wait()
nbfaas.emit("order.created", {"total": 400}); nbfaas.triggers.drain();
"""
WIDGETS = ["run", "run[2]", "%faas dashboard", "%faas simulate pay", "%faas rules", "%faas cron"]

# What a screen reader would have nothing to say of, and what refers to nothing.
PROBLEMS = """widget => {
    const named = node => [
        node.getAttribute('aria-label'), node.title,
        ...(node.getAttribute('aria-labelledby') ?? '').split(' ').map(
            id => id && document.getElementById(id)?.textContent),
        ...[...(node.labels ?? [])].map(label => label.textContent),
        ['INPUT', 'SELECT', 'TEXTAREA'].includes(node.tagName) ? '' : node.textContent,
    ].some(text => text?.trim());
    const seen = node => node.checkVisibility() && !node.disabled;
    const told = node => node.outerHTML.slice(0, 160);
    const controls = 'button, input, select, textarea, summary, a[href], [tabindex]';
    const unnamed = [...widget.querySelectorAll(`${controls}, [role=img], [role=region], canvas`)]
        .filter(node => seen(node) && !node.closest('[aria-hidden=true]') && !named(node))
        .filter(node => !(node.tagName === 'CANVAS' && node.parentElement.role === 'slider'));
    const refer = ['aria-controls', 'aria-describedby', 'aria-labelledby'];
    const lost = [...widget.querySelectorAll(refer.map(name => `[${name}]`).join())]
        .filter(node => refer.some(name =>
            node.getAttribute(name)?.split(' ').some(id => !document.getElementById(id))));
    const ids = [...widget.querySelectorAll('[id]')].map(node => node.id);
    return {
        unnamed: unnamed.map(told), lost: lost.map(told),
        twice: ids.filter((id, at) => ids.indexOf(id) !== at),
        headless: [...widget.querySelectorAll('table')].filter(
            table => table.checkVisibility() && !table.querySelector('th')).map(told),
        nameless: !widget.getAttribute('aria-label'),
    };
}"""
REACHABLE = """widget => [...widget.querySelectorAll(
    'button, input, select, textarea, summary, [tabindex]')].filter(node =>
    node.checkVisibility() && !node.disabled && node.tabIndex >= 0).length"""
# Marks what has the focus; whether it is new, old, or outside.
HERE = """widget => {
    const node = document.activeElement;
    if (!widget.contains(node)) return 'outside';
    if (node.dataset.walked) return 'again';
    node.dataset.walked = 'yes';
    return 'new';
}"""

FORGET = """widget => {
    for (const node of widget.querySelectorAll('[data-walked]')) delete node.dataset.walked;
}"""


def walk(page: Page, widget: Locator) -> int:
    """Press Tab from the widget's first control until its end; how many had the focus."""
    widget.evaluate(FORGET)
    widget.evaluate(
        "widget => [...widget.querySelectorAll('button, input, select, textarea, summary, "
        "[tabindex]')].find(n => n.checkVisibility() && !n.disabled && n.tabIndex >= 0).focus()"
    )
    count = 0
    while (where := widget.evaluate(HERE)) != "outside":
        assert where == "new", "the focus does not get out"
        count += 1
        page.keyboard.press("Tab")
    return count


def test_all_controls_have_names_and_are_reached_by_tab(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook([SETUP, *WIDGETS])
    notebook.run_cell(0)
    for at, shown in enumerate(WIDGETS, start=1):
        notebook.run_cell(at)
        widget = notebook.widget(at).first
        widget.wait_for()
        notebook.page.wait_for_timeout(500)
        tabs = widget.get_by_role("tab").count()
        for tab in range(max(1, tabs)):
            where = shown
            if tabs:
                where += ": " + widget.get_by_role("tab").nth(tab).inner_text()
                widget.get_by_role("tab").nth(tab).click()
                notebook.page.wait_for_timeout(200)
            found = widget.evaluate(PROBLEMS)
            assert not any(found.values()), (where, found)
            reachable = widget.evaluate(REACHABLE)
            # Again, if it was drawn anew just then, because its picture was stored.
            reached = max(walk(notebook.page, widget) for _ in range(2))
            assert reached >= 0.8 * reachable, (where, reached, reachable)
