"""Waiting for tasks that leave their set when they end."""

from __future__ import annotations

import asyncio

from nbfaas.dispatch.awaiting import none_left


def begin(tasks: set[asyncio.Task[None]], work) -> asyncio.Task[None]:
    task = asyncio.get_running_loop().create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return task


async def test_tasks_that_have_ended_before_are_not_waited_for_for_ever() -> None:
    tasks: set[asyncio.Task[None]] = set()
    at_once = begin(tasks, asyncio.sleep(0))
    while not at_once.done():
        await asyncio.sleep(0)
    tasks.add(at_once)
    asyncio.get_running_loop().call_soon(tasks.discard, at_once)
    async with asyncio.timeout(10):
        await none_left(tasks)


async def test_what_fails_is_cancelled_or_comes_meanwhile_is_waited_for_too() -> None:
    tasks: set[asyncio.Task[None]] = set()
    ended = []

    async def fail() -> None:
        begin(tasks, late())
        raise ValueError

    async def late() -> None:
        await asyncio.sleep(0.01)
        ended.append("late")

    begin(tasks, fail())
    begin(tasks, asyncio.sleep(60)).cancel()
    await none_left(tasks)
    assert (ended, tasks) == (["late"], set())
