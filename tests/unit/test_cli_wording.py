"""What the command line says of what was mistyped."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nbfaas.cli import main
from nbfaas.settings import config, misspelt


def nbfaas(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(main, [*arguments], env=environment)


@pytest.mark.parametrize(
    ("arguments", "near"),
    [(["serv"], "serve"), (["function"], "functions"), (["registry", "lss"], "ls")],
)
def test_a_command_that_is_none_is_told_with_the_nearest(arguments, near):
    told = nbfaas(*arguments)
    assert told.exit_code == 2
    assert f"No such command {arguments[-1]!r}. Did you mean {near!r}?" in told.output


def test_a_command_that_is_like_none_is_told_without():
    told = nbfaas("xyzzy")
    assert told.exit_code == 2
    assert "Did you mean" not in told.output


def test_a_variable_that_is_nearly_a_setting_is_told():
    assert misspelt({"NBFAAS_KEEPALIVE": "3", "NBFAAS_KEEP_ALIVE": "3", "HOME": "/"}) == [
        "NBFAAS_KEEPALIVE is no setting, and has no effect; did you mean NBFAAS_KEEP_ALIVE?"
    ]


def test_a_variable_of_somebodys_own_is_not():
    own = {"NBFAAS_SHOP_TOKEN": "x", "NBFAAS_SERVER": "x", "NBFAAS_TOKEN": "x", "NBFAAS_PORT": "x"}
    assert misspelt(own) == []


def test_commands_tell_of_such_a_variable_and_go_on(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "data_dir", str(tmp_path))
    told = nbfaas("functions", NBFAAS_PREWRAM="3")
    assert told.exit_code == 0
    assert "did you mean NBFAAS_PREWARM?" in told.output
    assert "No function is deployed yet" in told.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--canary", "v2", "--percent", "150"], "Invalid value for '--percent': 150.0"),
        (["--canary", "v2"], "--canary VERSION and --percent SHARE go together"),
        (["--percent", "5"], "--canary VERSION and --percent SHARE go together"),
    ],
)
def test_a_share_that_makes_no_sense_is_told_as_it_was_given(
    arguments, message, tmp_path, monkeypatch
):
    monkeypatch.setattr(config, "data_dir", str(tmp_path))
    told = nbfaas("alias", "thumb", "prod", "v1", *arguments)
    assert told.exit_code == 2
    assert message in told.output
    assert "weight" not in told.output


@pytest.mark.parametrize("folder", [Path("/proc/nbfaas"), Path("file", "below")])
@pytest.mark.parametrize(
    "command",
    ["functions", "versions a", "alias a prod v1", "rollback a prod", "rm a", "push a", "pull a"],
)
def test_a_data_folder_that_can_t_be_used_is_told(command, folder, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    folder = tmp_path / folder
    monkeypatch.setattr(config, "data_dir", str(folder))
    monkeypatch.setattr(config, "registry", "localhost:1/none")
    told = nbfaas(*command.split())
    assert told.exit_code == 1
    assert str(folder) in told.output
    assert "can't be used" in told.output
    assert isinstance(told.exception, SystemExit), "no traceback"


@pytest.mark.docker
def test_so_it_is_when_a_function_is_deployed(tmp_path, monkeypatch):
    (tmp_path / "one_function.py").write_text("def one():\n    return 1\n")
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "below"
    monkeypatch.setattr(config, "data_dir", str(folder))
    told = nbfaas("deploy", f"{tmp_path}/one_function.py:one")
    assert told.exit_code == 1
    assert f"the data folder {folder} can't be used: " in told.output
    assert isinstance(told.exception, SystemExit), "no traceback"


def test_errors_that_are_not_about_the_data_folder_are_not_hidden(tmp_path, monkeypatch):
    def fails(*_: object) -> None:
        raise FileNotFoundError(2, "No such file or directory", "/elsewhere")

    monkeypatch.setattr(config, "data_dir", str(tmp_path))
    monkeypatch.setattr(
        importlib.import_module("nbfaas.remote.deployments"), "function_rows", fails
    )
    assert isinstance(nbfaas("functions").exception, FileNotFoundError)
