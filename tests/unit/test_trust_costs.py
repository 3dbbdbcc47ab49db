"""What a hostile sandbox may try to make the host busy for ever, or die: it ends at once."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import attrs
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfaas.agent import codec, failure
from nbfaas.errors import InvocationError, ResultUnreadable
from nbfaas.packager.plain import load_plain
from nbfaas.packager.trust import load_result, rebuild_exception

ME = __name__
START = b"\x80\x05"


@dataclass(frozen=True)
class Pair:
    left: object
    right: object


@attrs.frozen
class Slotted:
    left: object
    right: object


@attrs.define(unsafe_hash=True, slots=False)
class Open:
    left: object
    right: object


class Model(pydantic.BaseModel, frozen=True):
    left: object
    right: object


class Two(NamedTuple):
    left: object
    right: object


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    """Each attack would take hours, if not years. Processor time: the machine may be busy."""
    started = time.process_time()
    yield
    assert time.process_time() - started < 30


def text(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


def named(module: str, name: str) -> bytes:
    return text(module) + text(name) + b"\x93"


def tower(level: bytes, bottom: bytes = b"K\x01", levels: int = 60) -> bytes:
    """A pickle's opcodes for what holds twice what holds twice ... the bottom. ``level`` makes
    something of the two things on the stack, the same one."""
    made = bottom + b"\x94"
    for index in range(levels):
        made += b"h" + bytes([index]) + level + b"\x94"
    return made


TUPLE = b"\x86"
TOWER = tower(TUPLE)
HASHED = {
    "a key": b"}" + TOWER + b"Ns.",
    "keys": b"}(K\x01K\x02" + TOWER + b"Nu.",
    "an element": b"\x8f(" + TOWER + b"\x90.",
    "an element of a frozenset": b"(" + TOWER + b"\x91.",
    "a key that was memoized": TOWER + b"0}h\x3cNs.",
    "a key inside a tuple": b"}" + TOWER + b"K\x01K\x02\x87Ns.",
}
WIDE = b"K\x01\x94" + b"".join(
    b"0(" + (b"h" + bytes([index])) * 200 + b"t\x94" for index in range(5)
)
HASHED["a key of wide tuples"] = b"}" + WIDE + b"Ns."
GLOBAL = named("builtins", "complex") + b"0"  # on the stack, and off it


@pytest.mark.parametrize("name", HASHED)
@pytest.mark.parametrize("path", [b"", GLOBAL], ids=["plain", "checked"])
def test_a_hash_that_would_never_end_is_refused(name: str, path: bytes) -> None:
    with pytest.raises(ResultUnreadable, match="so many times"):
        load_result([START + path + HASHED[name]], function="f")


@pytest.mark.parametrize("cls", [Pair, Two, Slotted, Open, Model])
def test_the_hash_of_a_class_of_the_notebooks_is_weighed_too(cls: type) -> None:
    made = b"K\x01\x94"
    for index in range(60):
        two = b"h" + bytes([index])
        if cls is Two:
            made += named(ME, "Two") + two + two + b"\x86\x81\x94"
        else:
            state = b"}(" + text("left") + two + text("right") + two + b"u"
            if cls is Model:
                state = b"}" + text("__dict__") + state + b"s"
            made += named(ME, cls.__name__) + b")\x81" + state + b"b\x94"
    with pytest.raises(ResultUnreadable, match="so many times"):
        load_result([START + b"}" + made + b"Ns."], function="f")


@pytest.mark.parametrize("cls", [Pair, Slotted, Open, Model])
def test_honest_values_of_such_classes_are_keys_as_ever(cls: type) -> None:
    inner = cls(left=(1, "a"), right=None)
    value = {cls(left=inner, right=inner): [inner], inner: 2}
    assert load_result([pickle.dumps(value, 5)], function="f") == value


@pytest.mark.parametrize("cls", [Slotted, Open, Model])
def test_an_exception_is_shown_without_such_arguments_either(cls: type) -> None:
    data, _ = failure.describe(KeyError("k"))
    made = b"K\x01\x94"
    for index in range(60):
        two = b"h" + bytes([index])
        state = b"}(" + text("left") + two + text("right") + two + b"u"
        if cls is Model:
            state = b"}" + text("__dict__") + state + b"s"
        made += b"0" + named(ME, cls.__name__) + b")\x81" + state + b"b\x94"
    back = rebuild_exception(data, [START + made + b"\x85}\x86."], function="f")
    assert type(back) is KeyError
    assert str(back) == "'k'"


def test_frozensets_that_are_equal_are_not_compared_for_ever() -> None:
    def sets(first: int) -> bytes:
        made = b"(K\x01\x91\x94"
        for index in range(0, 120, 2):
            inner = b"h" + bytes([first + index])
            made += b"(" + inner + b"\x91\x94" + b"0(" + inner + b"h" + bytes([first + index + 1])
            made += b"\x91\x94"
        return made

    with pytest.raises(ResultUnreadable):
        load_result([START + b"\x8f(" + sets(0) + sets(121) + b"\x90."], function="f")


@pytest.mark.parametrize("size", [0, 40_000])
def test_opcodes_behind_a_frame_that_ends_within_one_are_not_found(size: int) -> None:
    """The C unpickler forgets the rest of such a frame: of the string's length here, so that what
    looks like the string would be opcodes."""
    hidden = b"\0\0})" + 60 * b"2\x86" + b"Ns." + text("c") + b"." * size
    shown = b"B" + len(hidden).to_bytes(4, "little") + hidden
    frame = b"\x95" + (3).to_bytes(8, "little")
    with pytest.raises(ResultUnreadable, match="a frame that ends within an opcode"):
        load_result([START + frame + shown + b"."], function="f")


def test_tuples_nested_deeper_than_the_stack_do_not_end_the_process() -> None:
    code = """
        from nbfaas.errors import ResultUnreadable
        from nbfaas.packager.trust import load_result
        complex_ = b"\\x8c\\x08builtins\\x8c\\x07complex\\x930"
        for start in (b"\\x80\\x05", b"\\x80\\x05" + complex_):
            for nested in (b")" + b"\\x85" * 1000_000, b"(" * 10**6 + b"K\\x01t" * 10**6):
                try:
                    load_result([start + b"}" + nested + b"Ns."], function="f")
                except ResultUnreadable:
                    continue
                raise AssertionError
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, timeout=120)


def colliding(before: bytes, after: bytes, value: bytes) -> bytes:
    """A dict or set of integers with the hash 0, in batches and frames as pickle makes them."""
    raw = before
    numbers = iter(range(1, 150_001))
    for _ in range(150):
        batch = b"("
        for _ in range(1000):
            number = (next(numbers) * (2**61 - 1)).to_bytes(11, "little", signed=True)
            batch += b"\x8a\x0b" + number + value
        raw += b"\x95" + (len(batch) + 1).to_bytes(8, "little") + batch + after
    return START + raw + b"."


@pytest.mark.parametrize("path", [b"", GLOBAL], ids=["plain", "checked"])
@pytest.mark.parametrize(
    "opcodes", [(b"}", b"u", b"N"), (b"\x8f", b"\x90", b"")], ids=["dict", "set"]
)
def test_keys_that_were_chosen_to_collide_are_given_up(
    path: bytes, opcodes: tuple[bytes, bytes, bytes]
) -> None:
    before, after, value = opcodes
    with pytest.raises(ResultUnreadable, match="collide"):
        load_result([colliding(path + before, after, value)], function="f")


def call(module: str, name: str, args: bytes) -> bytes:
    return named(module, name) + args + b"\x85R."


LISTS = tower(b"\x86", b"]")  # shown, but not hashed
CALLS = {
    "an integer of a billion digits": call("fractions", "Fraction", text("1e999999999")),
    "a set of all numbers": call(
        "builtins", "set", named("builtins", "range") + b"\x8a\x06" + b"\xff" * 5 + b"\0\x85R"
    ),
    "text of an address": call("ipaddress", "IPv4Address", LISTS),
    "data of an event": call(
        "nbfaas.agent.event",
        "restore",
        b"}("
        + b"".join(text(each) for each in ("specversion", "1.0", "id", "1", "source", "s"))
        + b"".join(text(each) for each in ("type", "t", "data"))
        + b"K\x01\x94"
        + b"".join(b"](h" + bytes([n]) + b"h" + bytes([n]) + b"e\x94" for n in range(60))
        + b"u",
    ),
    "a member of an enum": call("http", "HTTPStatus", TOWER),
    "a number of a UUID": named("uuid", "UUID") + b")\x81}" + text("int") + TOWER + b"sb.",
    "an empty memo": b"r\xff\xff\xff\x7f.",
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_would_never_end_is_refused(name: str) -> None:
    import http  # noqa: F401 - only classes of loaded modules are found

    with pytest.raises(ResultUnreadable):
        load_result([START + CALLS[name]], function="f")


def test_a_dtype_whose_fields_hold_one_another_is_refused() -> None:
    def dtype(fields: bytes) -> bytes:
        made = named("numpy", "dtype") + text("V0") + b"\x89\x88\x87R"
        names = text("a") + text("b") + b"\x86"
        return made + b"(K\x03" + text("|") + b"N" + names + fields + b"K\0K\x01K\0tb"

    def two(inner: bytes) -> bytes:
        return b"}(" + text("a") + inner + b"K\0\x86" + text("b") + inner + b"K\0\x86u"

    raw = named("numpy", "dtype") + text("V0") + b"\x89\x88\x87R\x94"
    for index in range(60):
        raw += b"0" + dtype(two(b"h" + bytes([index]))) + b"\x94"
    with pytest.raises(ResultUnreadable):
        load_result([START + raw + b"."], function="f")


def test_an_exception_is_shown_without_arguments_whose_text_would_never_end() -> None:
    data, _ = failure.describe(KeyError("k"))
    nested = b"]\x94" + b"".join(b"0](h%ch%ce\x94" % (n, n) for n in range(60))
    for contents in (nested + b"\x85}\x86.", text("k") + b"\x85}" + text("a") + nested + b"s\x86."):
        back = rebuild_exception(json.loads(json.dumps(data)), [START + contents], function="f")
        assert type(back) is KeyError
        assert str(back) == "'k'"


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=300)
    | st.binary(max_size=300)
)
hashable = st.recursive(
    scalars, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=8
)
plain_data = st.recursive(
    hashable,
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(hashable, inner)
        | st.sets(hashable)
    ),
    max_leaves=30,
)


@given(plain_data, st.sampled_from([4, 5]))
def test_all_plain_data_comes_back_as_it_was(value: object, protocol: int) -> None:
    for each in (value, [value, value], [complex(1, 2), value]):
        back = load_result([pickle.dumps(each, protocol)], function="f")
        assert back == each
        assert repr(type(back)) == repr(type(each))


LARGE: dict[str, object] = {
    "floats": [index / 7 for index in range(50_000)],
    "numbers by number": {index: index / 7 for index in range(50_000)},
    "numbers by name": {f"name {index}": index for index in range(50_000)},
    "keys that are tuples": {(index, str(index)): index for index in range(50_000)},
    "points": {"points": [(index, index / 7, "x") for index in range(50_000)]},
    "a few points": {"points": [(index, index / 7, "x") for index in range(50)]},
    "long texts": ["x" * 1000 for _ in range(300)] + [b"y" * 100_000],
    "records": [{"name": f"n{index}", "at": (index, 1.5)} for index in range(10_000)],
    "nested tuples": [((index, 1), (2, (3, str(index)))) for index in range(10_000)],
    "many large ones": {"a": "x" * 70_000, "b": [b"y" * 70_000] * 3, "c": bytearray(10)},
    "an integer": 3**100_000,
    "a set of tuples": {(index, index) for index in range(20_000)},
    "shared tuples as keys": [{("a", ("b", 1)): index} for index in range(20_000)],
}


@pytest.mark.parametrize("name", LARGE)
def test_large_results_come_back_as_they_were(name: str) -> None:
    value = LARGE[name]
    assert load_result(codec.dump(value), function="f") == value  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    [
        *("floats", "numbers by number", "numbers by name", "keys that are tuples", "a few points"),
        *("long texts", "records", "a set of tuples"),
    ],
)
def test_what_results_mostly_are_is_read_by_the_c_unpickler(name: str) -> None:
    value = LARGE[name]
    assert load_plain(pickle.dumps(value, 5), ()) == value


def test_results_are_read_at_hardly_any_cost() -> None:
    small = pickle.dumps({"loss": 0.5, "step": 3, "name": "run", "best": None}, 5)

    def spent(read: Callable[[bytes], object]) -> float:
        best = 1.0
        for _ in range(5):
            started = time.perf_counter()
            for _ in range(2000):
                read(small)
            best = min(best, (time.perf_counter() - started) / 2000)
        return best

    assert spent(lambda raw: load_result([raw], function="f")) < spent(pickle.loads) + 20e-6


@given(st.binary(max_size=60))
def test_any_opcodes_give_a_value_or_a_typed_error(raw: bytes) -> None:
    for data in (START + TOWER + raw + b".", START + b"}" + TOWER + b"\x85" + raw):
        try:
            load_result([data], function="f")
        except InvocationError:
            continue
