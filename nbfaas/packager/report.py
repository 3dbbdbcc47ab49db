"""What was shipped with a function, and how large each part of it is."""

from __future__ import annotations

import html
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from types import CellType, FunctionType, ModuleType
from typing import TYPE_CHECKING

from nbfaas.agent.units import format_bytes, with_article
from nbfaas.packager.code_facts import code_facts
from nbfaas.packager.pickler import ShippingPickler

if TYPE_CHECKING:
    from nbfaas.packager.pack import Package


class LargeClosureWarning(UserWarning):
    """A function ships much data with itself."""


@dataclass(frozen=True, slots=True)
class ShippedItem:
    """``kind``: function, class, global, closure, default or source. ``size`` in bytes, pickled."""

    kind: str
    name: str
    size: int


@dataclass(frozen=True, slots=True, repr=False)
class ShippingReport:
    """The parts of a payload, largest first. ``total`` is the payload's size in bytes."""

    function: str
    items: tuple[ShippedItem, ...]
    total: int

    @classmethod
    def of_source(cls, function: str, source: str) -> ShippingReport:
        """Of a function that is shipped as source text."""
        size = len(source.encode())
        return cls(function, (ShippedItem("source", function, size),), size)

    def __str__(self) -> str:
        width = max([len(item.name) for item in self.items], default=0)
        lines = [
            f"  {item.kind:<9} {item.name:<{width}}  {format_bytes(item.size):>8}"
            for item in self.items
        ]
        return "\n".join([f"{self.function} ships {format_bytes(self.total)}", *lines])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{item.kind}</td><td style='text-align:left'><code>{html.escape(item.name)}"
            f"</code></td><td>{format_bytes(item.size)}</td></tr>"
            for item in self.items
        )
        return (
            f"<table><caption><code>{html.escape(self.function)}</code> ships "
            f"{format_bytes(self.total)}</caption><thead><tr><th>kind</th><th>name</th>"
            f"<th>size</th></tr></thead><tbody>{rows}</tbody></table>"
        )


Part = tuple[str, str, object]
"""kind, name, and what is measured."""


def parts_of(functions: Iterable[FunctionType], classes: Iterable[type]) -> list[Part]:
    """What was shipped for ``functions`` and ``classes``, to be measured by ``measure``."""
    parts: list[Part] = [("class", cls.__qualname__, cls) for cls in classes]
    seen: set[int] = set()
    for function in functions:
        parts.append(("function", function.__qualname__, function))
        namespace = function.__globals__
        named: list[Part] = [
            ("global", name, namespace[name])
            for name in code_facts(function.__code__).global_names
            if name in namespace
        ]
        cells = function.__closure__ or ()
        for name, cell in zip(function.__code__.co_freevars, cells, strict=False):
            if cell != CellType():
                named.append(("closure", f"{function.__qualname__}: {name}", cell.cell_contents))
        for value in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
            named.append(("default", f"{function.__qualname__}: {_short(value)}", value))
        for kind, name, value in named:
            if not isinstance(value, type | FunctionType | ModuleType) and id(value) not in seen:
                seen.add(id(value))
                parts.append((kind, name, value))
    return parts


def measure(parts: list[Part], sources: Iterable[str] = ()) -> list[ShippedItem]:
    """The size of each part, not counting other parts it refers to."""
    own = {id(value) for _, _, value in parts}
    return [ShippedItem(kind, name, _size(value, own, sources)) for kind, name, value in parts]


def _size(value: object, others: set[int], sources: Iterable[str]) -> int:
    sink = _Sink()
    pickler = _Measure(sink, sources=frozenset(sources))  # type: ignore[arg-type]
    pickler.whole, pickler.others = value, others
    pickler.dump(value)
    return sink.size


class _Sink:
    """A file that only counts."""

    def __init__(self) -> None:
        self.size = 0

    def write(self, data: bytes) -> int:
        size = memoryview(data).nbytes
        self.size += size
        return size


class _Measure(ShippingPickler):
    whole: object
    others: set[int]

    def persistent_id(self, obj: object) -> int | None:
        return 0 if obj is not self.whole and id(obj) in self.others else None


def _short(value: object) -> str:
    return with_article(type(value).__name__)


def warn_if_large(package: Package, limit: int, *, stacklevel: int = 2) -> None:
    """Issue a ``LargeClosureWarning`` if the payload exceeds ``limit`` bytes."""
    if len(package.payload) <= limit:
        return
    report = package.report
    largest = ", ".join(
        f"{item.kind} {item.name!r} ({format_bytes(item.size)})" for item in report.items[:3]
    )
    warnings.warn(
        f"function {report.function!r} ships {format_bytes(report.total)} with itself, mostly "
        f"{largest}. It is sent to every sandbox. Pass large data as an argument (stored once for "
        "many calls with nbfaas.put), load it inside the function, or put it on a volume "
        "(volumes={'/data': './data'}).",
        LargeClosureWarning,
        stacklevel=stacklevel + 1,
    )


def make_report(
    function: str, parts: list[Part], sources: dict[str, int], total: int
) -> ShippingReport:
    """``sources``: the shipped modules and the sizes of their texts in bytes."""
    items = measure(parts, sources)
    items += [ShippedItem("source", name, size) for name, size in sources.items()]
    items.sort(key=lambda item: (-item.size, item.kind, item.name))
    return ShippingReport(function, tuple(items), total)
