"""Secrets on the host, where they are declared, and in the sandbox, where they are kept."""

from __future__ import annotations

import copy
import os
import pickle
import stat
from pathlib import Path

import cloudpickle
import pytest

from nbfaas import Secret, remote
from nbfaas.agent.secrets import Redactor, SecretNames, Secrets, keep_secrets
from nbfaas.errors import OptionError, SecretMissing
from nbfaas.model.function import FunctionOptions, FunctionVersion
from nbfaas.model.secret import MAX_VALUE, read_secrets, secret_names
from nbfaas.remote.options import parse_options

CANARY = "canary-4711-value"


@pytest.fixture
def secret(monkeypatch):
    monkeypatch.setenv("API_KEY", CANARY)
    return Secret.from_env("API_KEY")


def test_a_variable_that_is_missing_is_told_when_it_is_declared():
    with pytest.raises(SecretMissing, match=r"'NOT_THERE' has no value.*no environment variable"):
        Secret.from_env("NOT_THERE")


def test_a_variable_that_is_gone_later_is_told_with_the_function(secret, monkeypatch):
    monkeypatch.delenv("API_KEY")
    with pytest.raises(SecretMissing, match="'API_KEY', which the function 'score' needs"):
        read_secrets([secret], "score")


def test_values_are_those_of_now(secret, monkeypatch):
    assert secret.read() == {"API_KEY": CANARY}
    monkeypatch.setenv("API_KEY", "rotated")
    assert secret.read() == {"API_KEY": "rotated"}


def test_a_dotenv_file_is_read_as_shells_and_others_write_it(tmp_path):
    path = tmp_path / ".env"
    path.write_text(
        "# a comment\n\nA=plain text  # why\nexport B='single # quoted'\n"
        'C="two\\nlines and \\"quotes\\""\nD=\nE=a#b\n F = spaced \nnonsense\nG="x" # y\n'
    )
    assert Secret.from_dotenv(path).read() == {
        "A": "plain text",
        "B": "single # quoted",
        "C": 'two\nlines and "quotes"',
        "D": "",
        "E": "a#b",
        "F": "spaced",
        "G": "x",
    }
    assert Secret.from_dotenv(path, "B").names == ("B",)
    with pytest.raises(SecretMissing, match="'Z' has no value"):
        Secret.from_dotenv(path, "A", "Z")


def test_a_file_that_can_not_be_read_is_told(tmp_path):
    with pytest.raises(SecretMissing, match="can't be read"):
        Secret.from_dotenv(tmp_path / "none", "A")
    empty = tmp_path / "empty"
    empty.touch()
    with pytest.raises(SecretMissing, match="no lines"):
        Secret.from_dotenv(empty)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SecretMissing, match="no regular file"):
        Secret.from_dotenv(tmp_path / "pipe", "A")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Secret.from_dict({"../escape": CANARY}),
        lambda: Secret.from_dict({"": CANARY}),
        lambda: Secret.from_dict({}),
        lambda: Secret.from_dict({"A": CANARY.encode()}),
        lambda: Secret.from_dict({"A": "x" * (MAX_VALUE + 1)}),
        lambda: Secret.from_dict({"A": "\ud800"}),
        lambda: parse_options(FunctionOptions(), {"secrets": {"A": CANARY}}),
        lambda: parse_options(FunctionOptions(), {"secrets": [CANARY]}),
    ],
)
def test_what_makes_no_secret_is_refused_without_its_value(make):
    with pytest.raises((OptionError, SecretMissing)) as caught:
        make()
    assert CANARY not in str(caught.value)
    assert "xxxx" not in str(caught.value)


def test_no_repr_pickle_or_hash_has_a_value(secret):
    other = Secret.from_dict({"API_KEY": CANARY}, name="tenant")
    options = parse_options(FunctionOptions(), {"secrets": [secret, other]})
    function = remote(secrets=[secret])(lambda: 1)
    shown = [secret, other, options, options.fingerprint(), function, function.version()]
    assert CANARY not in "".join(map(repr, shown))
    for dump in (pickle.dumps, cloudpickle.dumps):
        assert CANARY.encode() not in dump((secret, other))
    assert pickle.loads(pickle.dumps(secret)) == SecretNames(("API_KEY",))
    assert copy.deepcopy(options).secrets == options.secrets


def test_the_version_depends_on_names_only(secret, monkeypatch):
    def version(*secrets):
        return FunctionVersion.make("f", b"", FunctionOptions(secrets=secrets)).version

    before = version(secret)
    monkeypatch.setenv("API_KEY", "rotated")
    assert version(Secret.from_env("API_KEY")) == before
    assert version(Secret.from_dict({"API_KEY": "x"}, name="a")) != before
    assert version() not in (before, version(Secret.from_dict({"OTHER": "x"})))
    assert secret_names([secret, Secret.from_dict({"A": "x", "B": "y"})]) == ("A", "API_KEY", "B")


def test_a_function_that_refers_to_a_secret_ships_names(secret):
    function = remote(lambda: secret)
    assert CANARY.encode() not in function.version().payload
    assert b"API_KEY" in function.version().payload


# -- in the sandbox


def test_files_can_be_read_by_their_owner_alone(monkeypatch, tmp_path):
    monkeypatch.setenv("NBFAAS_SANDBOX", str(tmp_path))
    secrets = keep_secrets({"API_KEY": CANARY, "B": "ünïcode"})
    path = secrets.path("API_KEY")
    assert Path(path).read_text() == CANARY
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o400
    assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700
    with pytest.raises(FileExistsError):
        keep_secrets({"API_KEY": "another"})


def test_the_mapping_tells_names_and_says_what_is_missing():
    secrets = Secrets({"API_KEY": CANARY})
    assert dict(secrets) == {"API_KEY": CANARY}
    assert CANARY not in repr(secrets)
    with pytest.raises(KeyError, match=r"no secret 'OTHER'.*API_KEY"):
        secrets["OTHER"]
    with pytest.raises(FileNotFoundError, match="in a sandbox only"):
        secrets.path("API_KEY")
    with pytest.raises(TypeError, match="stay in their sandbox"):
        pickle.dumps(secrets)


def test_values_are_taken_out_of_text_and_bytes():
    value = 'quo"te\nline'
    redactor = Redactor({"KEY": CANARY, "LONG": CANARY + "-and-more", "ODD": value, "TINY": "abc"})
    assert redactor.of_text(f"a {CANARY} b") == "a ***KEY*** b"
    assert redactor.of_bytes(f"{CANARY}-and-more".encode()) == b"***LONG***"
    assert redactor.of_text(f"{value!r} {value}") == "'***ODD***' ***ODD***"
    assert redactor.of_text("abcabc") == "abcabc"
    assert redactor.of_data({"text": [f"x{CANARY}", 1, None]}) == {"text": ["x***KEY***", 1, None]}
    assert redactor.finds_in([b"..", CANARY.encode()])
    assert not redactor.finds_in([b"nothing"])
    assert CANARY not in repr(redactor)
    assert Redactor({"TINY": "abc"}).of_text("abc") == "abc"
