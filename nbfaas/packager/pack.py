"""From a function of the notebook to the payload a sandbox can load."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any

from nbfaas.agent.culprit import find_culprit
from nbfaas.errors import NotPicklable
from nbfaas.packager.guards import Guards
from nbfaas.packager.modules import Sources, distribution_for
from nbfaas.packager.pickler import ShippingPickler
from nbfaas.packager.report import Part, ShippingReport, make_report, parts_of, warn_if_large

__all__ = ["Package", "distribution_for", "pack", "warn_if_large"]

# Parts of payloads up to this many bytes are measured when the report is asked for; the parts of
# larger ones at once, so that the package does not keep large data alive.
_MEASURE_LATER = 256 * 1024


class Package:
    """A function as it is shipped.

    ``requires`` are top-level modules the image must have. ``sources`` are the local modules that
    are shipped as source, which arguments refer to by name.
    """

    def __init__(
        self,
        name: str,
        payload: bytes,
        requires: tuple[str, ...],
        sources: dict[str, int],
        parts: list[Part],
        guards: Guards,
    ) -> None:
        self.name = name
        self.payload = payload
        self.requires = requires
        self.sources = frozenset(sources)
        self._source_sizes = sources
        self._parts = parts
        self._guards = guards
        self._report: ShippingReport | None = None
        if len(payload) > _MEASURE_LATER:
            _ = self.report

    def __repr__(self) -> str:
        needs = f", requires {', '.join(self.requires)}" if self.requires else ""
        return f"<Package {self.name} {len(self.payload)} bytes{needs}>"

    @property
    def report(self) -> ShippingReport:
        """What the payload is made of."""
        if self._report is None:
            total = len(self.payload)
            self._report = make_report(self.name, self._parts, self._source_sizes, total)
            self._parts = []
        return self._report

    def is_current(self) -> bool:
        """Whether packing again would surely give the same payload. False also if the function
        refers to mutable data: pack again, and compare the payloads."""
        return self._guards.hold()


def pack(
    fn: Callable[..., Any],
    name: str,
    pickler: Callable[..., ShippingPickler] = ShippingPickler,
) -> Package:
    """Pickle ``fn`` with all it needs that no image has. Raises ``NotPicklable``.

    What ``__main__`` and local modules define goes by value; local modules that are imported by
    name (in a function's body, or referred to as a module) go as source. The same state gives the
    same payload.
    """
    sources = Sources()
    while True:
        try:
            data, met = _dump(fn, sources, pickler)
        except Exception:  # noqa: BLE001 - __reduce__ of anything may raise anything
            path, reason = find_culprit(fn, name, lambda part: _dump(part, sources, pickler))
            raise NotPicklable(f"function {name!r}", path, reason) from None
        before = len(sources.modules)
        sources.add(sorted(met.wanted))
        if len(sources.modules) == before:
            break
    shipped = dict(sorted(sources.modules.items()))
    requires = {top for top in met.required | sources.requires if top not in shipped}
    return Package(
        name,
        pickle.dumps((shipped, data), 5),
        tuple(sorted(requires)),
        {module: len(text.encode()) for module, (_, _, text) in shipped.items()},
        parts_of(met.functions, met.classes),
        Guards(fn, met.functions, met.classes, [file for _, file, _ in shipped.values() if file]),
    )


def _dump(
    value: object, sources: Sources, make: Callable[..., ShippingPickler]
) -> tuple[bytes, ShippingPickler]:
    with io.BytesIO() as file:
        pickler = make(file, sources=sources.modules)
        pickler.dump(value)
        return file.getvalue(), pickler
