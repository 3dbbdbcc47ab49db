"""NumPy values in results.

NumPy's own ``__setstate__`` believes what it is given: a forged dtype makes it take bytes for
pointers. So dtypes are built anew through NumPy's checked constructors, and arrays and scalars are
let through only with data that fits them.
"""

from __future__ import annotations

import functools
import math
import re
import sys
from typing import Any

from nbfaas.agent.units import with_article
from nbfaas.packager.unpickler import Damaged, Grant, Maker, set_state

_NATIVE = "<" if sys.byteorder == "little" else ">"
_SPEC = re.compile(r"[?A-Za-z]\d{0,9}")
_GENERATORS = {
    "_pcg64": ("PCG64", "PCG64DXSM"),
    "_sfc64": ("SFC64",),
    "_philox": ("Philox",),
    "_mt19937": ("MT19937",),
}


@functools.cache
def find_numpy(module: str, name: str) -> Grant | None:
    """The grant for something of NumPy's; None if there is none. Imports NumPy.

    Raises ``ImportError`` if NumPy is not here.
    """
    import numpy as np

    module = module.replace("numpy._core", "numpy.core")
    path = f"{module}.{name}"
    if path == "numpy.dtype":
        return Grant(np.dtype, _make_dtype, build=_build_dtype, family=True)
    if path == "numpy.ndarray":
        return Grant(np.ndarray, build=build_array)
    if path in ("numpy.rec.recarray", "numpy.recarray"):
        return Grant(np.recarray, build=build_array)
    maker = _MAKERS.get(path)
    if maker is not None:
        return Grant(Maker(path), maker)
    if module in ("numpy", "numpy.dtypes", "numpy.rec"):
        value = vars(np if module == "numpy" else getattr(np, module[6:])).get(name)
        if isinstance(value, type) and issubclass(value, np.generic | np.dtype):
            # Dtype classes are called without arguments, or with what StringDType takes.
            return Grant(value, value if name == "StringDType" else None, build=None)
    if name in _GENERATORS.get(module.removeprefix("numpy.random."), ()):
        return Grant(_attribute(module, name), build=_build_bit_generator)
    if path == "numpy.random.bit_generator.SeedSequence":
        return Grant(np.random.SeedSequence, build=set_state)
    return None


def _attribute(module: str, name: str) -> Any:
    import importlib

    return getattr(importlib.import_module(module), name)


def _make_dtype(spec: Any, align: object = False, copy: object = True) -> Any:
    import numpy as np

    if isinstance(spec, type) and issubclass(spec, np.generic):
        return np.dtype(spec, copy=True)
    if type(spec) is tuple and len(spec) == 2 and spec[0] is np.record:  # of a record array
        if not isinstance(spec[1], np.dtype):
            raise Damaged("a record's dtype is none")
        return np.dtype((np.record, spec[1]))
    if type(spec) is not str or not _SPEC.fullmatch(spec):
        raise Damaged(f"a dtype made from {with_article(type(spec).__name__)}")
    return np.dtype(spec, copy=True)


def _build_dtype(dtype: Any, state: Any) -> object:
    import numpy as np

    if isinstance(dtype, type) or type(state) is not tuple or not 8 <= len(state) <= 9:
        raise Damaged("a dtype's state has another form")
    _, order, subarray, names, fields, itemsize, _, flags = state[:8]
    built: Any
    if subarray is not None:
        base, shape = subarray
        _check(isinstance(base, np.dtype), "a subarray's dtype")
        built = np.dtype((base, _shape(shape)))
    elif names:
        formats = [fields[name] for name in names]
        _check(all(isinstance(each[0], np.dtype) for each in formats), "a field's dtype")
        count = 0
        for each in formats:
            count += _fields_of(each[0])
            _check(count <= _MAX_FIELDS, "the number of a dtype's fields")
        built = np.dtype(
            {
                "names": list(names),
                "formats": [each[0] for each in formats],
                "offsets": [each[1] for each in formats],
                "titles": [each[2] if len(each) > 2 else None for each in formats],
                "itemsize": itemsize,
            },
            align=bool(flags & 0x80),
        )
        if dtype.type is np.record:
            built = np.dtype((np.record, built))
    elif dtype.kind in "mM" and len(state) == 9 and state[8] is not None:
        unit, count = state[8][1][0], state[8][1][1]
        unit = unit.decode() if isinstance(unit, bytes) else unit
        plain = unit == "generic"
        built = np.dtype(f"{dtype.kind}8" if plain else f"{dtype.kind}8[{int(count)}{unit}]")
    else:
        _check(itemsize in (-1, dtype.itemsize), "a dtype's size")
        built = dtype
    swapped = order in ("<", ">") and order != _NATIVE and not names
    return built.newbyteorder(order) if swapped else built


def _fields_of(dtype: Any) -> int:
    """How many fields hashing and showing a dtype goes through, those of shared parts each time.
    No dtype is made that has more than ``_MAX_FIELDS``."""
    inner = dtype.subdtype[0] if dtype.subdtype else dtype
    return 1 + sum(_fields_of(inner.fields[name][0]) for name in inner.names or ())


_MAX_FIELDS = 10_000


def build_array(array: Any, state: Any) -> object:
    """Fill an array that was just reconstructed. Raises ``Damaged`` if the data do not fit it."""
    import numpy as np

    if not isinstance(array, np.ndarray) or array.shape != (0,) or array.base is not None:
        raise Damaged("an array is given a state for the second time")
    if type(state) is not tuple or len(state) != 5:
        raise Damaged("an array's state has another form")
    _, shape, dtype, fortran, data = state
    _check(isinstance(dtype, np.dtype), "an array's dtype")
    count = math.prod(_shape(shape))
    if type(data) is list:
        _check(dtype.hasobject and len(data) == count, "an array's objects")
    else:
        _check(isinstance(data, bytes | bytearray) and not dtype.hasobject, "an array's data")
        _check(len(data) == count * dtype.itemsize, "the length of an array's data")
    filled: Any = array
    filled.__setstate__((1, shape, dtype, bool(fortran), data))
    return filled


def _reconstruct(cls: Any, shape: object, kind: object) -> object:
    import numpy as np

    from nbfaas.packager.own_classes import is_own

    if cls is not np.ndarray and cls is not np.recarray:
        own = isinstance(cls, type) and issubclass(cls, np.ndarray) and is_own(cls.__module__)
        _check(own, "an array's class")
    return np.ndarray.__new__(cls, (0,), "b")


def _from_buffer(buffer: Any, dtype: Any, shape: Any, order: Any, axes: Any = None) -> object:
    import numpy as np

    _check(isinstance(buffer, bytes | bytearray | memoryview), "an array's buffer")
    _check(isinstance(dtype, np.dtype) and not dtype.hasobject, "an array's dtype")
    flat = np.frombuffer(buffer, dtype=dtype)
    if order == "K" and axes is not None:
        ordered = [shape[axis] for axis in axes]
        return flat.reshape(ordered).transpose(np.argsort(axes))
    return flat.reshape(_shape(shape), order=order)


def _scalar(dtype: Any, data: Any = b"") -> object:
    import numpy as np

    _check(isinstance(dtype, np.dtype) and not dtype.hasobject, "a scalar's dtype")
    _check(type(data) is bytes and len(data) == dtype.itemsize, "a scalar's data")
    return np.ndarray((), dtype, data)[()]


def _bit_generator(cls: Any) -> object:
    import numpy as np

    known = isinstance(cls, type) and issubclass(cls, np.random.BitGenerator)
    _check(known and cls.__module__.startswith("numpy.random."), "a bit generator")
    return cls()


def _build_bit_generator(generator: Any, state: Any) -> object:
    if isinstance(generator, type) or type(state) is not tuple or type(state[0]) is not dict:
        raise Damaged("a bit generator's state has another form")
    inner = state[0].get("state")
    # The positions index C arrays unchecked.
    position = inner.get("pos", 0) if type(inner) is dict else 0
    _check(type(position) is int and 0 <= position <= 624, "a bit generator's position")
    position = state[0].get("buffer_pos", 0)
    _check(type(position) is int and 0 <= position <= 4, "a bit generator's position")
    return set_state(generator, state)


def _generator(bit_generator: Any, *ignored: object) -> object:
    import numpy as np

    _check(isinstance(bit_generator, np.random.BitGenerator), "a bit generator")
    return np.random.Generator(bit_generator)


def _seed_sequence(cls: Any, checksum: Any, state: Any) -> object:
    import numpy as np

    _check(cls is np.random.SeedSequence, "a seed sequence")
    unpickle = _attribute("numpy.random.bit_generator", "__pyx_unpickle_SeedSequence")
    return unpickle(cls, checksum, state)


def _string_dtype(coerce: object, *na_object: object) -> object:
    import numpy as np

    if na_object:
        return np.dtypes.StringDType(coerce=bool(coerce), na_object=na_object[0])
    return np.dtypes.StringDType(coerce=bool(coerce))


def _shape(shape: Any) -> tuple[int, ...]:
    sizes = (shape,) if type(shape) is int else shape
    fine = type(sizes) is tuple and all(type(size) is int and size >= 0 for size in sizes)
    _check(fine, "an array's shape")
    return tuple(sizes)


def _check(fine: bool, what: str) -> None:
    if not fine:
        raise Damaged(f"{what} does not fit")


_MAKERS: dict[str, Any] = {
    "numpy.core.multiarray._reconstruct": _reconstruct,
    "numpy.core.multiarray.scalar": _scalar,
    "numpy.core.numeric._frombuffer": _from_buffer,
    "numpy.core._internal._convert_to_stringdtype_kwargs": _string_dtype,
    "numpy.random._pickle.__bit_generator_ctor": _bit_generator,
    "numpy.random._pickle.__generator_ctor": _generator,
    "numpy.random.bit_generator.__pyx_unpickle_SeedSequence": _seed_sequence,
}
