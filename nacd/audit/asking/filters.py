"""A question about the audit trail: which records fit.

Knows: what each filter takes, how a question is read from what people write, and when a record fits it. Refuses to
know: files, indexes, clocks.

Filters of one kind are alternatives, filters of different kinds must all fit. ``*`` stands for anything. What a word
without an option looks like (a MAC, a GUID, a code) is what it is taken for; any other is looked for in all texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from nacd.audit.asking import terms
from nacd.audit.asking.moments import made_ms
from nacd.audit.asking.spelling import GUID, at_path, folded, leaves, mac_of, mac_spellings, needle, written
from nacd.audit.asking.terms import HIDDEN_KINDS, PSEUDONYM, Term, hexadecimal, terms_of
from nacd.audit.catalogue import EVENTS

_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*(?:\[\])?"
_FIELD: Final = re.compile(rf"({_NAME}(?:\.{_NAME})*)(!=|=|~|<|>)(.*)", re.DOTALL)
_CODE: Final = re.compile(r"a[0-9]{4}[iwe]|[a-z_]+\.(?:[a-z_]+|\*)")
_ALL_NUMBERS: Final = re.compile(r"-?[0-9.eE+-]+|true|false|null|")
_AREAS: Final = frozenset(row.name.partition(".")[0] for row in EVENTS.values())
"""What stands before the point in names of events."""
_EFFECTS: Final = ("allow", "deny")


class WrongQuestion(Exception):
    """This cannot be asked; the text says what could be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """The record has a term of this kind that is one of these values. values: as in a term; ``*``: anything."""

    kind: str
    values: tuple[str, ...]

    @property
    def exact(self) -> bool:
        """Whether no value holds a ``*``."""
        return not any("*" in value for value in self.values)

    def fits(self, found: Iterable[Term]) -> bool:
        if self.exact:
            return any((self.kind, value) in found for value in self.values)
        matches = matcher(self.values)
        return any(kind == self.kind and matches(value) for kind, value in found)

    def needles(self) -> tuple[bytes, ...]:
        """One of these is in the line of every record that fits; nothing, if that cannot be said."""
        if self.kind == terms.MAC:
            return tuple(spelling for value in self.values for spelling in mac_spellings(value))
        if self.kind == terms.EFFECT:
            return ()
        found = tuple(needle(value.replace("*", "\0")) for value in self.values)
        return found if all(found) else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldTest:
    """One field by its path. relation: ``=``, ``!=``, ``~`` (is in it), ``<``, ``>``. value: folded text."""

    path: str
    relation: str
    value: str

    def fits(self, record: Mapping[str, Any]) -> bool:
        values = list(at_path(record, self.path))
        if self.relation in "<>":
            return any(self._compares(value) for value in values)
        texts = [folded(written(value)) for value in values]
        if self.relation == "~":
            return any(self.value in text for text in texts)
        same = self.value in texts or (not self.value and not texts)
        return same is (self.relation == "=")

    def needles(self) -> tuple[bytes, ...]:
        """As ``Clause.needles``."""
        if self.relation not in "=~" or _ALL_NUMBERS.fullmatch(self.value):
            return ()
        found = needle(self.value)
        return (found,) if found else ()

    def _compares(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return False
        try:
            number: float | str = float(self.value)
        except ValueError:
            number = self.value
        if isinstance(value, str) is not isinstance(number, str):
            return False
        left, right = (folded(value), number) if isinstance(value, str) else (value, number)
        return left < right if self.relation == "<" else left > right  # type: ignore[operator]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """All of it must fit. words: folded text that some value holds. since_ms, until_ms: milliseconds since the epoch;
    a record that does not tell when it was made fits no span. seq: the record's number, 0 for any."""

    clauses: tuple[Clause, ...] = ()
    fields: tuple[FieldTest, ...] = ()
    words: tuple[str, ...] = ()
    since_ms: int | None = None
    until_ms: int | None = None
    seq: int = 0

    def fits(self, record: Mapping[str, Any]) -> bool:
        """Whether this record is one of those asked for."""
        if self.seq and record.get("seq") != self.seq:
            return False
        if (self.since_ms is not None or self.until_ms is not None) and not self._in_time(record):
            return False
        if self.clauses:
            found = terms_of(record)
            if not all(clause.fits(found) for clause in self.clauses):
                return False
        if not all(field.fits(record) for field in self.fields):
            return False
        return not self.words or _has_words(record, self.words)

    def needles(self) -> tuple[tuple[bytes, ...], ...]:
        """Groups: of each, one is in the line (made lower) of every record that fits. The most telling come first."""
        groups = [each.needles() for each in self.clauses]
        groups += [each.needles() for each in self.fields]
        groups += [(found,) for found in map(needle, self.words) if found]
        groups += [(b"%d" % self.seq,)] if self.seq else []
        return tuple(sorted(filter(None, groups), key=lambda group: -min(map(len, group))))

    def squeezed(self) -> tuple[bytes, ...]:
        """One of these is in every text that has a line that fits, when it is made lower and all that separates the
        digits of MACs is taken out; nothing, if that cannot be said."""
        macs = next((clause.values for clause in self.clauses if clause.kind == terms.MAC), ())
        return tuple(mac_spellings(value)[0] for value in macs)

    def _in_time(self, record: Mapping[str, Any]) -> bool:
        at = made_ms(record)
        if at is None:
            return False
        return (self.since_ms is None or at >= self.since_ms) and (self.until_ms is None or at < self.until_ms)


def matcher(values: tuple[str, ...]) -> Callable[[str], bool]:
    """Whether a value is one of these, in which ``*`` is anything."""
    pattern = re.compile(f"(?:{'|'.join(map(_pattern, values))})", re.DOTALL)
    return lambda value: pattern.fullmatch(value) is not None


def _pattern(value: str) -> str:
    """What is between two ``*`` is looked for once and never again further on: else a few of them take for ever."""
    first, *rest = map(re.escape, value.split("*"))
    return first + "".join(f"(?>.*?{part})" for part in rest[:-1]) + (f".*{rest[-1]}" if rest else "")


def _has_words(record: Mapping[str, Any], words: tuple[str, ...]) -> bool:
    missing = set(words)
    for value in leaves(record):
        if isinstance(value, float):
            continue  # it has more than one spelling
        text = folded(written(value))
        missing = {word for word in missing if word not in text}
        if not missing:
            return True
    return False


# -- reading what people write --------------------------------------------------------------------


def clause(kind: str, values: Iterable[str]) -> Clause:
    """Raises WrongQuestion."""
    return Clause(kind=kind, values=tuple(dict.fromkeys(_value(kind, value) for value in values)))


def field(said: str) -> FieldTest:
    """``path=value``. Raises WrongQuestion."""
    found = _FIELD.fullmatch(said)
    if found is None:
        raise WrongQuestion(
            f"`{said[:80]}` names no field and value: write as in `decision.profile=quarantine`, "
            "`nas.source!=10.0.0.1`, `why~expired`, `latency_ms>500`"
        )
    return FieldTest(path=found[1], relation=found[2], value=folded(found[3]))


def words(said: Iterable[str]) -> tuple[tuple[Clause, ...], tuple[str, ...]]:
    """Words without an option: those that look like something become clauses (each must fit), the rest text."""
    clauses: list[Clause] = []
    rest: list[str] = []
    for word in said:
        if GUID.fullmatch(word):
            clauses.append(clause(terms.DEVICE, (word,)))
        elif mac_of(word):
            clauses.append(clause(terms.MAC, (word,)))
        elif _is_event(folded(word)):
            clauses.append(clause(terms.CODE, (word,)))
        elif word.strip():
            rest.append(folded(word))
    return tuple(clauses), tuple(rest)


def _is_event(word: str) -> bool:
    """Whether it looks like a code, or begins as events do: ``alice.smith`` and ``example.com`` are texts."""
    return _CODE.fullmatch(word) is not None and ("." not in word or word.partition(".")[0] in _AREAS)


def _value(kind: str, said: str) -> str:
    text = said.strip()
    if not text:
        raise WrongQuestion(f"--{kind} is empty")
    if kind in HIDDEN_KINDS and PSEUDONYM.fullmatch(folded(text)):
        return folded(text)
    if kind == terms.DEVICE:
        guid = folded(text).removeprefix("entra:").strip("{}")
        if not GUID.fullmatch(guid):
            raise WrongQuestion(f"--device `{text[:60]}` is no device id (a GUID); write a name as a word")
        return guid
    if kind == terms.MAC:
        if not (mac := mac_of(text)):
            raise WrongQuestion(f"--mac `{text[:60]}` is no MAC address; for a part of one write it as a word")
        return mac
    if kind == terms.EFFECT and folded(text) not in _EFFECTS:
        raise WrongQuestion(f"--effect `{text[:60]}`: there are `allow` and `deny`")
    if kind == terms.SERIAL:
        return hexadecimal(re.sub(r"[:\s]", "", text).removeprefix("0x"))
    return folded(text)
