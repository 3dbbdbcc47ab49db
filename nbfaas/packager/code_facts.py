"""What a function's bytecode says about the names it needs."""

from __future__ import annotations

import dis
import functools
from collections.abc import Iterator
from types import CodeType
from typing import NamedTuple


class Import(NamedTuple):
    """An import inside a function. ``needed``: not in a ``try`` that catches its failure."""

    module: str
    names: tuple[str, ...]
    level: int
    needed: bool


class CodeFacts(NamedTuple):
    """Of a code object and the code nested in it."""

    global_names: tuple[str, ...]
    imports: tuple[Import, ...]


@functools.lru_cache(maxsize=4096)
def code_facts(code: CodeType) -> CodeFacts:
    names: dict[str, None] = {}
    imports: list[Import] = []
    instructions = list(dis.get_instructions(code))
    for position, instruction in enumerate(instructions):
        if instruction.opname in ("LOAD_GLOBAL", "STORE_GLOBAL", "DELETE_GLOBAL"):
            names[instruction.argval] = None
        elif instruction.opname == "IMPORT_NAME":
            # The level and the names were loaded as constants by the two instructions before.
            level, wanted = (each.argval for each in instructions[position - 2 : position])
            needed = not _is_guarded(code, instruction.offset)
            imports.append(Import(instruction.argval, tuple(wanted or ()), level, needed))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            nested = code_facts(constant)
            names.update(dict.fromkeys(nested.global_names))
            imports += nested.imports
    return CodeFacts(tuple(names), tuple(imports))


def _is_guarded(code: CodeType, offset: int) -> bool:
    """Whether a failure of the instruction at ``offset`` is caught as an ImportError."""
    entries = getattr(dis.Bytecode(code), "exception_entries", ())
    return any(
        _catches_import_error(code, entry.target)
        for entry in entries
        if entry.start <= offset < entry.end
    )


def _catches_import_error(code: CodeType, handler: int) -> bool:
    after = (i for i in dis.get_instructions(code) if i.offset >= handler)
    names: set[str] = set()
    for number, instruction in enumerate(after):
        if instruction.opname == "CHECK_EXC_MATCH":
            return not names.isdisjoint(
                {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
            )
        if number == 1 and instruction.opname == "POP_TOP":  # a bare `except:`
            return True
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            names.add(instruction.argval)
        if number > 12 or instruction.opname in ("WITH_EXCEPT_START", "RERAISE"):
            return False
    return False


def import_names(imports: tuple[Import, ...], package: str) -> Iterator[tuple[str, bool]]:
    """``(module, needed)`` in full names, with what may be a module among the names imported."""
    from nbfaas.packager.modules import absolute_name

    for module, names, level, needed in imports:
        base = absolute_name(module, level, package)
        if base:
            yield base, needed
            yield from ((f"{base}.{name}", False) for name in names if name != "*")
