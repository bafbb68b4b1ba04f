"""Frozen values to plain lists and back, driven by their own annotations.

Knows: the shape of every value by its type. Refuses to know: which values those are, and where they are kept.

A record is the list of its fields in their order, without the defaults at its end, so a later nacd may add a field
with a default at the end of a class and read what an earlier one has written. In a union, the name of the class stands
before the fields. Whatever has not exactly this shape raises ``Unreadable``: nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum, IntEnum, StrEnum
from math import isfinite
from types import UnionType
from typing import Any, Final, Generic, TypeVar, Union, cast, get_args, get_origin, get_type_hints

Value = TypeVar("Value")

Pack = Callable[[Any], Any]
Unpack = Callable[[Any], Any]
_Pair = tuple[Pack, "Unpack | type"]
"""The ways there and back; a type in the place of the second: what JSON gives is right if it is exactly that.
"""


class Unreadable(ValueError):
    """These are not the octets of such a value."""


class Codec(Generic[Value]):
    """The way of one dataclass with slots. leave_out: fields that are kept elsewhere and given to ``unpack``."""

    def __init__(self, kind: type[Value], leave_out: Collection[str] = ()) -> None:
        self._record = _Record(kind, leave_out)
        self._set = {name: getattr(kind, name).__set__ for name in leave_out}

    def pack(self, value: Value) -> list[Any]:
        """Lists, texts and numbers only. Raises ValueError for a number that is none (NaN, infinite)."""
        return self._record.pack(value)

    def unpack(self, plain: Any, **elsewhere: Any) -> Value:
        """The value, equal to the one that was packed. Raises Unreadable."""
        try:
            value = self._record.unpack(plain)
        except ValueError as error:
            raise Unreadable(str(error)) from error
        for name, each in elsewhere.items():
            self._set[name](value, each)
        return cast(Value, value)


class _Record:
    """One class, its fields in their order.

    Reading is what an accounting record costs most, so a value is made by setting its slots: that takes a third of the
    time of its ``__init__``. What a class checks of itself (``__post_init__``) is checked.
    """

    def __init__(self, kind: type, leave_out: Collection[str] = ()) -> None:
        hints = get_type_hints(kind)
        own = [each for each in fields(cast(Any, kind)) if each.name not in leave_out]
        pairs = [_pair(hints[each.name]) for each in own]
        self.kind = kind
        self._names = [each.name for each in own]
        self._packs = [pack for pack, _ in pairs]
        self._defaults = [_default(each) for each in own]
        self._steps = [(getattr(kind, each.name).__set__, *_fast(pair)) for each, pair in zip(own, pairs, strict=True)]
        self._check: Callable[[Any], None] = getattr(kind, "__post_init__", _nothing)
        self._mandatory = self._defaults.count(_NO_DEFAULT)

    def pack(self, value: Any) -> list[Any]:
        values = [getattr(value, name) for name in self._names]
        while values and values[-1] == self._defaults[len(values) - 1]:
            values.pop()
        return [pack(each) for pack, each in zip(self._packs, values, strict=False)]

    def unpack(self, plain: Any) -> Any:
        if type(plain) is not list or not self._mandatory <= len(plain) <= len(self._steps):
            raise Unreadable("no record of this kind")
        made: Any = object.__new__(self.kind)
        for (put, exact, read), each in zip(self._steps, plain, strict=False):
            if read is not None:
                each = read(each)
            elif type(each) is not exact:
                raise Unreadable(f"no {exact.__name__}")
            put(made, each)
        for at in range(len(plain), len(self._steps)):
            self._steps[at][0](made, self._defaults[at])
        self._check(made)
        return made


_NO_DEFAULT: Final = object()


def _default(each: Field[Any]) -> Any:
    if each.default is not MISSING:
        return each.default
    return each.default_factory() if each.default_factory is not MISSING else _NO_DEFAULT


def _nothing(value: Any) -> None:
    """Of a class that checks nothing."""


# -- by kind of annotation -----------------------------------------------------------------------


def _pair(hint: Any) -> _Pair:
    if hint in _SIMPLE:
        return _SIMPLE[hint], hint
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (tuple, frozenset) and arguments[0] is str:
        return _texts(origin)
    if origin in (Union, UnionType):
        return _either(arguments)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _word(hint)
    if isinstance(hint, type) and is_dataclass(hint):
        record = _Record(hint)
        return record.pack, record.unpack
    raise TypeError(f"no way to write down `{hint}`")


def _fast(pair: _Pair) -> tuple[type, Unpack | None]:
    """The type that is right as it is, or the way to read it."""
    _, read = pair
    if read is float:
        return float, _number
    return (read, None) if isinstance(read, type) else (object, read)


def _text(value: Any) -> str:
    text = str(value)
    if text.isascii():
        return text
    # Half a surrogate pair has no octets: it cannot be told apart on the disk, and need not be.
    return text.encode(errors="replace").decode()


def _finite(value: Any) -> float:
    number = float(value)
    if not isfinite(number):
        raise ValueError("a number that is none cannot be written down")
    return number


def _number(plain: Any) -> float:
    if type(plain) is not float or not isfinite(plain):
        raise Unreadable("no number")
    return plain


def _texts(collection: type) -> _Pair:
    def pack(value: Any) -> Any:
        return [_text(each) for each in (sorted(value) if collection is frozenset else value)]

    def unpack(plain: Any) -> Any:
        if type(plain) is not list:
            raise Unreadable("no texts")
        for each in plain:
            if type(each) is not str:
                raise Unreadable("no text")
        return collection(plain)

    return pack, unpack


def _word(kind: type[Enum]) -> _Pair:
    words = {each.value: each for each in kind}
    plain_kind = int if issubclass(kind, IntEnum) else str

    def unpack(plain: Any) -> Any:
        if type(plain) is not plain_kind or plain not in words:
            raise Unreadable(f"no {kind.__name__}")
        return words[plain]

    return plain_kind, unpack


def _either(kinds: tuple[Any, ...]) -> _Pair:
    words = [kind for kind in kinds if kind is not str]
    if len(words) == 1 and issubclass(words[0], StrEnum):
        return _text, _word_or_text(words[0])
    records = {kind.__name__: _Record(kind) for kind in kinds}

    def pack(value: Any) -> Any:
        name = type(value).__name__
        return [name, *records[name].pack(value)]

    def unpack(plain: Any) -> Any:
        if type(plain) is not list or not plain or type(plain[0]) is not str or plain[0] not in records:
            raise Unreadable("none of the kinds")
        return records[plain[0]].unpack(plain[1:])

    return pack, unpack


def _word_or_text(kind: type[StrEnum]) -> Unpack:
    known = {each.value: each for each in kind}

    def unpack(plain: Any) -> Any:
        if type(plain) is not str:
            raise Unreadable("no text")
        return known.get(plain, plain)

    return unpack


def _same(value: Any) -> Any:
    return value


_SIMPLE: Final[dict[Any, Pack]] = {str: _text, float: _finite, int: _same, bool: _same}
