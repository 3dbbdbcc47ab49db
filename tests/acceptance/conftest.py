"""Kernels for acceptance tests; all tests here are marked ``acceptance``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kernel import Kernel


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.acceptance)


@pytest.fixture(scope="module")
def shared_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with Kernel(tmp_path_factory.mktemp("kernel")) as kernel:
        kernel.run("%colors nocolor").ok()
        yield kernel


@pytest.fixture
def kernel(shared_kernel: Kernel) -> Iterator[Kernel]:
    """A kernel on the process backend with nbfaas loaded; a module's tests share it."""
    shared_kernel.run("%reload_ext nbfaas").ok()
    yield shared_kernel
    shared_kernel.run("%unload_ext nbfaas").ok()


@pytest.fixture
def docker_kernel(tmp_path: Path) -> Iterator[Kernel]:
    """A kernel whose functions run in containers."""
    with Kernel(tmp_path, backend="docker") as kernel:
        kernel.run("%colors nocolor").ok()
        kernel.run("%load_ext nbfaas").ok()
        yield kernel
