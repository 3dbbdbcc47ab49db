"""What is typed behind ``%%faas``."""

from __future__ import annotations

from typing import Any

import pytest

from nbfaas import Image
from nbfaas.errors import MagicError, OptionError, SecretMissing
from nbfaas.model.function import Isolation, Volume
from nbfaas.notebook.cell_options import CellOptions, parse_cell_options
from nbfaas.notebook.magics import FaasMagics


def parse(line: str, **namespace: Any) -> CellOptions:
    return parse_cell_options(FaasMagics.faas_cell.parser, line, namespace)


def test_without_options_a_cell_runs_once_with_the_defaults():
    options = parse("")
    assert options.block
    assert options.pull == ()
    assert options.name is options.output is None
    assert options.function.resources.cpu == 1


def test_every_option_is_read():
    options = parse(
        "--runtime scientific --cpu 0.5 --memory 1GB --timeout 9 --env A=1 'B=two words' --env C= "
        "--volume /data=/tmp/x:ro /cache=named --network --isolation call --retries 2 "
        "--trust sklearn torch"
    ).function
    assert options.image.name == "scientific"
    assert (options.resources.cpu, options.resources.memory) == (0.5, 1 << 30)
    assert options.timeout == 9
    assert dict(options.env) == {"A": "1", "B": "two words", "C": ""}
    assert options.volumes == (
        Volume("/cache", "named"),
        Volume("/data", "/tmp/x", read_only=True),
    )
    assert options.network
    assert options.isolation is Isolation.CALL
    assert options.retries.max_retries == 2
    assert options.trust == ("sklearn", "torch")


@pytest.mark.parametrize("line", ["--pull a b,c", "--pull a,b --pull c,a", "--pull=a,b,c"])
def test_names_to_pull_may_be_separated_by_spaces_or_commas(line):
    assert parse(line).pull == ("a", "b", "c")


def test_a_handler_gets_secrets_of_the_environment(monkeypatch):
    monkeypatch.setenv("API_KEY", "value")
    options = parse("--name f --secret API_KEY").function
    assert [secret.names for secret in options.secrets] == [("API_KEY",)]
    with pytest.raises(SecretMissing, match="'NOT_THERE'"):
        parse("--name f --secret NOT_THERE")


def test_an_image_may_be_a_variable():
    image = Image.python().pip_install("six")
    assert parse("--image img", img=image).function.image.pip == ("six",)


@pytest.mark.parametrize(
    ("line", "error", "text"),
    [
        ("--memroy 1GB", MagicError, "Did you mean --memory?"),
        ("--mem 1GB", MagicError, "Did you mean --memory?"),
        ("--no-bl", MagicError, "Did you mean --no-block?"),
        ("stray", MagicError, "stray"),
        ("--cpu", MagicError, "--cpu"),
        ("--retries two", MagicError, "--retries"),
        ("--memory lots", OptionError, "memory"),
        ("--isolation maybe", OptionError, "isolation"),
        ("--volume /data", OptionError, "--volume /data=./data:ro"),
        ("--name class", OptionError, "name of a variable"),
        ("-o a.b", OptionError, "name of a variable"),
        ("--secret A", MagicError, "--secret needs --name"),
        ("--name f --no-block", MagicError, "f.remote(event)"),
        ("--no-block --pull a", MagicError, "call.result()"),
        ("'", MagicError, "quotation"),
    ],
)
def test_mistakes_are_typed_errors_that_say_what_was_meant(line, error, text):
    with pytest.raises(error) as raised:
        parse(line)
    assert text in str(raised.value)
    assert "\n" not in str(raised.value)
