"""The cases of ../shared/eventbridge-patterns, beside the repository: one test for each file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import json5
import pytest

from nbfaas.errors import BadPattern
from nbfaas.rules import Pattern

FOLDER = Path(__file__).parents[4] / "shared" / "eventbridge-patterns"
FILES = sorted(FOLDER.glob("*.json5"))

pytestmark = pytest.mark.skipif(
    not FILES, reason=f"the shared cases are not beside the repository: {FOLDER} has none"
)


def read(path: Path) -> tuple[Any, Any]:
    case = json5.loads(path.read_text())
    return case["Event"], case["EventPattern"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_shared_case_is_decided_as_eventbridge_does(path):
    event, pattern = read(path)
    if path.stem.endswith("_EXC"):
        with pytest.raises(BadPattern, match=r"not valid at \$"):
            Pattern.parse(pattern)
        return
    compiled = Pattern.parse(json.dumps(pattern))
    expected = not path.stem.endswith("_NEG")
    assert compiled.matches(event) is expected, compiled.explain(event)
    assert compiled.explain(event).matched is expected


def test_a_key_that_is_repeated_counts_the_last_time():
    event = json.loads((FOLDER / "complex_multi_key_event.json").read_text())
    pattern = Pattern.parse((FOLDER / "complex_multi_key_event_pattern.json").read_text())
    assert pattern.matches(event)
