"""``nbfaas images`` at a real Docker Engine."""

from __future__ import annotations

import docker
import pytest
from click.testing import CliRunner, Result

from nbfaas.cli import main

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]


@pytest.fixture
def nbfaas(tmp_path, monkeypatch):
    from nbfaas.settings import config

    monkeypatch.setattr(config, "data_dir", str(tmp_path))

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["images", *arguments])

    return run


def test_build_says_what_there_is_and_ls_lists_it(nbfaas):
    built = nbfaas("build", "python")
    assert built.exit_code == 0, built.output
    name, reference, *_ = built.stdout.split()
    assert name == "python"
    listed = nbfaas("ls")
    assert listed.stdout.splitlines()[0].split() == [
        "RUNTIME", "PYTHON", "PACKAGES", "SIZE", "AGE", "REFERENCE",
    ]  # fmt: skip
    [line] = [line for line in listed.stdout.splitlines() if reference in line]
    assert line.startswith("python ")
    assert " MB " in line


def test_an_image_is_built_with_progress_and_removed_by_its_reference(nbfaas):
    python = nbfaas("build", "python").stdout.split()[1]
    built = nbfaas("build", python)  # on top of another image: a custom one
    assert built.exit_code == 0, built.output
    reference = built.stdout.split()[1]
    assert reference.startswith("nbfaas/custom:")
    removed = nbfaas("rm", reference)
    assert removed.stdout == f"removed {reference}\n"
    again = nbfaas("rm", reference)
    assert again.exit_code == 1
    assert f"no runtime or image '{reference}'" in again.output
    assert reference not in nbfaas("ls").stdout


def test_the_steps_of_a_build_are_shown_on_stderr(nbfaas):
    client = docker.from_env()
    python = nbfaas("build", "python").stdout.split()[1]
    client.images.get(python).tag("nbfaas-test", "cli")
    try:
        built = nbfaas("build", "nbfaas-test:cli")
        assert "nbfaas-test:cli: [2/2] adding the agent" in built.stderr
        assert nbfaas("rm", built.stdout.split()[1]).exit_code == 0
    finally:
        client.images.remove("nbfaas-test:cli")
        client.close()
