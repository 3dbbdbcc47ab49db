"""What the sandbox makes of results and arguments."""

from __future__ import annotations

import functools
import pickle
import threading
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from strategies import plain

from nbfaas.agent import codec
from nbfaas.agent.culprit import find_culprit


@dataclass
class Model:
    lock: object
    size: int = 1


@given(plain)
def test_plain_data_comes_back_equal(value: object) -> None:
    assert codec.load(codec.dump(value)) == value


def test_a_scalar_is_one_part() -> None:
    assert codec.dump(5) == [pickle.dumps(5, 5)]


def test_large_buffers_travel_out_of_band_and_small_ones_in_band() -> None:
    large, small = np.arange(100_000), np.arange(10)
    parts = codec.dump({"large": large, "small": small})
    assert len(parts) == 2
    assert len(parts[0]) < 2000
    assert memoryview(parts[1]).nbytes == large.nbytes
    loaded = codec.load(parts)
    assert (loaded["large"] == large).all()


def test_more_arrays_than_a_frame_has_parts_are_still_dumped() -> None:
    arrays = [np.full(10_000, n) for n in range(300)]
    parts = codec.dump(arrays)
    assert len(parts) <= 255
    assert [int(a[0]) for a in codec.load(parts)] == list(range(300))


def test_a_received_array_can_be_written_to() -> None:
    parts = [bytes(part) for part in codec.dump(np.zeros(100_000))]
    array = codec.load(parts)
    array[0] = 1
    assert array[0] == 1


def test_the_error_leads_to_the_culprit() -> None:
    with pytest.raises(codec.Unpicklable) as caught:
        codec.dump({"n": 1, "model": [Model(threading.Lock())]})
    assert caught.value.path == "result['model'][0].lock"
    assert "cannot pickle '_thread.lock' object" in caught.value.reason


def test_a_value_nested_too_deeply_is_named() -> None:
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(codec.Unpicklable, match="nested too deeply"):
        codec.dump([Model(value)])
    while value:  # freed step by step; the interpreter's own way is recursive
        value = value[0]  # type: ignore[assignment]


def test_an_object_whose_reduce_raises_is_named() -> None:
    with pytest.raises(codec.Unpicklable) as caught:
        codec.dump((1, Stubborn()))
    assert caught.value.path == "result[1]"
    assert caught.value.reason == "OSError: never"


class Stubborn:
    def __reduce__(self) -> str:
        raise OSError("never")


def test_the_path_goes_through_functions() -> None:
    lock = threading.Lock()

    def outer(x: int, key: object = None) -> object:
        return lock

    def attempt(value: object) -> None:
        import cloudpickle

        cloudpickle.dumps(value)

    assert find_culprit(outer, "outer", attempt)[0] == "outer → closure variable 'lock'"
    outer.__defaults__ = (lock,)
    wrapped = functools.partial(outer, key={"a": 1})
    path, _ = find_culprit({"f": wrapped}, "x", attempt)
    assert path.startswith("x['f'].func → ")
