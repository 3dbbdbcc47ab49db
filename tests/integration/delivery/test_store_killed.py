"""Nothing that was acknowledged is lost when the process is killed, wherever it is killed."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import crash_account
import pytest
from crash_account import Account
from deliveries import done, incoming

from nbfaas.delivery import settling
from nbfaas.delivery.store import EventStore

PROGRAM = Path(__file__).with_name("crashing_program.py")
ROOT = Path(__file__).parents[3]
SEED = 20261123

HOOKS = (
    "before_commit",
    "after_commit_before_acknowledge",
    "after_acknowledge",
    "between_lease_and_run",
    "between_run_and_settle",
    "in_settle_before_commit",
    "during_checkpoint",
    "before_checkpoint_sync",
    "in_recovery_before_commit",
    "any moment",
)
KILLS = 210
ACKNOWLEDGED = 100_000


def run(folder: Path, number: int, hook: str, count: int, *variant: str, events: int = 20_000):
    """Run the program until it is killed; returns whether it was."""
    command = [sys.executable, str(PROGRAM), str(folder), str(number), hook, str(count)]
    with subprocess.Popen(
        [*command, str(events), *variant],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout is not None
        opened = process.stdout.readline() == b"open\n"
        if hook == "any moment" and opened:
            time.sleep(count / 200)
            process.kill()
        process.wait(60)
    assert process.returncode in (0, -signal.SIGKILL)
    return process.returncode != 0


def after_kills(
    folder: Path, hooks: tuple[str, ...], kills: int, *variant: str, acknowledged: int = 0
) -> Account:
    """Kill the program so often, and until so much is acknowledged; let it come to an end, and
    draw up the account."""
    chance = random.Random(SEED)
    done = number = 0
    while done < kills or crash_account.acknowledged(folder) < acknowledged:
        hook = hooks[number % len(hooks)]
        few = hook == "in_recovery_before_commit" or hook == "before_checkpoint_sync"
        count = 1 if few else chance.randint(1, 24)
        done += run(folder, number, hook, count, *variant)
        number += 1
        assert number < 3 * kills, "too many runs were not killed"
    assert not run(folder, number, "none", 1, events=0)
    return crash_account.account(folder)


@pytest.mark.timeout(300)
def test_no_acknowledged_event_is_lost_however_the_process_is_killed(tmp_path: Path) -> None:
    found = after_kills(tmp_path, HOOKS, KILLS, acknowledged=ACKNOWLEDGED)
    assert found.undone == 0
    assert found.lost == frozenset()
    assert found.unexplained == frozenset()
    assert found.twice == frozenset()
    assert found.acknowledged >= ACKNOWLEDGED
    assert found.repeated > 0, "no kill fell between a handler and its settling"


def test_the_test_finds_losses_of_a_store_that_acknowledges_before_it_commits(
    tmp_path: Path,
) -> None:
    found = after_kills(tmp_path, ("before_commit",), 8, "early")
    assert found.lost != frozenset()


def completions(path: Path) -> tuple[list[bool], int]:
    """A handler stalls; the process dies; the next one begins a second attempt, and then gets both
    results. Which of them counted, and how many events were emitted?"""
    store = EventStore(path)
    store.open()
    [accepted] = store.accept([incoming("a", lease=True)]).result()
    [stalled] = accepted.leased
    store.close()
    store = EventStore(path)
    store.open()
    [current] = store.lease({"orders": 1}, time.time()).result()
    counted = [
        *store.settle([done(stalled, emits=(incoming("emitted-1"),))]).result(),
        *store.settle([done(current, emits=(incoming("emitted-2"),))]).result(),
    ]
    emitted = store.backlog
    store.close()
    return counted, emitted


def test_of_two_attempts_of_a_delivery_the_latest_counts_alone(tmp_path: Path) -> None:
    assert completions(tmp_path / "x.db") == ([False, True], 1)


def test_without_fencing_a_late_attempt_would_count_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "is_fenced", lambda state, epoch, outcome: False)
    counted, emitted = completions(tmp_path / "x.db")
    assert sum(counted) == 2
    assert emitted == 2
