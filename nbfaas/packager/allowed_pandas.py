"""pandas values in results: named functions, and types from the modules that hold only data."""

from __future__ import annotations

import functools
import importlib
from typing import Any

from nbfaas.packager.unpickler import Grant, Maker, set_state

_FUNCTIONS = {
    "pandas._libs.arrays.__pyx_unpickle_NDArrayBacked",
    "pandas._libs.internals._unpickle_block",
    "pandas._libs.interval.__pyx_unpickle_IntervalMixin",
    "pandas._libs.tslibs.nattype._nat_unpickle",
    "pandas._libs.tslibs.timedeltas._timedelta_unpickle",
    "pandas._libs.tslibs.timestamps._unpickle_timestamp",
    "pandas.core.indexes.base._new_Index",
    "pandas.core.indexes.datetimes._new_DatetimeIndex",
    "pandas.core.indexes.interval._new_IntervalIndex",
    "pandas.core.indexes.period._new_PeriodIndex",
    "pandas.core.indexes.timedeltas._new_TimedeltaIndex",
}
_TYPE_MODULES = (
    *("pandas._libs.arrays", "pandas._libs.internals", "pandas._libs.interval"),
    *("pandas._libs.missing", "pandas._libs.sparse", "pandas._libs.tslibs"),
    *("pandas.arrays", "pandas.core.arrays", "pandas.core.dtypes", "pandas.core.frame"),
    *("pandas.core.indexes", "pandas.core.internals", "pandas.core.series"),
)
# Types that say they are from the top, which also has eval and read_pickle.
_PUBLIC = frozenset(
    {
        *("DataFrame", "Series", "Index", "RangeIndex", "MultiIndex", "CategoricalIndex"),
        *("DatetimeIndex", "TimedeltaIndex", "PeriodIndex", "IntervalIndex"),
        *("Categorical", "Timestamp", "Timedelta", "Period", "Interval", "DateOffset"),
        *("BooleanDtype", "CategoricalDtype", "DatetimeTZDtype", "IntervalDtype", "PeriodDtype"),
        *("Float32Dtype", "Float64Dtype", "SparseDtype", "StringDtype", "ArrowDtype"),
        *("Int8Dtype", "Int16Dtype", "Int32Dtype", "Int64Dtype"),
        *("UInt8Dtype", "UInt16Dtype", "UInt32Dtype", "UInt64Dtype"),
    }
)


@functools.cache
def find_pandas(module: str, name: str) -> Grant | None:
    """The grant for something of pandas'; None if there is none. Imports pandas.

    Raises ``ImportError`` if pandas is not here.
    """
    path = f"{module}.{name}"
    if path in _FUNCTIONS:
        return Grant(Maker(path), getattr(importlib.import_module(module), name))
    if path in ("pandas.NA", "pandas._libs.missing.NA"):
        return Grant(importlib.import_module("pandas").NA)
    inside = any(module == each or module.startswith(f"{each}.") for each in _TYPE_MODULES)
    if not (module == "pandas" and name in _PUBLIC) and not inside:
        return None
    cls: Any = vars(importlib.import_module(module)).get(name)
    # A module also has the names it imported; what is pickled names the class's own module.
    if not isinstance(cls, type) or cls.__module__ != module:
        return None
    return Grant(cls, call=cls, new=True, build=set_state)
