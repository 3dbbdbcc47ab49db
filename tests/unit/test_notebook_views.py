"""What the notebook shows: text from sandboxes is shown, never interpreted."""

from __future__ import annotations

import dataclasses
from html.parser import HTMLParser

from IPython.core.oinspect import Inspector

from nbfaas import remote
from nbfaas.images.built import ImageInfo
from nbfaas.notebook.commands import images
from nbfaas.notebook.report import Report, Table
from nbfaas.notebook.text import markup, plain

EVIL = '<script>alert("x")</script>\x1b[31m\x9b2J\u202e\r&'


class Tags(HTMLParser):
    """The tags of a text, checked to be closed in order; and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_control_characters_become_visible_and_lines_stay():
    assert plain("a\tb\nc\r\nd") == "a\tb\nc\nd"
    shown = plain(EVIL)
    assert not any(ch in shown for ch in "\x1b\x9b\u202e\r")
    assert "\\x1b[31m" in shown


def test_markup_is_text_again_when_it_is_read_as_html():
    tags = Tags(markup(EVIL))
    assert tags.seen == []
    assert tags.text == plain(EVIL)


def test_a_table_is_aligned_as_text_and_escaped_as_html():
    table = Table(EVIL, ("NAME", "N"), [(EVIL, "1"), ("two\nlines", "22")])
    lines = str(table).splitlines()
    assert {len(line.rstrip("12")) for line in lines[2:]} == {lines[1].rindex("N")}
    assert "two lines" in lines[-1]
    tags = Tags(table.html())
    assert "script" not in tags.seen
    assert tags.seen.count("td") == 4
    assert '<th scope="col"' in table.html()


def test_an_empty_table_says_so():
    table = Table("Sandboxes", ("ID",), [], "none yet")
    assert str(table) == "Sandboxes: none yet"
    assert Tags(table.html()).text == "Sandboxes: none yet"


def test_a_report_shows_its_parts_in_order():
    report = Report("first\x1b", Table("T", ("A",), [("x",)]))
    assert repr(report) == "first\\x1b\n\nT:\n  A\n  x"
    assert Tags(report._repr_html_()).seen[0] == "pre"


def test_images_of_another_version_are_shown_with_the_command_that_removes_them():
    current = ImageInfo("nbfaas/python:1", "python", "3.11", 79 << 20, 0.0, 3, True)
    old = dataclasses.replace(current, reference="nbfaas/python:0", current=False)
    assert "nbfaas images rm --outdated" in repr(images.report([current, old]))
    assert "outdated" not in repr(images.report([current]))


def test_a_function_s_help_is_that_of_the_function():
    @remote(memory="1GB")
    def score(x: int, *, depth: float = 0.5) -> str:
        """Score one row."""
        return f"{x} {depth}"

    shown = Inspector(theme_name="nocolor").info(score, "score")
    assert shown["definition"].strip() == "score(x: 'int', *, depth: 'float' = 0.5) -> 'str'"
    assert shown["docstring"] == "Score one row."
    assert shown.get("call_def") is None, "it is called as it is defined"
    assert shown.get("call_docstring") is None
    assert score(1) == "1 0.5"
