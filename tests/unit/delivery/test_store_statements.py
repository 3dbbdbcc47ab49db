"""No statement goes through all that waits or was done."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from nbfaas.delivery.database import open_writer, query

NAMES = sorted(
    entry.name.removesuffix(".sql")
    for entry in files("nbfaas.delivery").joinpath("sql").iterdir()
    if entry.name.endswith(".sql")
)
# At most: what is under way, how many dead letters there are, and (once, at the start) what waits.
BOUNDED = {
    "leased": "delivery_leased",
    "dead_counts": "delivery_dead_of_trigger",
    "count_undone": "delivery_undone",
    "latest_events": "event",  # from the end, up to the limit
    "dead_letters": "delivery_dead",  # likewise
}


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory):
    connection = open_writer(tmp_path_factory.mktemp("plan") / "x.db")
    yield connection
    connection.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_statement_finds_its_rows_through_an_index(connection, name: str) -> None:
    statement = query(name)
    rows = connection.execute(f"EXPLAIN QUERY PLAN {statement}", _parameters(statement)).fetchall()
    steps = [row[3] for row in rows]
    scans = [step for step in steps if re.match(r"SCAN (delivery|event|attempt)\b", step)]
    if name in BOUNDED:
        assert all(f"INDEX {BOUNDED[name]}" in step or step == "SCAN event" for step in scans)
    else:
        assert scans == [], steps
    sorts = [step for step in steps if "TEMP B-TREE" in step]
    assert sorts == [] or name in {"events_of", "attempts", "deliveries_of"}, steps


def _parameters(statement: str) -> dict[str, object]:
    return dict.fromkeys(re.findall(r":([a-z_]+)", statement), "[]")
