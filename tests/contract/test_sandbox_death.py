"""Every backend tells in the same words why a sandbox was lost."""

import asyncio

import pytest
from places import DockerPlace, Place
from talk import Talk

from nbfaas.backends.base import DeathKind, SandboxSpec
from nbfaas.model.function import Resources
from nbfaas.model.image import ImageSpec

CALLS = "def handler(event, context):\n    "


async def dies(talk: Talk, body: str):
    await talk.load(CALLS + body.replace("\n", "\n    "))
    talk.send()
    assert await talk.lost() is None
    return await talk.sandbox.autopsy()


@pytest.mark.parametrize(
    ("body", "kind", "exit_code", "signal_name"),
    [
        ("import ctypes; ctypes.string_at(0)", DeathKind.SIGNALLED, None, "SIGSEGV"),
        ("import os; os.abort()", DeathKind.SIGNALLED, None, "SIGABRT"),
        ("import os; os._exit(7)", DeathKind.EXITED, 7, None),
        ("import os; os._exit(0)", DeathKind.EXITED, 0, None),
        ("import os; os.kill(os.getpid(), 9)", DeathKind.KILLED, None, "SIGKILL"),
    ],
    ids=["segfault", "abort", "exit-7", "exit-0", "kill-9"],
)
async def test_the_way_it_ended_is_told(sandbox, body, kind, exit_code, signal_name):
    death = await dies(Talk(sandbox), body)
    assert (death.kind, death.exit_code, death.signal_name) == (kind, exit_code, signal_name)
    assert death.detail


async def test_one_that_used_too_much_memory_is_told_from_one_that_was_killed(place: Place):
    sandbox = await place.start(SandboxSpec(ImageSpec(), Resources(memory=64 << 20)))
    grow = (
        "import time\ndata = []\nwhile True:\n"
        "    data.append(b'x' * (8 << 20))\n    time.sleep(0.02)"
    )
    death = await dies(Talk(sandbox), grow)
    assert death.kind is DeathKind.OOM
    await sandbox.destroy()


async def test_one_killed_from_outside_while_idle_is_told(place: Place, sandbox):
    talk = Talk(sandbox)
    place.kill_agent(sandbox)
    await talk.lost()
    death = await sandbox.autopsy()
    assert death.kind is DeathKind.KILLED
    assert death.signal_name == "SIGKILL"


async def test_a_stopped_agent_is_found_frozen_and_one_that_goes_on_is_not(place: Place, sandbox):
    assert await sandbox.probe() is None
    place.stop_agent(sandbox)
    await asyncio.sleep(0.05)
    death = await sandbox.probe()
    assert death is not None
    assert death.kind is DeathKind.FROZEN


async def test_a_dead_sandbox_is_probed_dead(place: Place, sandbox):
    place.kill_agent(sandbox)
    async with asyncio.timeout(10):
        while (death := await sandbox.probe()) is None:
            await asyncio.sleep(0.02)
    assert death.kind in (DeathKind.KILLED, DeathKind.UNKNOWN)


async def test_a_busy_one_is_probed_alive(sandbox):
    talk = Talk(sandbox)
    await talk.load(CALLS + "print('busy', flush=True)\n    while True: pass")
    talk.send()
    await talk.heard(b"busy")
    assert await sandbox.probe() is None


async def test_a_sandbox_that_breaks_the_protocol_is_cut_off(sandbox):
    talk = Talk(sandbox)
    find = (
        "import os\n    for fd in range(3, 50):\n        try:\n"
        "            if 'socket' in os.readlink(f'/proc/self/fd/{fd}'):\n"
        "                os.write(fd, b'HTTP/1.1 200 OK' * 9)\n"
        "        except OSError: pass"
    )
    await talk.load(CALLS + find)
    talk.send()
    assert "not a frame" in str(await talk.lost())


@pytest.mark.docker
@pytest.mark.parametrize("place", [DockerPlace], indirect=True, ids=["docker"])
async def test_a_container_killed_through_docker_is_told_from_a_crash(place, sandbox):
    talk = Talk(sandbox)
    await asyncio.to_thread(place.client.api.kill, sandbox.id)
    await talk.lost()
    assert (await sandbox.autopsy()).kind is DeathKind.KILLED


@pytest.mark.docker
@pytest.mark.parametrize("place", [DockerPlace], indirect=True, ids=["docker"])
async def test_a_container_removed_through_docker_is_told_from_a_crash(place, sandbox):
    talk = Talk(sandbox)
    await asyncio.to_thread(place.client.api.remove_container, sandbox.id, force=True)
    await talk.lost()
    assert (await sandbox.autopsy()).kind is DeathKind.KILLED


@pytest.mark.docker
@pytest.mark.parametrize("place", [DockerPlace], indirect=True, ids=["docker"])
async def test_a_paused_container_is_found_frozen_until_it_goes_on(place, sandbox):
    await asyncio.to_thread(place.client.api.pause, sandbox.id)
    assert (await sandbox.probe()).kind is DeathKind.FROZEN
    await asyncio.to_thread(place.client.api.unpause, sandbox.id)
    await asyncio.sleep(0.1)
    assert await sandbox.probe() is None
    await asyncio.to_thread(place.client.api.pause, sandbox.id)
    await sandbox.destroy()


@pytest.mark.docker
@pytest.mark.parametrize("place", [DockerPlace], indirect=True, ids=["docker"])
async def test_deaths_are_told_even_after_docker_s_stream_of_events_broke(place, sandbox):
    await asyncio.to_thread(place.backend.events._stream.close)
    death = await dies(Talk(sandbox), "import os; os._exit(9)")
    assert (death.kind, death.exit_code) == (DeathKind.EXITED, 9)
