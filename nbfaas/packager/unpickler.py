"""An unpickler in which every call that a pickle can cause is checked.

The standard one checks names only (``find_class``): what was found can then be called with any
arguments, and be written to, classes and functions of this process included. Here each global is
found as a ``Grant``, which says what may be done with it, and all else is refused.

It understands what pickle's protocols 4 and 5 write, and nothing older. It protects against code,
and against what costs more than its size says: keys that take for ever to hash or that collide.
"""

from __future__ import annotations

import struct
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from nbfaas.agent.wire import Bytes
from nbfaas.packager.weight import LEAVES, TooHeavy, allowance, weigh


class Refused(Exception):
    """The pickle wants something that is not allowed; ``name`` is its full name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Damaged(Exception):
    """The bytes are not a pickle that the sandbox's codec can have written."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a pickle may do with a global.

    ``value`` is what it gets, ``call`` what happens when it calls that, ``new`` whether it may
    create instances without a call, and ``build`` what gives an instance its state: called with the
    instance and the state, it returns the instance, or what takes its place. ``family``: ``build``
    is for instances of subclasses, too. A ``call`` may return a further ``Grant``.
    """

    value: object
    call: Callable[..., object] | None = None
    new: bool = False
    build: Callable[[Any, Any], object] | None = None
    family: bool = False


class Maker:
    """Stands for a function: a pickle can call it, but neither see nor change the function."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<Maker {self.name}>"


def set_state(instance: Any, state: Any) -> object:
    """What pickle does with a state, for instances only and declared slots only."""
    if isinstance(instance, type):
        raise Damaged("a class is given a state")
    # Looked up on the class, as instance attributes are the pickle's to choose.
    setter = getattr(type(instance), "__setstate__", None)
    if setter is not None:
        setter(instance, state)
        return instance
    slots = None
    if type(state) is tuple and len(state) == 2:
        state, slots = state
    if state:
        attributes = instance.__dict__
        for name, value in _items(state):
            attributes[sys.intern(name)] = value
    if slots:
        declared = set(_slots(type(instance)))
        for name, value in _items(slots):
            if name not in declared:
                raise Damaged(f"a state has the slot {name!r}, which the class does not declare")
            setattr(instance, name, value)
    return instance


def _items(state: object) -> Iterator[tuple[str, object]]:
    if type(state) is not dict or not all(type(name) is str for name in state):
        raise Damaged("a state is not a dict of names")
    yield from state.items()


def _slots(cls: type) -> Iterator[str]:
    for base in cls.__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            private = name.startswith("__") and not name.endswith("__")
            yield f"_{base.__name__.lstrip('_')}{name}" if private else name


_BATCH = 1000
_GRACE = 1.0  # seconds of processor time
_PER_KEY = 50e-6  # much more than a __hash__ and an __eq__ in Python take

_UINT16, _INT32 = struct.Struct("<H"), struct.Struct("<i")
_UINT32, _UINT64 = struct.Struct("<I"), struct.Struct("<Q")
_FLOAT64 = struct.Struct(">d")


class CheckedUnpickler:
    """Loads one pickle. ``find(module, name)`` returns the ``Grant``, or raises ``Refused``;
    ``trusted(cls)`` says whether instances of a class that was not named may be given a state."""

    def __init__(
        self,
        find: Callable[[str, str], Grant],
        trusted: Callable[[type], bool] = lambda cls: False,
    ) -> None:
        self._find = find
        self._trusted = trusted
        self._grants: dict[int, Grant] = {}
        self._allowance = 0
        self._colliding = 0.0

    def load(self, data: bytes, buffers: Sequence[Bytes] = ()) -> Any:
        """Raises ``Refused`` or ``Damaged``, or what an allowed class raises of itself."""
        self._allowance = allowance(len(data))
        try:
            return self._load(data, iter(buffers))
        except TooHeavy:
            reason = "it has parts that hold one another so many times that reading them never ends"
            raise Damaged(reason) from None
        except (IndexError, struct.error, UnicodeDecodeError, StopIteration) as error:
            raise Damaged(f"{type(error).__name__}: {error}") from None

    def _load(self, data: bytes, buffers: Iterator[Bytes]) -> Any:
        stack: list[Any] = []
        marks: list[list[Any]] = []
        memo: list[Any] = []
        position, size = 0, len(data)
        while True:
            opcode = data[position]
            position += 1
            if opcode == 0x94:  # MEMOIZE
                memo.append(stack[-1])
            elif opcode == 0x8C:  # SHORT_BINUNICODE
                start = position + 1
                position = start + data[position]
                stack.append(str(data[start:position], "utf-8", "surrogatepass"))
            elif opcode == 0x4B:  # BININT1
                stack.append(data[position])
                position += 1
            elif opcode == 0x68:  # BINGET
                stack.append(memo[data[position]])
                position += 1
            elif opcode == 0x6A:  # LONG_BINGET
                stack.append(memo[_UINT32.unpack_from(data, position)[0]])
                position += 4
            elif opcode == 0x4D:  # BININT2
                stack.append(_UINT16.unpack_from(data, position)[0])
                position += 2
            elif opcode == 0x4A:  # BININT
                stack.append(_INT32.unpack_from(data, position)[0])
                position += 4
            elif opcode == 0x47:  # BINFLOAT
                stack.append(_FLOAT64.unpack_from(data, position)[0])
                position += 8
            elif opcode == 0x28:  # MARK
                marks.append(stack)
                stack = []
            elif opcode == 0x85:  # TUPLE1
                stack[-1] = (stack[-1],)
            elif opcode == 0x86:  # TUPLE2
                stack[-2:] = [(stack[-2], stack[-1])]
            elif opcode == 0x87:  # TUPLE3
                stack[-3:] = [(stack[-3], stack[-2], stack[-1])]
            elif opcode == 0x52:  # REDUCE
                args = stack.pop()
                stack[-1] = self._call(stack[-1], args)
            elif opcode == 0x81:  # NEWOBJ
                args = stack.pop()
                stack[-1] = self._new(stack[-1], args, {})
            elif opcode == 0x62:  # BUILD
                state = stack.pop()
                instance = stack[-1]
                stack[-1] = built = self._build(instance, state)
                if built is not instance:
                    _replace(memo, instance, built)
            elif opcode == 0x4E:  # NONE
                stack.append(None)
            elif opcode == 0x88:  # NEWTRUE
                stack.append(True)
            elif opcode == 0x89:  # NEWFALSE
                stack.append(False)
            elif opcode == 0x7D:  # EMPTY_DICT
                stack.append({})
            elif opcode == 0x5D:  # EMPTY_LIST
                stack.append([])
            elif opcode == 0x29:  # EMPTY_TUPLE
                stack.append(())
            elif opcode == 0x8F:  # EMPTY_SET
                stack.append(set())
            elif opcode == 0x61:  # APPEND
                item = stack.pop()
                _extend(stack[-1], [item])
            elif opcode == 0x73:  # SETITEM
                value = stack.pop()
                key = stack.pop()
                self._set_items(stack[-1], [key, value])
            elif opcode in (0x65, 0x75, 0x90, 0x91, 0x74, 0x31):
                items, stack = stack, marks.pop()
                if opcode == 0x65:  # APPENDS
                    _extend(stack[-1], items)
                elif opcode == 0x75:  # SETITEMS
                    self._set_items(stack[-1], items)
                elif opcode == 0x90:  # ADDITEMS
                    self._add_items(stack[-1], items)
                elif opcode == 0x91:  # FROZENSET
                    elements: set[Any] = set()
                    self._add_items(elements, items)
                    stack.append(frozenset(elements))
                elif opcode == 0x74:  # TUPLE
                    stack.append(tuple(items))  # else POP_MARK
            elif opcode == 0x93:  # STACK_GLOBAL
                name, module = stack.pop(), stack.pop()
                stack.append(self._global(module, name))
            elif opcode in _SIZED:
                unpack, width, convert = _SIZED[opcode]
                start = position + width
                position = start + unpack(data, position)[0]
                if position > size:
                    raise Damaged("it ends early")
                stack.append(convert(data[start:position]))
            elif opcode == 0x97:  # NEXT_BUFFER
                stack.append(next(buffers))
            elif opcode == 0x98:  # READONLY_BUFFER
                if not isinstance(stack[-1], bytes | bytearray | memoryview):
                    raise Damaged("what is to be read-only is no buffer")
                stack[-1] = memoryview(stack[-1]).toreadonly()
            elif opcode == 0x92:  # NEWOBJ_EX
                kwargs, args = stack.pop(), stack.pop()
                stack[-1] = self._new(stack[-1], args, kwargs)
            elif opcode == 0x30:  # POP
                stack.pop()
            elif opcode == 0x95:  # FRAME
                position += 8
            elif opcode == 0x80:  # PROTO
                position += 1
            elif opcode == 0x2E:  # STOP
                return stack.pop()
            else:
                raise Damaged(f"unknown opcode {opcode:#04x} at byte {position - 1}")

    def _global(self, module: object, name: object) -> object:
        if type(module) is not str or type(name) is not str:
            raise Damaged("a global has no name")
        return self._keep(self._find(module, name))

    def _call(self, function: Any, args: Any) -> object:
        grant = self._grants.get(id(function))
        if grant is None or grant.call is None or type(args) is not tuple:
            raise Refused(f"{full_name(function)}(...)")
        self._weigh(args)
        made = grant.call(*args)
        return self._keep(made) if isinstance(made, Grant) else made

    def _keep(self, grant: Grant) -> object:
        self._grants[id(grant.value)] = grant
        return grant.value

    def _new(self, cls: Any, args: Any, kwargs: Any) -> object:
        grant = self._grants.get(id(cls))
        if grant is None or not grant.new or type(args) is not tuple or type(kwargs) is not dict:
            raise Refused(full_name(cls))
        if not issubclass(cls, tuple):  # it would be weighed with each tuple around it
            self._weigh(args)
        return cls.__new__(cls, *args, **kwargs)

    def _build(self, instance: Any, state: Any) -> object:
        cls = type(instance)
        grant = self._grants.get(id(cls))
        if grant is not None and grant.build is not None:
            return grant.build(instance, state)
        for base in cls.__mro__:
            inherited = self._grants.get(id(base))
            if inherited is not None and inherited.family and inherited.build is not None:
                return inherited.build(instance, state)
        if self._trusted(cls):
            return set_state(instance, state)
        raise Refused(f"{full_name(cls)} with a state")

    def _set_items(self, target: Any, items: list[Any]) -> None:
        if isinstance(target, type | Maker) or len(items) % 2:
            raise Damaged("items are set on what is no dict")
        self._weigh(items[::2])
        for start in range(0, len(items), 2 * _BATCH):
            started = self._watch(target)
            end = min(start + 2 * _BATCH, len(items))
            for index in range(start, end, 2):
                target[items[index]] = items[index + 1]
            self._watched(started, (end - start) // 2)

    def _add_items(self, target: Any, items: list[Any]) -> None:
        if not isinstance(target, set):
            raise Damaged("elements are added to what is no set")
        self._weigh(items)
        for start in range(0, len(items), _BATCH):
            started = self._watch(target)
            part = items[start : start + _BATCH]
            set.update(target, part)
            self._watched(started, len(part))

    def _weigh(self, values: Iterable[object]) -> None:
        """Before ``values`` are hashed, or given to a function, which may go through them."""
        heavy = [value for value in values if type(value) not in LEAVES]
        if heavy:
            self._allowance -= weigh(heavy, self._allowance)

    def _watch(self, target: Any) -> float:
        """Keys can be made to collide; each then is compared with all that are there already."""
        small = isinstance(target, dict | set) and len(target) < _BATCH
        return 0.0 if small else time.thread_time()

    def _watched(self, started: float, count: int) -> None:
        if started:
            excess = time.thread_time() - started - count * _PER_KEY
            self._colliding = max(0.0, self._colliding + excess)
            if self._colliding > _GRACE:
                raise Damaged("keys of a dict or a set in it collide, as if chosen to")


def _extend(target: Any, items: list[Any]) -> None:
    if type(target) is list:
        target.extend(items)
        return
    if isinstance(target, type | Maker):
        raise Damaged("items are appended to a class")
    append = type(target).append
    for item in items:
        append(target, item)


def _replace(memo: list[Any], old: object, new: object) -> None:
    """The state made another object of ``old``; the pickler memoized it last, before the state."""
    for index in range(len(memo) - 1, -1, -1):
        if memo[index] is old:
            memo[index] = new
            return


def _text(raw: bytes) -> str:
    return str(raw, "utf-8", "surrogatepass")


def _long(raw: bytes) -> int:
    return int.from_bytes(raw, "little", signed=True)


_UINT8 = struct.Struct("<B")
_SIZED: dict[
    int, tuple[Callable[[bytes, int], tuple[int, ...]], int, Callable[[bytes], object]]
] = {
    0x43: (_UINT8.unpack_from, 1, bytes),  # SHORT_BINBYTES
    0x42: (_UINT32.unpack_from, 4, bytes),  # BINBYTES
    0x8E: (_UINT64.unpack_from, 8, bytes),  # BINBYTES8
    0x96: (_UINT64.unpack_from, 8, bytearray),  # BYTEARRAY8
    0x58: (_UINT32.unpack_from, 4, _text),  # BINUNICODE
    0x8D: (_UINT64.unpack_from, 8, _text),  # BINUNICODE8
    0x8A: (_UINT8.unpack_from, 1, _long),  # LONG1
    0x8B: (_UINT32.unpack_from, 4, _long),  # LONG4
}


def full_name(value: object) -> str:
    """``module.Class`` of a class, of what a ``Maker`` stands for, or of a value's class."""
    if isinstance(value, Maker):
        return value.name
    cls = value if isinstance(value, type) else type(value)
    return f"{cls.__module__}.{cls.__qualname__}"
