"""The options of ``%%faas``: what is typed behind it, as data."""

from __future__ import annotations

import argparse
import keyword
from dataclasses import dataclass
from typing import Any

from nbfaas.errors import MagicError, OptionError
from nbfaas.model.function import FunctionOptions
from nbfaas.model.secret import Secret
from nbfaas.notebook.arguments import parse_line
from nbfaas.remote.options import parse_options


@dataclass(frozen=True, slots=True)
class CellOptions:
    """``name`` is None where the cell is to be run once; ``pull`` are names to bring back;
    ``output`` is the name that the value, or the call, is bound to."""

    function: FunctionOptions
    pull: tuple[str, ...] = ()
    block: bool = True
    output: str | None = None
    name: str | None = None


def parse_cell_options(
    parser: argparse.ArgumentParser, line: str, namespace: dict[str, Any]
) -> CellOptions:
    """Read the line behind ``%%faas``. An ``--image`` may be the name of an ``Image`` in
    ``namespace``. Raises ``MagicError``, ``OptionError`` or ``SecretMissing``."""
    from nbfaas.images.image import Image

    given = vars(parse_line(parser, line, "%%faas"))
    options: dict[str, Any] = {
        option: given[option]
        for option in ("cpu", "memory", "timeout", "isolation", "retries")
        if given[option] is not None
    }
    if (image := given["image"]) is not None:
        known = namespace.get(image)
        options["image"] = known if isinstance(known, Image) else image
    if given["network"]:
        options["network"] = True
    if given["trust"]:
        options["trust"] = given["trust"]
    if given["env"]:
        options["env"] = dict(_pair("--env", text, "MODE=dev") for text in given["env"])
    if given["secret"]:
        if not given["name"]:
            raise MagicError(
                "--secret needs --name: only a function's handler(event, context) has "
                "context.secrets."
            )
        options["secrets"] = [Secret.from_env(*given["secret"])]
    if given["volume"]:
        options["volumes"] = dict(_pair("--volume", v, "/data=./data:ro") for v in given["volume"])
    pull = tuple(
        dict.fromkeys(
            _identifier("--pull", name) for text in given["pull"] for name in _names(text)
        )
    )
    output = given["output"] and _identifier("--output", given["output"])
    name = given["name"] and _identifier("--name", given["name"])
    block = not given["no_block"]
    if name and (pull or output or not block):
        raise MagicError(
            "--name only defines a function, so there is nothing to --pull, to --output or not to "
            f"wait for. Call the function afterwards: {name}.remote(event)."
        )
    if pull and not block:
        raise MagicError(
            "--pull needs the cell's end, for which --no-block does not wait. Leave one of them "
            "out, or end the cell with the values you need and read call.result()."
        )
    return CellOptions(parse_options(FunctionOptions(), options), pull, block, output, name)


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _pair(option: str, text: str, example: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found or not name:
        raise OptionError(option, text, f"write it as {option} {example}")
    return name, value


def _identifier(option: str, name: str) -> str:
    if not name.isidentifier() or keyword.iskeyword(name):
        raise OptionError(option, name, "give the name of a variable")
    return name
