"""Frozen values to plain lists and back, driven by their own annotations.

Knows: the shape of every value by its type. Refuses to know: which values those are, and where they are kept.

A record is the list of its fields in their order, without the defaults at its end, so a later nacd may add a field
with a default at the end of a class and read what an earlier one has written. In a union, the name of the class stands
before the fields. Whatever has not exactly this shape raises ``Unreadable``: nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass, make_dataclass
from enum import Enum, IntEnum, StrEnum
from math import isfinite
from operator import attrgetter
from types import MappingProxyType, UnionType
from typing import Any, Final, Generic, TypeVar, Union, cast, get_args, get_origin, get_type_hints

Value = TypeVar("Value")

Pack = Callable[[Any], Any]
Unpack = Callable[[Any], Any]
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Way:
    """Of one kind of field. plain: exactly what JSON gives for it. No way there, or back: it stays as it is."""

    plain: type
    pack: Pack | None = None
    unpack: Unpack | None = None


class Unreadable(ValueError):
    """These are not the octets of such a value."""


class Codec(Generic[Value]):
    """The way of one dataclass with slots. leave_out: fields that are kept elsewhere and given to ``unpack``."""

    def __init__(self, kind: type[Value], leave_out: Collection[str] = ()) -> None:
        self._record = _Record(kind, leave_out)

    def pack(self, value: Value) -> list[Any]:
        """Lists, texts and numbers only. Raises ValueError for a number that is none (NaN, infinite)."""
        return self._record.pack(value)

    def unpack(self, plain: Any, **elsewhere: Any) -> Value:
        """The value, equal to the one that was packed. Raises Unreadable."""
        try:
            return cast(Value, self._record.unpack(plain, elsewhere))
        except ValueError as error:
            raise Unreadable(str(error)) from error


class _Record:
    """One class, its fields in their order.

    To read and to write is what a change costs most, so all that many fields have in common is done for all of them at
    once: fetched, looked at for their types, for letters beyond ASCII.
    """

    def __init__(self, kind: type, leave_out: Collection[str] = ()) -> None:
        hints = get_type_hints(kind)
        own = [each for each in fields(cast(Any, kind)) if each.name not in leave_out]
        ways = [_way(hints[each.name]) for each in own]
        texts = [at for at, way in enumerate(ways) if way is _TEXT]
        self._kind = kind
        self._fetch = _fetching([each.name for each in own])
        self._fetch_texts = _fetching([own[at].name for at in texts])
        self._texts = texts
        self._packs = [(at, way.pack) for at, way in enumerate(ways) if way.pack is not None and way is not _TEXT]
        self._plain = [way.plain for way in ways]
        self._unpacks = [(at, way.unpack) for at, way in enumerate(ways) if way.unpack is not None]
        self._made = _making(kind, leave_out)
        self._defaults = [_default(each) for each in own]
        self._mandatory = self._defaults.count(_NO_DEFAULT)

    def pack(self, value: Any) -> list[Any]:
        values, defaults = self._fetch(value), self._defaults
        count = len(values)
        while count and (values[count - 1] is defaults[count - 1] or values[count - 1] == defaults[count - 1]):
            count -= 1
        plain = [*values[:count]]
        if not _is_ascii(self._fetch_texts(value)):
            for at in self._texts:
                if at < count:
                    plain[at] = _text(plain[at])
        for at, pack in self._packs:
            if at < count:
                plain[at] = pack(plain[at])
        return plain

    def unpack(self, plain: Any, elsewhere: Mapping[str, Any] = _NOTHING) -> Any:
        if type(plain) is not list:
            raise Unreadable("no record")
        count = len(plain)
        if count < self._mandatory or [*map(type, plain)] != self._plain[:count]:
            raise Unreadable(f"no record of the kind `{self._kind.__name__}`")
        values = plain + self._defaults[count:]
        for at, unpack in self._unpacks:
            if at < count:
                values[at] = unpack(values[at])
        return self._made(values, elsewhere)


def _making(kind: type, leave_out: Collection[str]) -> Callable[[list[Any], Mapping[str, Any]], Any]:
    """What makes a value of these fields and of those that are kept elsewhere.

    Without its ``__init__``, which takes half the time: as one of a class with the same slots that is not frozen, and
    is then told its class. What the class checks of itself is checked. A class without slots (a compiled one has none)
    is asked as it is.
    """
    every = fields(cast(Any, kind))
    if "__slots__" not in kind.__dict__:
        names = [each.name for each in every if each.name not in leave_out]
        return lambda values, elsewhere: kind(**dict(zip(names, values, strict=True)), **elsewhere)
    given = [(each.name, Any, field(init=each.name not in leave_out)) for each in every]
    thawed = make_dataclass(kind.__name__, given, slots=True)
    check: Callable[[Any], None] | None = getattr(kind, "__post_init__", None)

    def made(values: list[Any], elsewhere: Mapping[str, Any]) -> Any:
        value: Any = thawed(*values)
        for name, each in elsewhere.items():
            setattr(value, name, each)
        value.__class__ = kind
        if check is not None:
            check(value)
        return value

    return made


def _fetching(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """What fetches these fields."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple([getattr(value, name) for name in names])


_NO_DEFAULT: Final = object()


def _default(each: Field[Any]) -> Any:
    if each.default is not MISSING:
        return each.default
    return each.default_factory() if each.default_factory is not MISSING else _NO_DEFAULT


# -- by kind of annotation -----------------------------------------------------------------------


def _way(hint: Any) -> _Way:
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (tuple, frozenset) and arguments[0] is str:
        return _texts(origin)
    if origin in (Union, UnionType):
        return _either(arguments)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _word(hint)
    if isinstance(hint, type) and is_dataclass(hint):
        record = _Record(hint)
        return _Way(list, record.pack, record.unpack)
    raise TypeError(f"no way to write down `{hint}`")


def _is_ascii(texts: tuple[Any, ...]) -> bool:
    try:
        return "".join(texts).isascii()
    except TypeError:  # something else came in the place of a text
        return False


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
    if not isfinite(plain):
        raise Unreadable("no number")
    return cast(float, plain)


def _texts(collection: type) -> _Way:
    def pack(value: Any) -> Any:
        return [_text(each) for each in (sorted(value) if collection is frozenset else value)]

    def unpack(plain: Any) -> Any:
        for each in plain:
            if type(each) is not str:
                raise Unreadable("no text")
        return collection(plain)

    return _Way(list, pack, unpack)


def _word(kind: type[Enum]) -> _Way:
    words = {each.value: each for each in kind}
    plain_kind = int if issubclass(kind, IntEnum) else str

    def unpack(plain: Any) -> Any:
        if plain not in words:
            raise Unreadable(f"no {kind.__name__}")
        return words[plain]

    return _Way(plain_kind, plain_kind, unpack)


def _either(kinds: tuple[Any, ...]) -> _Way:
    words = [kind for kind in kinds if kind is not str]
    if len(words) == 1 and issubclass(words[0], StrEnum):
        known: dict[str, Any] = {each.value: each for each in words[0]}
        return _Way(str, _text, lambda plain: known.get(plain, plain))
    records = {kind.__name__: _Record(kind) for kind in kinds}

    def pack(value: Any) -> Any:
        name = type(value).__name__
        return [name, *records[name].pack(value)]

    def unpack(plain: Any) -> Any:
        if not plain or type(plain[0]) is not str or plain[0] not in records:
            raise Unreadable("none of the kinds")
        return records[plain[0]].unpack(plain[1:])

    return _Way(list, pack, unpack)


_TEXT: Final = _Way(str, _text)
_SIMPLE: Final[dict[Any, _Way]] = {str: _TEXT, float: _Way(float, _finite, _number), int: _Way(int), bool: _Way(bool)}
