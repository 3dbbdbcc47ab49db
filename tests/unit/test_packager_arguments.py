"""Arguments of calls."""

from __future__ import annotations

import pickle
import threading

import numpy as np
import pytest
from hypothesis import given
from strategies import plain

from nbfaas.agent import codec
from nbfaas.errors import NotPicklable, PayloadTooLarge
from nbfaas.packager.arguments import dump_arguments


class Holder:
    def __init__(self, lock: object) -> None:
        self.lock = lock


@given(plain, plain)
def test_arguments_arrive_as_they_were(first: object, second: object) -> None:
    parts = dump_arguments((first,), {"k": second}, "the arguments")
    assert codec.load(parts) == ((first,), {"k": second})


def test_a_scalar_is_one_plain_pickle() -> None:
    assert dump_arguments((5,), {}, "the arguments") == [pickle.dumps(((5,), {}), 5)]


def test_large_arrays_go_out_of_band_without_a_copy() -> None:
    array = np.zeros(100_000)
    _, buffer = dump_arguments((array,), {}, "the arguments")
    array[0] = 7
    assert np.frombuffer(buffer)[0] == 7  # type: ignore[call-overload]


def test_a_lambda_can_be_an_argument() -> None:
    (function,), _ = codec.load(dump_arguments((lambda x: x + 1,), {}, "the arguments"))
    assert function(1) == 2


@pytest.mark.parametrize(
    ("args", "kwargs", "path"),
    [
        (({"db": threading.Lock()},), {}, "argument 0['db']"),
        ((1, [Holder(threading.Lock())]), {}, "argument 1[0].lock"),
        ((), {"x": Holder(threading.Lock())}, "keyword argument 'x'.lock"),
    ],
)
def test_the_error_leads_to_the_culprit(
    args: tuple[object, ...], kwargs: dict[str, object], path: str
) -> None:
    with pytest.raises(NotPicklable) as caught:
        dump_arguments(args, kwargs, "the arguments of function 'f'")
    assert caught.value.path == path
    assert str(caught.value).startswith("the arguments of function 'f' can't be pickled")


@pytest.mark.parametrize("value", ["x" * 1000, np.zeros(1000)])
def test_more_than_the_limit_is_refused(value: object) -> None:
    with pytest.raises(PayloadTooLarge):
        dump_arguments((value,), {}, "the arguments", 500)
    dump_arguments((value,), {}, "the arguments", 50_000)
