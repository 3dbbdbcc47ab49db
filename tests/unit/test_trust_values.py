"""What results may hold comes back as it was."""

from __future__ import annotations

import array
import collections
import datetime
import decimal
import enum
import fractions
import ipaddress
import pathlib
import re
import types
import uuid
import zoneinfo
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import plain

from nbfaas.agent import codec
from nbfaas.errors import UntrustedResult
from nbfaas.packager.trust import load_result


@dataclass
class Point:
    x: int
    y: object = None


@dataclass(frozen=True, slots=True)
class Slotted:
    x: int


class Color(enum.Enum):
    RED = "r"


class Bits(enum.Flag):
    A = 1
    B = 2


class Counted(dict[str, int]):
    pass


class Waves(np.ndarray):
    pass


Pair = collections.namedtuple("Pair", "left right")


def there_and_back(value: object, trust: tuple[str, ...] = ()) -> object:
    first, *buffers = codec.dump(value)
    return load_result([bytes(first), *buffers], function="f", trust=trust)


@given(plain)
def test_plain_data_comes_back_equal(value: object) -> None:
    assert there_and_back(value) == value


@given(plain)
def test_plain_data_beside_other_types_comes_back_equal(value: object) -> None:
    assert there_and_back([Point(1), value, Color.RED]) == [Point(1), value, Color.RED]


@pytest.mark.parametrize(
    "value",
    [
        Point(1, [Point(2), (Point(3),)]),
        Slotted(4),
        [Color.RED, Color.RED, Bits.A | Bits.B],
        Pair(1, Pair(2, 3)),
        Counted(a=1),
        [Point, type(None), int],
        [..., NotImplemented],
        2**200,
        1 + 2j,
        range(3),
        slice(1, None, 2),
        bytearray(b"ab"),
        {frozenset({1}), frozenset()},
        datetime.datetime(2024, 1, 2, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
        [datetime.date(2024, 1, 2), datetime.time(1), datetime.timedelta(1), datetime.UTC],
        decimal.Decimal("1.50"),
        fractions.Fraction(1, 3),
        uuid.UUID(int=7),
        pathlib.Path("/a/b"),
        pathlib.PureWindowsPath("c:/a"),
        re.compile("a+", re.IGNORECASE),
        ipaddress.ip_network("10.0.0.0/8"),
        collections.Counter("abca"),
        collections.OrderedDict(b=1, a=2),
        collections.defaultdict(list, a=[1]),
        collections.deque([1, 2], maxlen=3),
        collections.ChainMap({"a": 1}),
        array.array("d", [1.5]),
        types.SimpleNamespace(a=1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_value_types_come_back_equal(value: object) -> None:
    back = there_and_back(value)
    assert back == value
    assert type(back) is type(value)


def test_shared_and_cyclic_parts_stay_so() -> None:
    point = Point(1)
    point.y = [point, point]
    back = there_and_back(point)
    assert isinstance(back, Point)
    assert back.y == [back, back]  # type: ignore[comparison-overlap]


@pytest.mark.parametrize(
    "value",
    [
        np.arange(100_000.0),
        np.asfortranarray(np.ones((2, 3))),
        np.zeros((0, 3)),
        np.arange(3, dtype=">i4"),
        np.array(["2024", "NaT"], "M8[ns]"),
        np.array(["ab", "c"]),
        np.array([True, False]),
        np.zeros(2, [("a", "f4"), ("b", "M8[s]")]),
        np.zeros(2, np.dtype([("a", "u1"), ("b", "f8")], align=True)),
        np.zeros(2, [("a", "f4", (2, 2))]),
        np.zeros(1, [("a", [("b", "i4")])]),
        np.rec.array([(1, 2.0)]),
        np.array(["ab", "c"], dtype=np.dtypes.StringDType()),
        np.arange(3).view(Waves),
        np.float64(1.5),
        np.str_("aé"),
        np.datetime64("2024-01-02", "D"),
    ],
    ids=lambda value: str(value.dtype)[:20],
)
def test_arrays_and_scalars_come_back_equal(value: np.ndarray) -> None:
    back = there_and_back(value)
    assert isinstance(back, type(value))
    assert back.dtype == value.dtype
    np.testing.assert_array_equal(back, value)
    if isinstance(back, np.ndarray):
        assert back.flags.writeable
        assert back.flags.f_contiguous == value.flags.f_contiguous


def test_arrays_of_objects_come_back() -> None:
    back = there_and_back(np.array([1, "a", None, Point(2)], object))
    assert isinstance(back, np.ndarray)
    assert back.tolist() == [1, "a", None, Point(2)]


@given(st.lists(st.integers(0, 5), min_size=0, max_size=3), st.sampled_from("bhilfdFDSUV?Mm"))
def test_arrays_of_any_shape_and_kind_come_back(shape: list[int], kind: str) -> None:
    sized = {"S": "S3", "U": "U2", "V": "V5", "M": "M8[us]", "m": "m8[h]"}.get(kind, kind)
    value = np.zeros(shape, sized)
    back = there_and_back(value)
    assert isinstance(back, np.ndarray)
    assert (back.dtype, back.shape) == (value.dtype, value.shape)


@pytest.mark.parametrize("kind", ["PCG64", "MT19937", "Philox", "SFC64"])
def test_a_random_generator_goes_on_where_it_was(kind: str) -> None:
    generator = np.random.Generator(getattr(np.random, kind)(1))
    generator.random(3)
    back = there_and_back(generator)
    assert isinstance(back, np.random.Generator)
    assert back.random() == generator.random()


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "n": [1, 2, 3],
            "f": [0.1, 0.2, 0.3],
            "s": ["p", "q", None],
            "c": pd.Categorical(["x", "y", "x"]),
            "t": pd.date_range("2024", periods=3, tz="Europe/Berlin"),
            "p": pd.period_range("2024", periods=3, freq="M"),
            "d": pd.to_timedelta([1, 2, 3], unit="s"),
            "i": pd.array([1, None, 2], dtype="Int64"),
            "b": pd.array([True, None, False], dtype="boolean"),
            "v": pd.interval_range(0, 3),
        }
    )


def test_frames_come_back_equal() -> None:
    back = there_and_back(frame())
    assert isinstance(back, pd.DataFrame)
    pd.testing.assert_frame_equal(back, frame())
    back = there_and_back(frame().set_index(["n", "s"]))
    assert isinstance(back, pd.DataFrame)
    pd.testing.assert_frame_equal(back, frame().set_index(["n", "s"]))
    back = there_and_back(frame().groupby("c", observed=True).f.describe())
    assert isinstance(back, pd.DataFrame)


def test_series_indexes_and_scalars_of_pandas_come_back_equal() -> None:
    pd.testing.assert_series_equal(
        there_and_back(pd.Series([1, 2], name="q")), frame().n[:2].rename("q")
    )  # type: ignore[arg-type]
    indexes = [
        pd.RangeIndex(3),
        pd.date_range("2024", periods=2),
        pd.to_timedelta([1]),
        pd.interval_range(0, 2),
        pd.CategoricalIndex(["a"]),
        pd.MultiIndex.from_product([[1, 2], ["a"]]),
    ]
    for index in indexes:
        pd.testing.assert_index_equal(there_and_back(index), index)  # type: ignore[arg-type]
    scalars = [pd.Timestamp("2024", tz="UTC"), pd.Timedelta(1), pd.Period("2024"), pd.NaT, pd.NA]
    back = there_and_back([*scalars, pd.Interval(1, 2), pd.offsets.BusinessDay()])
    assert repr(back) == repr([*scalars, pd.Interval(1, 2), pd.offsets.BusinessDay()])


def test_a_package_that_is_trusted_by_name_may_be_in_a_result() -> None:
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0])
    with pytest.raises(UntrustedResult, match=r"sklearn.*trust=\['sklearn'\]"):
        there_and_back(model)
    back = there_and_back(model, trust=("sklearn",))
    assert back.predict([[2.0]])[0] == pytest.approx(4.0)  # type: ignore[attr-defined]
