"""What docs/operations.md shows is so."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from click import Group
from function_images import PREFIX

import nbfaas
from nbfaas import remote
from nbfaas.cli import main
from nbfaas.gateway.limits import Limits
from nbfaas.remote.trigger_specs import recording_only
from nbfaas.server.config import ServerConfig, parse_config
from nbfaas.server.webhooks import TOLERANCE
from nbfaas.triggers.http_source import MAX_DEADLINE, RESERVED

PAGE = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
NAME = f"{PREFIX}docs"


def section(heading: str) -> str:
    return PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def blocks(text: str) -> list[str]:
    return re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)


def test_the_configuration_on_the_page_is_one():
    (text,) = blocks(section("Configuration"))
    config = parse_config(text)
    assert config.webhooks[0].secret_env == "PAYMENTS_SECRET"
    assert config.functions == ("thumb", "thumb:dev", "shrink:v3")


def test_the_figures_and_paths_are_those_of_the_code():
    limits, config = Limits(), ServerConfig()
    assert f"{limits.body // 1024**2} MiB; {limits.connections} connections" in PAGE
    assert f"within {limits.header_deadline:g} s, a body within {limits.body_deadline:g} s" in PAGE
    assert f"`deadline`, {MAX_DEADLINE:g} s at most" in PAGE
    assert f"within {TOLERANCE / 60:g} minutes" in PAGE
    assert f"http://{config.host}:{config.port}" in PAGE
    assert all(f"/{name}" in section("HTTP") for name in RESERVED)


def test_every_command_on_the_page_exists():
    for line in re.findall(r"^nbfaas (.+)$", PAGE, re.MULTILINE):
        command = main
        for word in shlex.split(line, comments=True):
            if not isinstance(command, Group):
                break
            found = command.get_command(None, word)  # type: ignore[arg-type]
            assert found is not None, line
            command = found


@pytest.mark.docker
def test_the_commands_on_the_page_do_what_they_say(data, serve, monkeypatch, tmp_path):
    def thumb(x):
        return {"y": 2 * x}

    with recording_only():
        remote(memory="128MB", cpu=0.5)(thumb).deploy(NAME, alias="prod")
    running = serve()
    (tmp_path / "input.json").write_text('{"x": 1}')
    monkeypatch.chdir(tmp_path)
    (commands,) = blocks(section("Commands"))
    (example,) = blocks(section("A notebook connected to a server"))
    outputs = {}
    for line in commands.strip().splitlines():
        words = [re.sub(r"\bthumb\b", NAME, word) for word in shlex.split(line)[1:]]
        ran = running.cli(*words)
        assert ran.returncode == 0, f"{line}: {ran.stderr}"
        outputs[line] = ran.stdout
    assert json.loads(outputs["nbfaas invoke thumb --data '{\"x\": 21}'"]) == {"y": 42}
    assert outputs["nbfaas triggers pause invoke:thumb"] == f"invoke:{NAME} is paused\n"
    assert outputs["nbfaas dlq redrive --all"] == "0 dead letters will be delivered again\n"
    code = example.replace("http://127.0.0.1:8080", running.url).replace('"thumb"', f'"{NAME}"')
    found: dict[str, object] = {"__name__": "page", "nbfaas": nbfaas, "remote": remote}
    found["token"] = running.token
    exec(f"{code}    answer = call.result(), larger.remote(2)", found)
    assert found["answer"] == ({"y": 42}, 3)
