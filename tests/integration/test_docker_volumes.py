"""Volumes: what a function may read and write, and who owns it then."""

import asyncio
import os

import pytest
from places import SPEC
from talk import Failed, Talk

from nbfaas.backends.base import SandboxSpec
from nbfaas.errors import VolumeError
from nbfaas.model.function import Volume

pytestmark = pytest.mark.docker

WRITE = "open('/data/' + event, 'w').write('x')\nimport os; return sorted(os.listdir('/data'))"
READ = "return open('/data/' + event).read()"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    (folder / "given").write_text("given")
    return folder


async def run(place, volumes: list[Volume], body: str, event: str):
    spec = SandboxSpec(SPEC.image, SPEC.resources, tuple(volumes))
    sandbox = await place.backend.start(spec)
    try:
        return await Talk(sandbox).run(body, event)
    finally:
        await sandbox.destroy()


async def test_a_named_volume_keeps_what_one_sandbox_wrote_for_the_next(place):
    name = f"nbfaas-test-{os.getpid()}"
    volume = Volume("/data", name)
    try:
        assert await run(place, [volume], WRITE, "one") == ["one"]
        assert await run(place, [volume], READ, "one") == "x"
        with pytest.raises(Failed, match="Read-only"):
            await run(place, [Volume("/data", name, read_only=True)], WRITE, "two")
        labels = (await asyncio.to_thread(place.client.api.inspect_volume, name))["Labels"]
        assert labels == {"nbfaas.role": "volume"}
    finally:
        await asyncio.to_thread(place.client.api.remove_volume, name)


async def test_a_folder_is_written_as_its_owner(place, folder):
    os.chown(folder, 1234, 1235)
    assert await run(place, [Volume("/data", str(folder))], WRITE, "new") == ["given", "new"]
    made = (folder / "new").stat()
    assert (made.st_uid, made.st_gid) == (1234, 1235)


async def test_a_folder_may_be_read_only(place, folder):
    volume = Volume("/data", str(folder), read_only=True)
    assert await run(place, [volume], READ, "given") == "given"
    with pytest.raises(Failed, match="Read-only"):
        await run(place, [volume], WRITE, "new")


async def test_a_folder_that_only_root_may_write_is_refused_with_the_fix(place, folder):
    os.chown(folder, 0, 0)
    with pytest.raises(VolumeError, match=f"chown -R 65534:65534 {folder}"):
        await run(place, [Volume("/data", str(folder))], WRITE, "new")


async def test_a_missing_folder_is_named_and_not_created(place, tmp_path):
    with pytest.raises(VolumeError, match=r"/data.*mkdir -p"):
        await run(place, [Volume("/data", str(tmp_path / "none"))], WRITE, "new")
    assert not (tmp_path / "none").exists()
