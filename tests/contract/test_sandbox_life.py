"""What every backend's sandboxes do, from start to removal."""

import asyncio
import gc
import sys

import pytest
from places import SPEC, Place
from talk import Failed, Talk

from nbfaas.backends.base import SandboxSpec
from nbfaas.backends.owner import Owner
from nbfaas.errors import SandboxStartFailed
from nbfaas.model.function import Resources
from nbfaas.model.image import ImageSpec

LOOP = "print('busy', flush=True)\nwhile True: pass"


async def test_a_started_sandbox_has_said_hello_with_this_python(sandbox):
    assert sandbox.hello.python[:2] == sys.version_info[:2]
    assert sandbox.hello.pid > 1
    assert sandbox.spec == SPEC
    assert sandbox.id in repr(sandbox)
    assert await sandbox.probe() is None


async def test_a_loaded_function_runs_again_and_again(sandbox):
    talk = Talk(sandbox)
    await talk.load(
        "seen = []\ndef handler(event, context):\n    seen.append(event)\n    return seen"
    )
    assert await talk.call(1) == [1]
    assert await talk.call("two") == [1, "two"]


async def test_large_arguments_and_results_pass_unharmed(sandbox):
    talk = Talk(sandbox)
    data = bytes(range(256)) * 80_000
    assert await talk.run("return event[::-1]", data) == data[::-1]


async def test_what_a_function_writes_arrives_before_its_result(sandbox):
    talk = Talk(sandbox)
    body = "import os, sys\nprint('out')\nprint('err', file=sys.stderr)\nos.system('echo child')"
    await talk.run(body)
    assert all(word in talk.log for word in (b"out", b"err", b"child"))


async def test_an_exception_is_an_answer_and_the_sandbox_goes_on(sandbox):
    talk = Talk(sandbox)
    await talk.load("def handler(event, context):\n    return 1 / event")
    with pytest.raises(Failed, match="ZeroDivisionError"):
        await talk.call(0)
    assert await talk.call(2) == 0.5


async def test_sandboxes_start_side_by_side_and_are_apart(place: Place):
    sandboxes = await asyncio.gather(*(place.start() for _ in range(3)))
    assert len({sandbox.id for sandbox in sandboxes}) == 3
    talks = [Talk(sandbox) for sandbox in sandboxes]
    write = "open('mine', 'w').write(event)\nreturn open('mine').read()"
    results = await asyncio.gather(*(talk.run(write, str(i)) for i, talk in enumerate(talks)))
    assert results == ["0", "1", "2"]
    await asyncio.gather(*(sandbox.destroy() for sandbox in sandboxes))


async def test_the_image_s_environment_is_there_and_the_nonce_is_not(place: Place, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_KERNEL", "1")
    sandbox = await place.start()
    environment = await Talk(sandbox).run("import os\nreturn dict(os.environ)")
    assert "SECRET_OF_THE_KERNEL" not in environment
    assert "NBFAAS_NONCE" not in environment
    await sandbox.destroy()


async def test_a_resized_sandbox_has_the_new_memory_limit(place: Place):
    sandbox = await place.start(SandboxSpec(ImageSpec(), Resources(memory=64 << 20)))
    await sandbox.resize(Resources(memory=512 << 20, cpu=2, pids=99))
    use = "import time\ndata = b'x' * (200 << 20)\ntime.sleep(0.5)\nreturn len(data)"
    assert await Talk(sandbox).run(use) == 200 << 20
    await sandbox.destroy()


async def test_closing_the_connection_ends_the_agent(place: Place):
    sandbox = await place.start()
    talk = Talk(sandbox)
    assert await talk.run("return 1") == 1
    talk.connection.close()
    async with asyncio.timeout(10):
        while await sandbox.probe() is None:
            await asyncio.sleep(0.05)
    await sandbox.destroy()


async def test_destroying_is_idempotent_and_works_at_once_and_late(place: Place):
    sandbox = await place.start()
    await asyncio.gather(sandbox.destroy(), sandbox.destroy())
    await sandbox.destroy()
    assert await asyncio.to_thread(place.left, Owner.current()) == []


async def test_a_busy_sandbox_can_be_destroyed(place: Place):
    sandbox = await place.start()
    talk = Talk(sandbox)
    await talk.load(f"def handler(event, context):\n    {LOOP.replace(chr(10), chr(10) + '    ')}")
    talk.send()
    await talk.heard(b"busy")
    await sandbox.destroy()
    assert not talk._lost.done()


async def test_a_stopped_sandbox_can_be_destroyed(place: Place):
    sandbox = await place.start()
    place.stop_agent(sandbox)
    await sandbox.destroy()


async def test_what_a_function_has_started_goes_with_the_sandbox(place: Place):
    sandbox = await place.start()
    start = (
        "import subprocess, sys\n"
        "sleep = [sys.executable, '-c', 'import time; time.sleep(600)']\n"
        "subprocess.Popen(sleep)\n"
        "subprocess.Popen(sleep, start_new_session=True)"
    )
    await Talk(sandbox).run(start)
    await sandbox.destroy()
    assert await asyncio.to_thread(place.left, Owner.current()) == []


@pytest.mark.parametrize("seconds", [0, 0.01, 0.03, 0.1, 0.2])
async def test_a_cancelled_start_leaves_nothing(place: Place, seconds):
    await place.backend.prepare(SPEC.image)
    starting = asyncio.create_task(place.start())
    await asyncio.sleep(seconds)
    if not starting.cancel():
        await starting.result().destroy()
        return
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert await asyncio.to_thread(place.left, Owner.current()) == []
    gc.collect()  # an unclosed socket would be warned of here, and fail the test


async def test_an_agent_that_does_not_call_in_is_given_up(place: Place):
    await place.backend.prepare(SPEC.image)
    place.settings.start_timeout = 0.001
    with pytest.raises(SandboxStartFailed, match="within"):
        await place.start()
    assert await asyncio.to_thread(place.left, Owner.current()) == []


async def test_a_volume_that_can_t_be_mounted_is_refused_by_name(place: Place):
    from nbfaas.errors import VolumeError
    from nbfaas.model.function import Volume

    spec = SandboxSpec(ImageSpec(), Resources(), (Volume("/data", "/no/such/folder"),))
    with pytest.raises(VolumeError, match="/data"):
        await place.start(spec)


async def test_the_size_of_tmp_can_t_be_changed_afterwards(sandbox):
    with pytest.raises(ValueError, match="scratch"):
        await sandbox.resize(Resources(scratch=1 << 20))
