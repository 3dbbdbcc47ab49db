"""What a hostile sandbox may try: nothing of it runs, or changes anything, on the host."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfaas.errors import InvocationError, ResultUnreadable, UntrustedResult
from nbfaas.packager.trust import load_result

RAN: list[object] = []


class Account:
    """A class of the notebook's; the sandbox may send instances, and do nothing else with it."""

    limit = 10

    def __init__(self, *args: object) -> None:
        RAN.append(args)


class Trigger(ValueError):
    def __init__(self, *args: object) -> None:
        RAN.append(args)


class Maker(type):
    pass


def helper() -> None:
    RAN.append("helper")


@pytest.fixture(autouse=True)
def canary(tmp_path: Path) -> Iterator[Path]:
    """A file that every attack tries to create."""
    file = tmp_path / "canary"
    RAN.clear()
    yield file
    assert not file.exists()
    assert RAN == []
    assert Account.limit == 10
    assert "run" not in vars(Account)


class Evil:
    def __init__(self, function: object, *args: object, state: object = None) -> None:
        self.made = (function, args, state) if state is not None else (function, args)

    def __reduce__(self) -> tuple[object, ...]:
        return self.made


def refuse(value: object, *, raw: bytes | None = None, trust: tuple[str, ...] = ()) -> None:
    data = pickle.dumps(value, 5) if raw is None else raw
    with pytest.raises((UntrustedResult, ResultUnreadable)):
        load_result([data], function="f", trust=trust)


def text(value: str) -> bytes:
    raw = value.encode()
    return b"\x8c" + struct.pack("<B", len(raw)) + raw


def named(module: str, name: str) -> bytes:
    return text(module) + text(name) + b"\x93"


ME = __name__


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "wrap", [lambda e: e, lambda e: [1, {"a": e}], lambda e: (np.arange(3), e)]
)
def test_a_command_in_reduce_is_not_run(protocol: int, wrap: object, canary: Path) -> None:
    evil = Evil(os.system, f"touch {canary}")
    refuse(None, raw=pickle.dumps(wrap(evil), protocol))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("builtins", "eval"),
        ("builtins", "exec"),
        ("builtins", "compile"),
        ("builtins", "__import__"),
        ("builtins", "open"),
        ("builtins", "input"),
        ("builtins", "globals"),
        ("builtins", "setattr"),
        ("builtins", "print"),
        ("builtins", "map"),
        ("os", "system"),
        ("posix", "system"),
        ("subprocess", "Popen"),
        ("functools", "partial"),
        ("operator", "attrgetter"),
        ("importlib", "import_module"),
        ("pickle", "loads"),
        ("types", "FunctionType"),
        ("types", "CodeType"),
        ("copyreg", "add_extension"),
        ("shutil", "rmtree"),
        ("pandas", "read_pickle"),
        ("pandas", "eval"),
        ("pandas", "read_csv"),
        ("pandas.io.pickle", "read_pickle"),
        ("pandas.core.frame", "DataFrame.to_pickle"),
        ("pandas.core.series", "SeriesApply"),
        ("pandas.core.computation.eval", "eval"),
        ("numpy", "load"),
        ("numpy", "memmap"),
        ("numpy", "fromfile"),
        ("numpy.core.multiarray", "fromfile"),
        ("numpy.f2py", "compile"),
        ("nbfaas.agent.codec", "load_function"),
        ("nbfaas.errors", "NbfaasError"),
        ("cloudpickle.cloudpickle", "_make_function"),
        ("cloudpickle.cloudpickle", "subimport"),
        (ME, "os.system"),
        (ME, "helper"),
        (ME, "sys"),
        (ME, "io.BytesIO"),
        (ME, "Account.__init__"),
        (ME, "Account.__class__"),
        (ME, "Maker"),
        ("__main__", "os.system"),
        ("no.such.module", "x"),
    ],
)
def test_nothing_but_values_can_be_found(module: str, name: str, canary: Path) -> None:
    assert all(module.__name__ in sys.modules for module in (os, io))
    refuse(None, raw=b"\x80\x05" + named(module, name) + b".")
    refuse(None, raw=b"\x80\x05" + named(module, name) + text(str(canary)) + b"\x85R.")
    refuse(None, raw=b"\x80\x05" + f"c{module}\n{name}\n.".encode())
    by_name = named("nbfaas.agent.codec", "class_by_name") + text(module) + text(name) + b"\x86R"
    refuse(None, raw=b"\x80\x05" + by_name + b".")


def test_a_module_is_not_imported_because_a_result_names_it(
    tmp_path: Path, canary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fresh_module.py").write_text(f"open({str(canary)!r}, 'w')\nclass A: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    refuse(None, raw=b"\x80\x05" + named("fresh_module", "A") + b")\x81.")
    assert "fresh_module" not in sys.modules


@pytest.mark.parametrize(
    "state",
    [
        b"}" + text("limit") + b"K\x01s",
        b"N}" + text("limit") + b"K\x01s\x86",
        b"N}" + text("__init__") + named("builtins", "int") + b"s\x86",
    ],
)
@pytest.mark.parametrize(
    "target",
    [
        named(ME, "Account"),
        named("nbfaas.agent.codec", "class_by_name") + text(ME) + text("Account") + b"\x86R",
        named("fractions", "Fraction"),
        named("collections", "Counter"),
        named("uuid", "UUID"),
        named("pandas", "DataFrame"),
        named("numpy", "ndarray"),
        named("numpy._core.numeric", "_frombuffer"),
        named("pandas.core.indexes.base", "_new_Index"),
        named("nbfaas.agent.codec", "class_by_name"),
        named("builtins", "ValueError"),
    ],
)
def test_a_state_changes_no_class_and_no_function(target: bytes, state: bytes) -> None:
    refuse(None, raw=b"\x80\x05" + target + state + b"b.")


def test_a_state_sets_no_undeclared_slot_nor_the_class() -> None:
    instance = named(ME, "Account") + b")\x81"
    changed = b"N}" + text("__class__") + named("builtins", "int") + b"s\x86b"
    refuse(None, raw=b"\x80\x05" + instance + changed + b".")


def test_the_init_of_a_class_is_not_run() -> None:
    refuse(Evil(Account, "rm -rf"))
    # Appending calls a method of the class, never an attribute the pickle has set.
    instance = named(ME, "Account") + b"\x94)\x81" + b"}" + text("append") + b"h\x00sb"
    refuse(None, raw=b"\x80\x05" + instance + b"K\x01a.")


def test_the_init_of_an_exception_is_not_run() -> None:
    back = load_result([pickle.dumps([Evil(Trigger, "x")], 5)], function="f")
    assert repr(back) == "[Trigger('x')]"


def test_getattr_reaches_members_of_enums_only() -> None:
    for target in (Account, Evil(Account, 1), int, "text"):
        refuse(Evil(getattr, target, "__init__"))


def test_type_makes_no_classes() -> None:
    refuse(Evil(type, "A", (), {}))
    refuse(Evil(type, 5))


def test_a_factory_of_a_default_dict_is_a_plain_type() -> None:
    import collections

    refuse(Evil(collections.defaultdict, Account))


def test_registered_extensions_are_not_used() -> None:
    import copyreg

    copyreg.add_extension(os.system.__module__, "system", 240)
    try:
        raw = pickle.dumps(Evil(os.system, "true"), 5)
        assert b"\x82\xf0" in raw
        refuse(None, raw=raw)
    finally:
        copyreg.remove_extension(os.system.__module__, "system", 240)


def test_an_array_of_objects_holds_no_more_than_a_list_may(canary: Path) -> None:
    refuse(np.array([1, Evil(os.system, f"touch {canary}")], object))


def forged_array(dtype: bytes, shape: bytes, data: bytes) -> bytes:
    made = named("numpy._core.multiarray", "_reconstruct") + named("numpy", "ndarray")
    made += b"K\x00\x85C\x01b\x87R"
    return b"\x80\x05" + made + b"(K\x01" + shape + dtype + b"\x89" + data + b"tb."


def dtype_of(spec: str) -> bytes:
    return named("numpy", "dtype") + text(spec) + b"\x89\x88\x87R"


POINTERS = b"C\x10" + b"\x41" * 16


def test_an_array_made_by_hand_is_read_if_its_data_fit() -> None:
    raw = forged_array(dtype_of("u8"), b"K\x02\x85", POINTERS)
    assert load_result([raw], function="f").tolist() == [0x4141414141414141] * 2


def test_bytes_do_not_become_pointers() -> None:
    refuse(None, raw=forged_array(dtype_of("O8"), b"K\x02\x85", POINTERS))
    # A dtype whose state says it holds objects, and whose flags say it does not.
    fields = b"}" + text("a") + dtype_of("O8") + b"K\x00\x86s"
    state = b"(K\x03" + text("|") + b"N" + text("a") + b"\x85" + fields + b"K\x08K\x01K\x00tb"
    refuse(None, raw=forged_array(dtype_of("V8") + state, b"K\x02\x85", POINTERS))
    buffer = named("numpy._core.numeric", "_frombuffer") + b"(" + POINTERS + dtype_of("V8") + state
    refuse(None, raw=b"\x80\x05" + buffer + b"K\x02\x85" + text("C") + b"tR.")


def test_arrays_do_not_reach_past_their_data() -> None:
    refuse(None, raw=forged_array(dtype_of("f8"), b"K\xff\x85", POINTERS))
    outside = b"}" + text("a") + dtype_of("f8") + b"J\x00\x01\x00\x00\x86s"
    state = b"(K\x03" + text("|") + b"N" + text("a") + b"\x85" + outside + b"K\x08K\x01K\x00tb"
    refuse(None, raw=forged_array(dtype_of("V8") + state, b"K\x02\x85", POINTERS))
    wide = b"(K\x03" + text("<") + b"NNNJ\x00\x01\x00\x00K\x08K\x00tb"
    refuse(None, raw=forged_array(dtype_of("f8") + wide, b"K\x02\x85", POINTERS))


def test_numpys_own_dtypes_are_not_changed() -> None:
    state = b"(K\x03" + text(">") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    raw = b"\x80\x05" + named("numpy", "dtype") + text("f8") + b"\x89\x89\x87R" + state + b"."
    assert load_result([raw], function="f") == np.dtype(">f8")
    assert np.dtype("f8").byteorder == "="


def test_the_position_of_a_generator_is_within_its_state() -> None:
    generator = np.random.MT19937(1)
    state = generator.state
    state["state"]["pos"] = 100_000
    cls = (np.random._pickle.__bit_generator_ctor, (np.random.MT19937,))  # type: ignore[attr-defined]
    refuse(Evil(*cls[:1], *cls[1], state=(state, None)))


def test_a_trusted_module_gives_nothing_that_it_imported(canary: Path) -> None:
    raw = b"\x80\x05" + named("sklearn.base", "os.system") + text(f"touch {canary}") + b"\x85R."
    refuse(None, raw=raw, trust=("sklearn",))
    raw = b"\x80\x05" + named("sklearnx", "A") + b"."
    refuse(None, raw=raw, trust=("sklearn",))


def test_the_error_names_the_type_and_the_fix() -> None:
    with pytest.raises(UntrustedResult) as caught:
        load_result([pickle.dumps(Evil(os.system, "true"), 5)], function="score")
    assert "function 'score' returned a posix.system" in str(caught.value)
    assert "@remote(trust=['posix'])" in str(caught.value)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b".",
        b"\x80\x05",
        b"\x80\x05]",
        b"hello",
        b"\x80\x05h\x07.",
        b"\x80\x05\x97.",
        b"Pid\n.",
    ],
)
def test_garbage_is_a_typed_error(raw: bytes) -> None:
    with pytest.raises(ResultUnreadable):
        load_result([raw], function="f")
    with pytest.raises(ResultUnreadable):
        load_result([], function="f")


def without_puts(raw: bytes) -> bytes:
    """Without PUT and LONG_BINPUT, by which a few bytes can ask for gigabytes of memo."""
    return raw.replace(b"p", b"q").replace(b"r", b"q")


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_a_typed_error(raw: bytes) -> None:
    raw = without_puts(raw)
    for data in (raw, b"\x80\x05" + named("builtins", "int") + raw):
        with contextlib.suppress(InvocationError):
            load_result([data], function="f")


@given(st.data())
def test_any_change_of_a_result_gives_a_value_or_a_typed_error(data: st.DataObject) -> None:
    raw = bytearray(HONEST)
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InvocationError):
        load_result([without_puts(bytes(raw))], function="f")


HONEST = pickle.dumps([Evil(complex, 1, 2), np.float64(1), np.arange(3), {"a": (1, "b")}], 5)
