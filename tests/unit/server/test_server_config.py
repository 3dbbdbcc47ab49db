"""The configuration file of a server."""

from __future__ import annotations

import os
import stat
import tomllib

import pytest
from click.testing import CliRunner
from rights import opening_files_as_nobody

from nbfaas.cli import main
from nbfaas.errors import DataFolderUnusable
from nbfaas.errors.serve import ServerConfigError, UnknownKey
from nbfaas.server.config import ServerConfig, documented, parse_config, read_config
from nbfaas.server.hooks import hooks_of
from nbfaas.server.starting import check_data_folder
from nbfaas.server.tokens import tokens_of
from nbfaas.settings import config as settings

HOOK = '[[webhooks]]\npath = "{path}"\nfunction = "book"\nsecret_env = "SECRET"\n'


def test_an_empty_file_is_the_defaults():
    assert parse_config("") == ServerConfig()


def test_what_is_printed_is_all_keys_with_their_meanings_and_changes_nothing():
    printed = CliRunner().invoke(main, ["serve", "--print-config"]).output
    assert parse_config(printed) == ServerConfig()
    for name, meaning in documented(ServerConfig).items():
        assert name in printed
        assert meaning
    shown = [line[2:] for line in printed.splitlines() if line.startswith("# ") and " = " in line]
    keys = [line for line in shown if line.split(" = ")[0] in ServerConfig.__struct_fields__]
    assert parse_config("\n".join(keys)) == ServerConfig(), "each line is valid by itself"
    assert tomllib.loads(shown[-1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prot = 1", r"f.toml: prot: there is no such key; did you mean 'port'"),
        (
            '[[webhooks]]\nfuncion = "a"',
            r"webhooks\[0\].funcion: there is no such key; did you mean 'function'",
        ),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_name(text, message):
    with pytest.raises(UnknownKey, match=message):
        parse_config(text, "f.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('port = "80"', "f.toml: port: expected `int`, got `str`"),
        ("port = 70000", "f.toml: port: expected `int` <= 65535"),
        ("functions = [1]", r"f.toml: functions\[0\]: expected `str`, got `int`"),
        (
            'backend = "podman"',
            "backend: invalid enum value 'podman'; it is one of 'auto', 'docker', 'process'",
        ),
        (
            'host = "999.1.1.1"',
            "f.toml: host: '999.1.1.1' is no address; 127.0.0.1 is this machine",
        ),
        ('host = "my host"', "f.toml: host: 'my host' is no address"),
        ('host = ""', "f.toml: host: '' is no address"),
        ('[[webhooks]]\npath = "/a"', r"webhooks\[0\]: object missing required field `function`"),
        ("webhooks = 3", "f.toml: webhooks: expected `array`, got `int`"),
        (HOOK.format(path="hook"), r"webhooks\[0\].path: 'hook' is no path such as"),
        (HOOK.format(path="/admin/x"), r"webhooks\[0\].path: /admin is the server's own"),
        ("port =", "f.toml: it is no TOML: "),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text, message):
    with pytest.raises(ServerConfigError, match=message):
        parse_config(text, "f.toml")


@pytest.mark.parametrize("host", ["0.0.0.0", "::1", "localhost", "box-1.example.org"])
def test_addresses_and_names_of_machines_are_hosts(host):
    assert parse_config(f'host = "{host}"').host == host


def test_the_host_of_the_command_line_is_checked_too(tmp_path):
    (tmp_path / "f.toml").write_text("")
    told = CliRunner().invoke(
        main, ["serve", "--config", str(tmp_path / "f.toml"), "--host", "999.1.1.1"]
    )
    assert told.exit_code == 1
    assert "the command line: host: '999.1.1.1' is no address" in told.output


def test_a_data_folder_that_can_t_be_written_to_is_told(tmp_path, monkeypatch):
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    monkeypatch.setattr(settings, "data_dir", str(folder))
    with (
        opening_files_as_nobody(folder),
        pytest.raises(DataFolderUnusable, match=r"be used: Permission denied\. Choose"),
    ):
        check_data_folder("f.toml")
    check_data_folder("f.toml")
    assert list(folder.iterdir()) == [], "nothing is left by trying"


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ServerConfigError, match=r"none\.toml: it can't be read: No such file"):
        read_config(tmp_path / "none.toml")
    result = CliRunner().invoke(main, ["serve", "--config", str(tmp_path / "none.toml")])
    assert result.exit_code == 1
    assert "it can't be read" in result.output


def test_tokens_come_from_variables_and_a_file(tmp_path, monkeypatch):
    monkeypatch.setenv("FIRST", "first-token-of-all")
    (tmp_path / "tokens").write_text("second-token-of-all\n\nthird-token-of-them\n")
    config = ServerConfig(token_env=("FIRST",), token_file=str(tmp_path / "tokens"))
    tokens, whence = tokens_of(config, "f.toml", tmp_path)
    assert tokens == ("first-token-of-all", "second-token-of-all", "third-token-of-them")
    assert "FIRST" in whence
    assert "first-token" not in whence


def test_without_any_a_token_is_made_once_for_its_owner_only(tmp_path):
    (made,), whence = tokens_of(ServerConfig(), "f.toml", tmp_path)
    assert len(made) >= 32
    assert stat.S_IMODE(os.stat(whence).st_mode) == 0o600
    assert tokens_of(ServerConfig(), "f.toml", tmp_path)[0] == (made,)


def test_a_missing_variable_and_a_weak_token_are_told_without_the_token(tmp_path, monkeypatch):
    monkeypatch.delenv("NOT_SET", raising=False)
    with pytest.raises(ServerConfigError, match=r"token_env\[0\]: the environment variable 'NOT_"):
        tokens_of(ServerConfig(token_env=("NOT_SET",)), "f.toml", tmp_path)
    monkeypatch.setenv("WEAK", "secret")
    with pytest.raises(ServerConfigError, match="at least 16 characters") as told:
        tokens_of(ServerConfig(token_env=("WEAK",)), "f.toml", tmp_path)
    assert "secret" not in str(told.value)


def test_the_secret_of_a_webhook_has_to_be_one(monkeypatch):
    config = parse_config(HOOK.format(path="/hook"))
    monkeypatch.setenv("SECRET", "whsec_notbase64!")
    with pytest.raises(ServerConfigError, match="'SECRET' has no usable secret: a secret is whsec"):
        hooks_of(config, "f.toml")
    monkeypatch.setenv("SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert hooks_of(config, "f.toml")["/hook"].function == "book"
    assert "keys" not in repr(hooks_of(config, "f.toml"))
