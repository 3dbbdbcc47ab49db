"""The command line, without a Docker Engine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import nbfaas
from nbfaas.cli import main

ROOT = Path(__file__).parents[2]


def test_help_lists_the_commands_and_what_they_do():
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    assert re.search(r"^  images +Build, list and remove", result.output, re.MULTILINE)
    listed = re.findall(r"^  (\w+) ", result.output, re.MULTILINE)
    assert not {"folder", "tables"} & set(listed), "modules that are no command are not listed"


def test_images_has_build_ls_and_rm():
    result = CliRunner().invoke(main, ["images", "--help"])
    assert [word for word in ("build", "ls", "rm") if f"  {word} " in result.output] == [
        "build",
        "ls",
        "rm",
    ]


def test_the_version_is_the_packages():
    result = CliRunner().invoke(main, ["--version"])
    assert result.output == f"nbfaas, version {nbfaas.__version__}\n"


@pytest.mark.parametrize("name", ["nope", "folder", "im-ages", "../x"])
def test_an_unknown_command_is_refused(name):
    result = CliRunner().invoke(main, [name])
    assert result.exit_code == 2
    assert "No such command" in result.output


def test_rm_wants_to_know_what():
    result = CliRunner().invoke(main, ["images", "rm"])
    assert result.exit_code == 2
    assert "--outdated" in result.output


def test_a_wrong_reference_ends_with_a_message_and_without_a_traceback():
    result = CliRunner().invoke(main, ["images", "build", "NO SUCH"])
    assert result.exit_code == 1
    assert result.output.startswith("Error: image='NO SUCH' is not valid")


def test_without_an_engine_the_message_says_so(tmp_path):
    # In a process of its own: the SDK leaves a socket open when it can't connect.
    run = subprocess.run(
        [sys.executable, "-c", "from nbfaas.cli import main; main()", "images", "ls"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/none.sock"},
    )
    assert run.returncode == 1
    assert run.stderr.startswith("Error: the docker backend is not available")


def test_help_is_quick_because_nothing_heavy_is_loaded():
    code = (
        "import sys\nfrom nbfaas.cli import main\n"
        "main(['images', '--help'], standalone_mode=False)\n"
        "print({'docker', 'requests', 'IPython', 'uv'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert run.stdout.endswith("set()\n"), run.stdout + run.stderr
