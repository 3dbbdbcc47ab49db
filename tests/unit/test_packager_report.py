"""What was shipped can be shown, and much of it draws a warning."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from nbfaas.packager.pack import pack, warn_if_large
from nbfaas.packager.report import LargeClosureWarning, ShippingReport

TABLE = list(range(200_000))
SMALL = 5


def helper() -> int:
    return SMALL


def f() -> Any:
    return TABLE, helper()


def test_the_report_lists_what_was_shipped_largest_first() -> None:
    package = pack(f, "f")
    report = package.report
    assert report.total == len(package.payload)
    assert (report.items[0].kind, report.items[0].name) == ("global", "TABLE")
    assert report.items[0].size > 400_000
    names = {(item.kind, item.name) for item in report.items}
    assert names == {
        ("global", "TABLE"),
        ("global", "SMALL"),
        ("function", "f"),
        ("function", "helper"),
    }
    assert all(item.size < 2000 for item in report.items[1:])
    assert "TABLE" in str(report)
    assert repr(report) == str(report)


def test_closure_variables_and_defaults_are_listed() -> None:
    data = b"x" * 5000

    def g(x: object = "y" * 3000) -> object:
        return data, x

    kinds = [(item.kind, item.size > 2900) for item in pack(g, "g").report.items[:2]]
    assert kinds == [("closure", True), ("default", True)]


def test_names_are_escaped_in_html() -> None:
    html = ShippingReport.of_source("<script>", "x = 1")._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_a_large_closure_draws_a_warning_that_names_it_and_the_fix() -> None:
    package = pack(f, "f")
    with pytest.warns(LargeClosureWarning, match=r"'f' ships .* global 'TABLE' .*argument"):
        warn_if_large(package, 100_000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_large(package, 10_000_000)
