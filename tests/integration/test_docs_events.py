"""What docs/events.md shows is so: its examples run, and its tables say what the code says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nbfaas import Pattern
from nbfaas.agent.context import Context
from nbfaas.gateway.limits import Limits
from nbfaas.model.delivery import DeliveryPolicy
from nbfaas.remote.trigger_options import TriggerOptions
from nbfaas.settings import Settings
from nbfaas.triggers.http_source import RESERVED
from nbfaas.triggers.nats_jetstream import NatsJetStream
from nbfaas.triggers.redis_stream import RedisStream

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "events.md").read_text()
ABSENT = "an absent field"


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table after a heading, without their backticks."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


def code(cell: str) -> str:
    return cell.strip().strip("`")


OPERATORS = [row for row in rows("Patterns") if row[0].startswith("`")]


@pytest.mark.parametrize(("leaf", "yes", "no"), OPERATORS, ids=[row[0] for row in OPERATORS])
def test_the_table_of_operators_is_right(leaf, yes, no):
    pattern = Pattern.parse({"data": {"field": [json.loads(code(leaf))], "there": [1]}})

    def event(cell):
        data = {"there": 1}
        return {"data": data if cell == ABSENT else {**data, "field": json.loads(code(cell))}}

    assert pattern.matches(event(yes))
    assert not pattern.matches(event(no))


def test_every_operator_and_option_has_its_row():
    shown = " ".join(row[0] for row in OPERATORS)
    from nbfaas.rules.operators import OPERATORS as known
    from nbfaas.rules.operators import REFUSABLE

    assert all(f'"{name}"' in shown for name in known)
    assert all(f'"anything-but": {{"{name}"' in shown for name in REFUSABLE)
    options = re.findall(r"`(\w+)`", " ".join(r[0] for r in rows("Options that all triggers have")))
    assert set(options) == set(TriggerOptions.NAMES)
    queue = PAGE.split("### `on.queue")[1].split("\n## ")[0]
    assert all(f"`{name}`" in queue or f"`{name}=" in queue for name in RedisStream.OPTIONS)
    assert all(f"`{name}`" in queue or f"`{name}=" in queue for name in NatsJetStream.OPTIONS)


def test_the_defaults_on_the_page_are_those_of_the_code():
    policy = DeliveryPolicy()
    assert f"max_attempts={policy.max_attempts}, initial_delay={policy.initial_delay}" in PAGE
    assert f"max_delay={policy.max_delay}, max_age={policy.max_age}" in PAGE
    settings = {name: row for row in rows("Settings") for name in re.findall(r"`(\w+)`", row[0])}
    assert f"{Settings.max_backlog.default_value:,}" in settings["max_backlog"][1]
    assert f"{Settings.max_chain.default_value}" in settings["max_chain"][1]
    assert set(settings) <= set(Settings.class_own_traits(config=True))
    limits = Limits()
    assert f"body above {limits.body // 1024**2} MB" in PAGE
    assert f"{limits.header_count} headers or {limits.header_size // 1024} KB" in PAGE
    assert f"longer than {limits.header_deadline:g} s, the body longer than " in PAGE
    assert f"{limits.body_deadline:g} s |" in PAGE
    assert f"more than {limits.connections} connections" in PAGE
    assert f"up to {limits.batch:,} in a batch" in PAGE
    assert all(f"`/{name}`" in PAGE for name in RESERVED)


def test_what_the_page_says_a_context_has_is_there():
    context = Context({}, {})
    handlers = PAGE.split("## What handlers get")[1].split("\n## ")[0].split("`context` has")[1]
    names = re.findall(r"`(\w+)(?:\(\))?`", handlers)
    assert len(names) > 15
    assert [name for name in names if not hasattr(context, name)] == []


def examples_of(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page, re.DOTALL)


def ran_in_processes(tmp_path: Path, blocks: list[str]) -> str:
    """What the examples print, one after the other in one interpreter."""
    script = tmp_path / "examples.py"
    # As a module's code: the functions are pickled by value only from __main__.
    script.write_text("\n".join(blocks))
    env = {
        **os.environ,
        "NBFAAS_BACKEND": "process",
        "NBFAAS_DATA_DIR": str(tmp_path / "data"),
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(tmp_path),
        "PYTHONWARNINGS": "error",
    }
    ran = subprocess.run(
        [sys.executable, str(script)],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran.stdout


def test_the_examples_run_one_after_the_other(tmp_path):
    blocks = examples_of(PAGE)
    assert len(blocks) >= 9
    printed = ran_in_processes(tmp_path, blocks)
    assert "✗ data.total: wanted > 100, found 20" in printed
    assert "2 attempts failed" in printed


def test_the_example_of_the_readme_runs(tmp_path):
    page = (ROOT / "README.md").read_text()
    (block,) = [each for each in examples_of(page) if "@on." in each]
    check = (
        "import nbfaas\nassert nbfaas.triggers.drain(60)\nprint(len(nbfaas.dead_letters), 'dead')"
    )
    assert "0 dead" in ran_in_processes(tmp_path, [block, check])
