"""What all tests share: tests marked ``docker`` fail where no daemon answers (they are never
skipped), and nothing is written into the home folder of whoever runs them."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _data_folder_of_its_own() -> Iterator[None]:
    with (
        tempfile.TemporaryDirectory(prefix="nbfaas-tests-", ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("XDG_DATA_HOME", folder)
        yield


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("docker") and (reason := _why_docker_is_missing()):
        pytest.fail(
            f"this test needs a Docker daemon, and none answers: {reason}. Start one with "
            "`make docker`, or leave such tests out with -m 'not docker'.",
            pytrace=False,
        )


@functools.cache
def _why_docker_is_missing() -> str:
    import docker

    try:
        client = docker.from_env(timeout=10)
    except docker.errors.DockerException as error:
        return str(error)
    try:
        client.ping()
    except (docker.errors.DockerException, OSError) as error:
        return str(error)
    finally:
        client.close()
    return ""
