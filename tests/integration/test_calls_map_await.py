"""A run's results on an event loop of the user's, which goes on meanwhile."""

import asyncio
import time

import pytest

from nbfaas import remote

pytestmark = pytest.mark.usefixtures("service")


@remote
def square(n):
    return n * n


@remote
def wait(seconds):
    time.sleep(seconds)
    return seconds


@remote
def invert(n):
    return 1 / n


async def test_a_run_can_be_awaited_and_iterated():
    run = square.map(range(300))
    assert [y async for y in run] == [n * n for n in range(300)]
    assert await run == list(run), "again"
    assert await square.map([]) == []
    assert await square.map(range(3), order_outputs=False) == [0, 1, 4], "a list is in order"


async def test_the_loop_goes_on_while_a_run_is_awaited():
    run = wait.map([0.5])
    ticks = 0
    waiting = asyncio.ensure_future(run.__aiter__().__anext__())
    while not waiting.done():
        await asyncio.sleep(0.01)
        ticks += 1
    assert waiting.result() == 0.5
    assert ticks > 5


async def test_results_come_as_they_are_ready_if_the_order_does_not_matter():
    run = wait.map([1.5, 0.0], order_outputs=False)
    assert [y async for y in run] == [0.0, 1.5]


async def test_an_item_that_failed_raises_when_its_turn_comes():
    run = invert.map([1, 0, 2])
    stream = aiter(run)
    assert await anext(stream) == 1.0
    with pytest.raises(ZeroDivisionError) as caught:
        await anext(stream)
    assert "item 1 of the map" in caught.value.__notes__[-1]
    with pytest.raises(ZeroDivisionError):
        await run
    back = await invert.map([1, 0], return_exceptions=True)
    assert (back[0], type(back[1])) == (1.0, ZeroDivisionError)


async def test_cancelling_who_awaits_a_run_cancels_it():
    async def results():
        return await run

    run = wait.map([60.0, 60.0])
    waiting = asyncio.ensure_future(results())
    await asyncio.sleep(0.1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with asyncio.timeout(10):
        while run.counts.cancelled < 2:
            await asyncio.sleep(0.01)


async def test_leaving_the_loop_leaves_the_run_alone():
    run = square.map(range(50))
    async for y in run:
        if y == 4:
            break
    assert await run == [n * n for n in range(50)]
    async with asyncio.timeout(10):  # the loop that was left is closed by the event loop, soon
        while run._wakers:
            await asyncio.sleep(0.01)
