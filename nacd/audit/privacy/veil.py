"""A record without the names that the configuration wants hidden.

Knows: how a whole record is gone over, its sentences too. Refuses to know: where the choice comes from, and lines.

Theory. A record says the same thing several times: in its own field, in the sentence, in the reasons. So it is gone
over twice. First the fields that name somebody (``kinds.NAMING``) tell which values are to be hidden. Then each text is
looked at: such a field becomes a pseudonym as a whole; any other loses every value that the first pass has found,
however it is spelled there, and whatever looks like a MAC, a device id, a user principal name or a machine's name even
where no field holds it. What is a word of nacd or of the configuration (``kinds.WORDS``) is left alone.

Total: whatever stands in a record, there is a record afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Final, TypeAlias

from nacd.audit.asking.spelling import GUID, mac_of
from nacd.audit.asking.terms import PSEUDONYM, names_of
from nacd.audit.privacy.kinds import ATTRIBUTES, NAMING, OF_THE_TRAIL, TOLD_BY_VALUE, WORDS, Kind, Treatment
from nacd.audit.privacy.pseudonyms import address_of, canonical, pseudonym
from nacd.audit.redaction import HIDDEN
from nacd.values import NO_SECRET, AuditEvent, AuditValue, Secret

_KEPT: Final = 65_536
_DEEPEST: Final = 12
_SHORTEST_TEXT: Final = 3
"""Of a value that was chosen by its field alone, or of a part of a name, that is looked for in sentences."""
_CUTS: Final = (57, 60, 79, 80, 253)
"""Where sentences cut what a stranger says."""
_SERVICE: Final = "A9"
"""Records of the service: twelve hex digits in them are a shortened digest."""

_NUMBERS: Final = ("session.", "certificate.")
"""Where twelve hex digits are a number of its own: a MAC is known there by its separators, or from another field."""
_SEPARATED_MAC: Final = re.compile(
    rf"{GUID.pattern}|"
    r"(?<![0-9A-Za-z])(?:[0-9a-f]{2}([-:])[0-9a-f]{2}(?:\1[0-9a-f]{2}){4}"
    r"|[0-9a-f]{4}([-:.])[0-9a-f]{4}\2[0-9a-f]{4}|[0-9a-f]{6}[-:.][0-9a-f]{6})(?![0-9A-Za-z])",
    re.IGNORECASE,
)
_BARE_MAC: Final = re.compile(rf"{GUID.pattern}|" r"(?<![0-9A-Za-z])[0-9a-f]{12}(?![0-9A-Za-z])", re.IGNORECASE)
_LONGEST_MAC: Final = 17
_SERIAL: Final = re.compile(r"(?<=\bserial )`?[0-9a-f]+`?", re.IGNORECASE)
_MACHINE: Final = re.compile(r"\bhost/[\w.-]*\w", re.IGNORECASE)
_PRINCIPAL: Final = re.compile(
    r"[^\s`'\"<>(),;:=/\\|\[\]{}]+@[\w-]+(?:\.[\w-]+)*|\b[\w.-]+\\+[\w.-]+\$?", re.IGNORECASE
)
_IN_SUBJECT: Final = re.compile(
    r"(?:^|[,+])\s*(?:CN|UID|E|emailAddress|1\.2\.840\.113549\.1\.9\.1)=((?:[^,+\\]|\\.)*)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is hidden, and how. kinds: what is not there is kept. fields: by their dotted paths, above ``kinds``."""

    kinds: Mapping[Kind, Treatment] = field(default_factory=lambda: MappingProxyType({}))
    fields: Mapping[str, Treatment] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def hashes(self) -> bool:
        """Whether a key is needed."""
        return Treatment.HASH in (*self.kinds.values(), *self.fields.values())

    @property
    def hides(self) -> bool:
        """Whether anything is hidden at all."""
        return any(each is not Treatment.KEEP for each in (*self.kinds.values(), *self.fields.values()))

    def of(self, kind: Kind) -> Treatment:
        return self.kinds.get(kind, Treatment.KEEP)


Row: TypeAlias = tuple[str, re.Pattern[str], str]
"""A value that is hidden: folded, what finds it in a text, what stands instead."""


class Veil:
    """Call it with an event; what comes back is what is written."""

    def __init__(self, choice: Choice, key: Secret = NO_SECRET) -> None:
        """key: for pseudonyms; not needed where nothing is hashed."""
        self._choice = choice
        self._hashed: Callable[[Kind, str], str] = lru_cache(maxsize=_KEPT)(
            lambda kind, value: pseudonym(key, kind, value)
        )
        self.rows: Callable[[str, Treatment, Kind, str], tuple[Row, ...]] = lru_cache(maxsize=8_192)(self._rows)
        self._look: Callable[[str, frozenset[str], bool], str] = lru_cache(maxsize=4_096)(self._looked)
        macs, devices, users = (choice.of(kind) is not Treatment.KEEP for kind in (Kind.MAC, Kind.DEVICE, Kind.USER))
        self._bare = macs
        self._looks: tuple[tuple[re.Pattern[str], Kind], ...] = (
            *(((_PRINCIPAL, Kind.USER),) if users else ()),
            *(((_MACHINE, Kind.DEVICE), (_SERIAL, Kind.DEVICE), (GUID, Kind.DEVICE)) if devices else ()),
            *(((_SEPARATED_MAC, Kind.MAC),) if macs else ()),
        )

    def __call__(self, event: AuditEvent) -> AuditEvent:
        if event.code in OF_THE_TRAIL:
            return event
        known = _Known(self)
        self._learn(known, event.fields, "", 0)
        said = _Said(self, known.ordered(), _spared(event.fields), bare=self._bare and event.code < _SERVICE)
        fields = self._walk(said, event.fields, "", 0)
        return replace(event, fields=fields if isinstance(fields, dict) else {})

    # -- one value -----------------------------------------------------------------------------------

    def treatment(self, path: str, value: str, name: str = "") -> tuple[Treatment, Kind]:
        """What becomes of this field as a whole. name: of the attribute, for the value of one."""
        if (chosen := self._choice.fields.get(path)) is not None:
            kinds = _kinds(path, value, name)
            return chosen, kinds[0] if kinds else Kind.TEXT
        for kind in _kinds(path, value, name):
            if (how := self._choice.of(kind)) is not Treatment.KEEP:
                return how, kind
        return Treatment.KEEP, Kind.TEXT

    def shown(self, how: Treatment, kind: Kind, value: str) -> str:
        """What stands in its place."""
        return self._hashed(kind, value) if how is Treatment.HASH else HIDDEN

    def look(self, text: str, spared: frozenset[str], *, bare: bool) -> str:
        """The text without what looks like a name of a hidden kind. spared: ids that name no device, in lower case."""
        return self._look(text, spared, bare)

    def _rows(self, value: str, how: Treatment, kind: Kind, path: str) -> tuple[Row, ...]:
        found = {
            form: (_found(form), self.shown(how, kind, whose)) for form, whose in reversed([*_forms(value, kind, path)])
        }
        if (bare := _digits(value, kind)) is not None:
            found[bare] = (_anywhere(bare), self.shown(how, kind, value))
        return tuple((form.casefold(), *rest) for form, rest in found.items())

    def _looked(self, text: str, spared: frozenset[str], bare: bool) -> str:
        for pattern, kind in self._looks:
            text = pattern.sub(self._swap(kind, spared), text)
        return _BARE_MAC.sub(self._swap(Kind.MAC, spared), text) if bare else text

    def _swap(self, kind: Kind, spared: frozenset[str]) -> Callable[[re.Match[str]], str]:
        how = self._choice.of(kind)

        def swap(found: re.Match[str]) -> str:
            text = found.group().strip("`")
            if text.lower() in spared or (kind is Kind.MAC and len(text) > _LONGEST_MAC):  # a device id
                return found.group()
            return self.shown(how, kind, text)

        return swap

    # -- a whole record ------------------------------------------------------------------------------

    def _learn(self, known: _Known, value: AuditValue, path: str, depth: int, name: str = "") -> None:
        if isinstance(value, dict):
            if depth < _DEEPEST:
                called = _attribute(value)
                for key, inner in value.items():
                    self._learn(known, inner, f"{path}.{key}" if path else key, depth + 1, called)
        elif isinstance(value, list):
            inside = f"{path}[]" if value and isinstance(value[0], dict) else path
            for each in value:
                self._learn(known, each, inside, depth, name)
        elif isinstance(value, str) and value and (path in NAMING or name or path in self._choice.fields):
            how, kind = self.treatment(path, value, name if path.endswith(".value") else "")
            if how is not Treatment.KEEP:
                known.add(value, how, kind, path)

    def _walk(self, said: _Said, value: AuditValue, path: str, depth: int, name: str = "") -> AuditValue:
        if isinstance(value, dict):
            if depth >= _DEEPEST:
                return HIDDEN
            called = _attribute(value)
            return {
                key: self._walk(said, inner, f"{path}.{key}" if path else key, depth + 1, called)
                for key, inner in value.items()
            }
        if isinstance(value, list):
            inside = f"{path}[]" if value and isinstance(value[0], dict) else path
            return [self._walk(said, each, inside, depth, name) for each in value]
        if not isinstance(value, str):
            return self._number(value, path)
        if not value or value == HIDDEN:
            return value
        how, kind = self.treatment(path, value, name if path.endswith(".value") else "")
        if how is not Treatment.KEEP:
            return self.shown(how, kind, value)
        return value if path in WORDS else said.text(str(value), path)

    def _number(self, value: AuditValue, path: str) -> AuditValue:
        how = self._choice.fields.get(path, Treatment.KEEP)
        if how is Treatment.KEEP or value is None:
            return value
        return self.shown(how, Kind.TEXT, str(value))


class _Known:
    """The values of one record that are hidden, and what stands in their place."""

    def __init__(self, veil: Veil) -> None:
        self._veil = veil
        self._rows: dict[str, Row] = {}

    def add(self, value: str, how: Treatment, kind: Kind, path: str) -> None:
        for row in self._veil.rows(value, how, kind, path):
            self._rows.setdefault(row[0], row)

    def ordered(self) -> list[Row]:
        """The longest first: no part is taken for the whole."""
        return sorted(self._rows.values(), key=lambda row: -len(row[0]))


class _Said:
    """The texts of one record."""

    def __init__(
        self,
        veil: Veil,
        known: list[Row],
        spared: frozenset[str],
        *,
        bare: bool,
    ) -> None:
        self._veil = veil
        self._known = known
        self._spared = spared
        self._bare = bare

    def text(self, text: str, path: str) -> str:
        low = text.casefold()
        for folded, pattern, instead in self._known:
            if folded in low:
                text = pattern.sub(instead, text)
        bare = self._bare and not path.startswith(_NUMBERS)
        return self._veil.look(text, self._spared, bare=bare)


# -- what a value is ------------------------------------------------------------------------------


def _kinds(path: str, value: str, name: str) -> tuple[Kind, ...]:
    kinds = ATTRIBUTES.get(name, ()) if name else NAMING.get(path, ())
    if name in ATTRIBUTES or path in TOLD_BY_VALUE:
        if mac_of(value):
            return (Kind.MAC,)
        if address_of(value):
            return (Kind.ADDRESS,)
        if GUID.fullmatch(value):
            return (Kind.DEVICE,)
        if kinds == (Kind.USER,) and _MACHINE.match(value):
            return (Kind.DEVICE, Kind.USER)
    return kinds


def _attribute(block: Mapping[str, AuditValue]) -> str:
    """The name of the attribute, if this is one of an answer or a request."""
    name = block.get("name")
    return name if isinstance(name, str) and name in ATTRIBUTES and "value" in block else ""


def _spared(fields: Mapping[str, AuditValue]) -> frozenset[str]:
    """Ids of this record that name groups and tenants."""
    return frozenset(_ids(fields.get("certificate"), "tenant_ids")) | frozenset(
        each
        for block in (fields.get("compliance"),)
        if isinstance(block, dict)
        for name in ("in_groups", "outside_groups")
        for each in _ids(block.get("device"), name)
    )


def _ids(block: AuditValue, name: str) -> Iterator[str]:
    found = block.get(name) if isinstance(block, dict) else None
    yield from (each.lower() for each in found if isinstance(each, str)) if isinstance(found, list) else ()


def _forms(value: str, kind: Kind, path: str) -> Iterator[tuple[str, str]]:
    """How sentences may write it, each with the value whose pseudonym stands there then."""
    printed = "".join(c if c.isprintable() and c != "`" else "?" for c in value)
    escaped = "".join(c if c.isprintable() and c != "`" else f"\\x{ord(c):02x}" for c in value)
    for form in dict.fromkeys((value, value.strip(), value.replace("\\", "\\\\"), printed, escaped)):
        if form and (kind is not Kind.TEXT or len(form) >= _SHORTEST_TEXT):
            yield form, value
        yield from ((form[:cut], value) for cut in _CUTS if len(form) > cut)
    if kind in (Kind.USER, Kind.DEVICE):
        for part in _IN_SUBJECT.findall(value) if path == "certificate.subject" else ():
            yield from ((each, each) for each in (part, part.replace("\\", "")) if len(each) >= _SHORTEST_TEXT)
        yield from ((part, part) for part in names_of(value)[1:] if len(part) >= _SHORTEST_TEXT)
        yield from ((guid, guid) for guid in GUID.findall(value))
    if kind is Kind.ADDRESS and (address := address_of(value)):
        yield address, value


def _digits(value: str, kind: Kind) -> str | None:
    """Digits that are looked for wherever they stand, with any separators: of a MAC and of a device id."""
    if kind is Kind.MAC and (mac := mac_of(value)):
        return mac.replace("-", "")
    if kind is Kind.DEVICE and GUID.fullmatch(found := canonical(kind, value)):
        return found.replace("-", "")
    return None


@lru_cache(maxsize=8_192)
def _found(text: str) -> re.Pattern[str]:
    """As a word by itself. What is a pseudonym already is left alone."""
    before = r"(?<![0-9A-Za-z_])" if text[:1].isalnum() else ""
    after = r"(?![0-9A-Za-z_])" if text[-1:].isalnum() else ""
    return re.compile(f"{before}{re.escape(text)}{after}", re.IGNORECASE)


@lru_cache(maxsize=8_192)
def _anywhere(digits: str) -> re.Pattern[str]:
    return re.compile("[-:. ]?".join(digits), re.IGNORECASE)


def is_hidden(text: str) -> bool:
    """Whether this stands in place of something."""
    return text == HIDDEN or PSEUDONYM.fullmatch(text) is not None
