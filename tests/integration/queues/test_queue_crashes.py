"""Nothing is lost, and nothing gets two ids, whatever ends in between: the source, its process, the
server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from queues import FileIntake, until
from running import running

from nbfaas.errors.queue import QueueUnavailable

pytestmark = pytest.mark.queues

MESSAGES = 2_000
CHILD = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from queues import FileIntake
from nbfaas.triggers.queue_source import QueueSource
source = QueueSource.from_url({url!r}, stream={stream!r}, claim_after=1)
asyncio.run(source.run(FileIntake(Path({path!r}))))
"""


async def test_a_source_that_is_cancelled_anywhere_loses_nothing(queue, intake):
    await queue.send(*range(MESSAGES))
    random.seed(4)
    before = asyncio.all_tasks()
    source = queue.source()
    cancelled = 0
    while len(intake.events) < MESSAGES:
        run = asyncio.create_task(source.run(intake))
        await asyncio.wait({run}, timeout=random.uniform(0.001, 0.15))
        run.cancel()
        cancelled += 1
        with contextlib.suppress(asyncio.CancelledError):
            await run
        assert cancelled < 2_000
    async with running(source, intake):
        await until(lambda: nothing_pending(queue))
    assert all_numbers(queue, intake) == list(range(MESSAGES))
    assert cancelled > 2
    await asyncio.sleep(0.1)
    assert asyncio.all_tasks() <= before


async def test_a_process_that_is_killed_anywhere_loses_nothing(queue, intake):
    await queue.send(*range(MESSAGES))
    program = CHILD.format(
        tests=str(Path(__file__).parents[2]),
        url=queue.server.url,
        stream=queue.name,
        path=str(intake.path),
    )
    random.seed(5)
    kills = 0
    while kills < 4:
        accepted = len(FileIntake(intake.path).events)
        child = subprocess.Popen([sys.executable, "-c", program])
        # It is killed soon after it has begun to accept, wherever it is then.
        await until(
            lambda accepted=accepted: (
                len(FileIntake(intake.path).events) > accepted or accepted == MESSAGES
            )
        )
        await asyncio.sleep(random.uniform(0, 0.02))
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        kills += 1
    rest = FileIntake(intake.path)
    async with running(queue.source(), rest):
        await until(lambda: len(rest.events) >= MESSAGES)
        await until(lambda: nothing_pending(queue))
    assert all_numbers(queue, rest) == list(range(MESSAGES))


async def test_a_server_that_is_killed_and_comes_back_is_read_on(queue, intake):
    await queue.send(*range(MESSAGES))
    source = queue.source()
    problems: list[QueueUnavailable] = []

    async def slowly(_events):
        await asyncio.sleep(0.05)

    async def run_again_and_again():
        while True:
            try:
                await source.run(intake)
            except QueueUnavailable as error:
                problems.append(error)
                await asyncio.sleep(0.2)

    intake.before = slowly
    run = asyncio.create_task(run_again_and_again())
    await until(lambda: len(intake.events) >= 200)
    # What the server itself has not yet written is not what this is about.
    await asyncio.sleep(1.2) if "redis" in queue.server.program else None
    await queue.restart_server()
    await queue.send(*range(MESSAGES, MESSAGES + 50))
    await until(lambda: len(intake.events) >= MESSAGES + 50)
    await until(lambda: nothing_pending(queue))
    run.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await run
    assert all_numbers(queue, intake) == list(range(MESSAGES + 50))
    assert problems
    assert all("can't be read" in str(problem) for problem in problems)


async def test_a_server_that_is_not_there_is_told(queue, intake):
    await queue.close()
    queue.server.kill()
    try:
        with pytest.raises(QueueUnavailable, match=str(queue.server.port)):
            await queue.source().run(intake)
    finally:
        queue.server.start()
        await queue.connect()


def all_numbers(queue, intake) -> list[int]:
    return sorted(queue.number_of(event) for event in intake.events)


async def nothing_pending(queue) -> bool:
    return await queue.unacknowledged() == 0
