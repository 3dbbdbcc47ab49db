"""A map's widget while the map is begun again."""

from __future__ import annotations

import pytest

from nbfaas import remote
from nbfaas.notebook.widgets.run_widget import RunWidget

pytestmark = [
    pytest.mark.usefixtures("service"),
    pytest.mark.parametrize("service", ["process"], indirect=True),
]


def test_items_that_run_again_are_shown_however_soon_they_have_ended(tmp_path):
    repaired = tmp_path / "repaired"

    @remote(retries=0)
    def flaky(x: int) -> int:
        if x == 2 and not repaired.exists():
            raise ValueError(x)
        return x

    run = flaky.map(range(4))
    assert run.wait(60)
    widget = RunWidget(run)
    try:
        widget.refresh()
        assert (widget.counts["done"], widget.counts["failed"]) == (3, 1)
        repaired.touch()
        run.retry_failed()
        assert run.wait(60)  # and nobody has looked meanwhile
        widget.refresh()
        assert (widget.counts["done"], widget.counts["failed"]) == (4, 0)
        assert widget.timing["done"]
    finally:
        widget.close()
