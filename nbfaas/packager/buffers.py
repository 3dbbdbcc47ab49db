"""Large arguments: copied once, however many invocations they are an argument of."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from nbfaas.agent import codec
from nbfaas.agent.buffers import SealedBuffer, seal
from nbfaas.agent.units import with_article
from nbfaas.agent.wire import Part
from nbfaas.errors import NotPicklable
from nbfaas.packager.pickler import ShippingPickler

T = TypeVar("T")

# Descriptors left to everything else in the notebook's process.
_SPARE = 512


class Sealer:
    """Seals the arguments of one call, or of all items of one map.

    Copying is what makes a call independent of what the caller does to its arrays afterwards.
    Within one map an object that comes again is not copied again; so it must not be changed while
    the items are being packed.
    """

    def __init__(self) -> None:
        # By the exporting object's id; the object is kept, so that the id stays its own.
        self._sealed: dict[tuple[int, int], tuple[object, Part]] = {}

    def seal(self, parts: Sequence[Part]) -> list[Part]:
        """The parts, the first being the pickle, with the buffers sealed."""
        return [parts[0], *map(self._seal, parts[1:])]

    def _seal(self, part: Part) -> Part:
        if not isinstance(part, memoryview):
            return part
        key = (id(part.obj), part.nbytes)
        known = self._sealed.get(key)
        if known is None:
            known = self._sealed[key] = (part.obj, seal([part], _SPARE)[0])
        return known[1]


class Stored(Generic[T]):
    """An object that was stored with ``nbfaas.put``. As an argument, or inside one, it arrives in
    the sandbox as the object itself; its large buffers are not copied again."""

    def __init__(self, value: T) -> None:
        try:
            parts = codec.dump_with(ShippingPickler, value)
        except Exception as error:  # noqa: BLE001 - __reduce__ of anything may raise anything
            name = with_article(type(value).__name__)
            raise NotPicklable(f"what was put, {name}", name, str(error)) from None
        self.value = value
        self._parts = Sealer().seal(parts)
        self._buffers: list[pickle.PickleBuffer] = []
        for part in self._parts[1:]:
            buffer = pickle.PickleBuffer(part.view() if isinstance(part, SealedBuffer) else part)
            self._buffers.append(buffer)
            if isinstance(part, SealedBuffer):
                codec.sealed_before[id(buffer)] = part

    def __del__(self) -> None:
        for buffer in getattr(self, "_buffers", ()):
            codec.sealed_before.pop(id(buffer), None)

    def __repr__(self) -> str:
        size = sum(part.size for part in self._parts if isinstance(part, SealedBuffer))
        from nbfaas.agent.units import format_bytes

        return f"<Stored {type(self.value).__name__}, {format_bytes(size)} shared>"

    def __reduce__(self) -> Any:
        return codec.load_stored, (self._parts[0], *self._buffers)
