"""What can be looked at of a run's items, and the page that a run writes of itself."""

from __future__ import annotations

import html.parser
import re
from pathlib import Path

import pytest

from nbfaas import remote
from nbfaas.errors import NbfaasError, ReportNotWritten
from nbfaas.model.invocation import InvocationState

pytestmark = pytest.mark.parametrize("service", ["process"], indirect=True)

EVIL = "<script>alert(1)</script>\x1b[31m"


@remote
def score(x: object, note: str = "") -> object:
    print("got", x, EVIL)
    if x == 3:
        raise ValueError(EVIL)
    return {"value": x}


class Page(html.parser.HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


@pytest.fixture(scope="module")
def run(service):
    run = score.map(range(6), kwargs={"note": EVIL})
    assert run.wait(60)
    return run


def test_states_are_a_byte_for_each_item(service, run):
    done, failed = InvocationState.SUCCEEDED.code, InvocationState.FAILED.code
    assert run.states == bytes([done, done, done, failed, done, done])


def test_an_item_tells_its_input_its_outcome_its_attempts_and_its_log(service, run):
    item = run.details(2)
    assert item.input == f"2, note={EVIL!r}"
    assert item.result == "{'value': 2}"
    assert item.log.startswith("got 2")
    assert [stats.attempt for stats in item.attempts] == [1]
    failed = run.details(3)
    assert failed.result == ""
    assert failed.error == f"ValueError: {EVIL}"
    assert "raise ValueError(EVIL)" in failed.traceback
    assert run[3].details() == failed


def test_arguments_that_are_large_are_told_by_their_size(service):
    call = remote(len).spawn(bytes(10_000_000))
    assert call.result(60) == 10_000_000
    assert call.details().input == "(9.5 MB of arguments)"


def test_a_report_lists_failures_first_and_says_what_it_leaves_out(service, run, tmp_path):
    path = run.report(tmp_path / "report.html", items=2)
    assert path == tmp_path / "report.html"
    text = path.read_text("utf-8")
    assert text.index(">3</td>") < text.index(">0</td>")
    assert "4 more items are not listed" in text
    assert "6 attempts: median" in text
    assert "raise ValueError(EVIL)" in text


def test_a_report_stands_alone_and_is_only_text(service, run, tmp_path):
    text = run.report(tmp_path / "report.html").read_text("utf-8")
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "object", "embed"} & set(page.tags)
    names = {name for name, _ in page.attributes}
    assert not {"src", "href", "onclick", "onload", "srcset", "action"} & names
    assert not re.search(r"url\(|@import|\x1b", text)
    assert "&lt;script&gt;" in text
    assert list(tmp_path.iterdir()) == [tmp_path / "report.html"]


def test_a_report_of_a_run_of_nothing_says_so(service, tmp_path):
    text = Path(score.map([]).report(str(tmp_path / "empty.html"))).read_text("utf-8")
    assert "There were no items" in text
    assert "No attempt has ended" in text


def test_a_report_that_cannot_be_written_says_why_and_leaves_nothing(service, run, tmp_path):
    with pytest.raises(ReportNotWritten, match=r"No such file or directory\. Give a path") as error:
        run.report(tmp_path / "none" / "report.html")
    assert isinstance(error.value, NbfaasError)
    assert isinstance(error.value, OSError)
    (tmp_path / "folder").mkdir()
    with pytest.raises(ReportNotWritten):
        run.report(tmp_path / "folder")
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]


def test_what_is_run_again_is_run_again_in_the_same_run(service):
    run = score.map([1, 3])
    assert run.wait(60)
    run.retry_failed()
    assert run.wait(60)
    assert run.states == bytes([InvocationState.SUCCEEDED.code, InvocationState.FAILED.code])
