"""What docs/state-and-secrets.md shows is so."""

from __future__ import annotations

import re

from test_docs_events import ROOT, examples_of, ran_in_processes

from nbfaas.agent import state
from nbfaas.dispatch.state_desk import RATE
from nbfaas.model.secret import MAX_VALUE
from nbfaas.settings import Settings
from nbfaas.state.store import MAX_ENTRIES

PAGE = (ROOT / "docs" / "state-and-secrets.md").read_text()


def test_the_examples_run_one_after_the_other(tmp_path):
    printed = ran_in_processes(tmp_path, examples_of(PAGE))
    assert "3 visits\n{'name': 'ada', 'visits': 3}\n" in printed
    assert "<State of 'visit', 2 keys>\n  last = {'name': 'ada', 'visits': 3}" in printed
    assert "['a', 'b', 'c', 'd', 'e', 'f'] 6 in the basket" in printed
    assert "the key is ***API_KEY***" in printed
    assert "9 characters" in printed
    assert "xyz-12345" not in printed


def test_the_bounds_on_the_page_are_those_of_the_code():
    assert f"1 to {state.MAX_KEY} bytes" in PAGE
    assert f"up to {state.MAX_VALUE // 1024} KB; large" in PAGE
    assert f"may have {Settings.state_quota.default_value >> 20} MB" in PAGE
    assert f"{MAX_ENTRIES:,} keys" in PAGE
    assert f"more than {RATE:,} a second" in PAGE
    assert f"up to {MAX_VALUE // 1024} KB each" in PAGE


def test_every_method_of_state_has_its_row():
    table = PAGE.split("## State")[1].split("Each of them")[0]
    shown = set(re.findall(r"`(\w+)\(", table))
    public = {name for name in vars(state.State) if not name.startswith("_")}
    assert public <= shown
