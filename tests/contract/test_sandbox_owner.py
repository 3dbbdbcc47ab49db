"""What a killed kernel leaves goes by itself, or is swept by the next one; nothing else is."""

import asyncio
import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from places import DockerPlace, Place
from talk import Talk

from nbfaas.backends.auto import choose_backend
from nbfaas.backends.docker_options import OWNER_LABEL
from nbfaas.backends.folders import owner_folder, runtime_root, scratch_root
from nbfaas.backends.owner import Owner, process_start
from nbfaas.model.image import ImageSpec
from nbfaas.settings import Settings

TESTS = Path(__file__).parents[1]
KERNEL = """
import asyncio, os, sys, time
sys.path.insert(0, {tests!r})
from places import {place}
from nbfaas.backends.owner import Owner
from nbfaas.settings import Settings
from talk import Talk

async def main():
    place = {place}(Settings())
    await place.backend.open()
    talk = Talk(await place.start())
    if {busy}:
        await talk.load("def handler(event, context):\\n    print('busy', flush=True)\\n"
                        "    while True: pass")
        talk.send()
        await talk.heard(b"busy")
    if {forks}:
        child = os.fork()
        if not child:
            time.sleep(600)
            os._exit(0)
        print(child, flush=True)
    print(Owner.current(), flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def started_kernel(
    place: Place, *, busy: bool = False, forks: bool = False
) -> subprocess.Popen[str]:
    code = KERNEL.format(tests=str(TESTS), place=type(place).__name__, busy=busy, forks=forks)
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=TESTS.parent
    )


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
async def test_a_kernel_killed_by_sigkill_leaves_no_sandbox_within_ten_seconds(place: Place, busy):
    with started_kernel(place, busy=busy) as kernel:
        owner = Owner.parse((await asyncio.to_thread(kernel.stdout.readline)).strip())
        assert await asyncio.to_thread(place.left, owner) != []
        kernel.send_signal(signal.SIGKILL)
    async with asyncio.timeout(10):
        while [left for left in await asyncio.to_thread(place.left, owner) if left[0] != "/"]:
            await asyncio.sleep(0.05)
    await place.backend.sweep()
    await place.until_nothing_is_left(owner, 1)


async def test_a_child_that_a_killed_kernel_had_forked_keeps_no_sandbox(place: Place):
    child = None
    try:
        with started_kernel(place, forks=True) as kernel:
            child = int(await asyncio.to_thread(kernel.stdout.readline))
            owner = Owner.parse((await asyncio.to_thread(kernel.stdout.readline)).strip())
            assert await asyncio.to_thread(place.left, owner) != []
            kernel.send_signal(signal.SIGKILL)
        async with asyncio.timeout(10):
            while [left for left in await asyncio.to_thread(place.left, owner) if left[0] != "/"]:
                await asyncio.sleep(0.05)
        os.kill(child, 0)  # it is still there
    finally:
        if child is not None:
            os.kill(child, signal.SIGKILL)
    await place.backend.sweep()
    await place.until_nothing_is_left(owner, 1)


def dead_owner() -> Owner:
    process = subprocess.Popen(["sleep", "600"])
    start = process_start(process.pid)
    process.kill()
    process.wait()
    return dataclasses.replace(Owner.current(), pid=process.pid, start=start)


@pytest.fixture
def live_owner():
    with subprocess.Popen(["sleep", "600"]) as process:
        yield dataclasses.replace(
            Owner.current(), pid=process.pid, start=process_start(process.pid)
        )
        process.kill()


def leave_something(place: Place, owner: Owner) -> None:
    """What a kernel of this owner would have left: a sandbox that still runs, and its folder."""
    folder = owner_folder(runtime_root(), owner) / "0123456789ab"
    folder.mkdir()
    if isinstance(place, DockerPlace):
        leave_container(place, owner)
    else:
        home = owner_folder(scratch_root(), owner) / "home-x"
        home.mkdir()
        environment = {"PATH": os.environ["PATH"], "NBFAAS_SANDBOX": str(home)}
        command = "import os; os.fork() or os.execlp('sleep', 'sleep', '600')"
        subprocess.run([sys.executable, "-c", command], env=environment, check=True)


def leave_container(place: DockerPlace, owner: Owner) -> None:
    from places import SPEC

    from nbfaas.backends.docker_options import sandbox_config
    from nbfaas.images.builder import Images

    built = Images(place.client, place.settings).ensure(SPEC.image)
    config = sandbox_config(
        SPEC,
        image=built.reference,
        interpreter=built.interpreter,
        name="left",
        owner=owner,
        user=(65534, 65534),
        socket_folder="/tmp",
        nonce="",
    )
    config["Entrypoint"] = [built.interpreter, "-c", "import time; time.sleep(600)"]
    container = place.client.api.create_container_from_config(config)["Id"]
    place.client.api.start(container)


@pytest.mark.docker
async def test_a_sweep_takes_what_a_killed_process_left_of_a_build():
    backend, _ = await choose_backend(Settings(backend="docker"))
    api = backend.engine.api
    labels = backend._images._engine._container_labels
    assert Owner.parse(labels[OWNER_LABEL]) == Owner.current()
    await backend.prepare(ImageSpec())
    image = (await asyncio.to_thread(backend._images.ensure, ImageSpec())).reference
    made = []
    for owner in (dead_owner(), Owner.current()):
        of_owner = {**labels, OWNER_LABEL: str(owner)}
        made.append((await asyncio.to_thread(api.create_container, image, labels=of_owner))["Id"])
    dead, alive = made
    assert await backend.sweep() >= 1
    there = [each["Id"] for each in await asyncio.to_thread(api.containers, all=True)]
    assert dead not in there
    assert alive in there
    await asyncio.to_thread(api.remove_container, alive)
    await backend.close()


async def test_a_sweep_takes_a_dead_owner_s_sandboxes_and_no_one_else_s(place: Place, live_owner):
    await place.backend.prepare(ImageSpec())
    own = await place.start()
    dead = dead_owner()
    for owner in (dead, live_owner):
        await asyncio.to_thread(leave_something, place, owner)
    assert await place.backend.sweep() >= 1
    await place.until_nothing_is_left(dead)
    assert len(await asyncio.to_thread(place.left, live_owner)) >= 2
    assert await Talk(own).run("return 1") == 1
    await own.destroy()
    os.kill(live_owner.pid, signal.SIGKILL)
    os.waitpid(live_owner.pid, 0)
    assert await place.backend.sweep() >= 1
    await place.until_nothing_is_left(live_owner)


async def test_an_owner_of_an_earlier_boot_is_dead(place: Place):
    earlier = dataclasses.replace(Owner.current(), boot="0" * 36)
    await asyncio.to_thread(leave_something, place, earlier)
    assert await place.backend.sweep() >= 1
    await place.until_nothing_is_left(earlier)
