"""How one vendor's NAS is asked to change a session: its verbs as values, parsed from plain mappings.

Knows: the shape of the ``dynauth:`` section of a vendor's rows, every mistake it can hold, and what RFC 5176 lets into
such a request. Refuses to know: where the rows come from (``config/``), attribute numbers (``radius/``), sessions and
what goes into one request (``dynauth.py``), any vendor by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from nacd.sessions import Verb
from nacd.values import AccessKind, Attribute
from nacd.vendor.model import Standing
from nacd.vendor.profile import OWN_ATTRIBUTES

_Word = TypeVar("_Word", bound=StrEnum)


class Identification(StrEnum):
    """What a session or its NAS can be named by (RFC 5176 section 3)."""

    AUDIT_SESSION_ID = "audit_session_id"
    ACCT_SESSION_ID = "acct_session_id"
    ACCT_MULTI_SESSION_ID = "acct_multi_session_id"
    CALLING_STATION_ID = "calling_station_id"
    USER_NAME = "user_name"
    FRAMED_ADDRESS = "framed_address"
    NAS_PORT = "nas_port"
    NAS_PORT_ID = "nas_port_id"
    NAS_IDENTIFIER = "nas_identifier"
    NAS_ADDRESS = "nas_address"


OF_THE_NAS: Final = frozenset({Identification.NAS_IDENTIFIER, Identification.NAS_ADDRESS})
"""What names the NAS alone: a request with nothing else would be about all its sessions."""


class Spelling(StrEnum):
    """How a MAC address is written. What the NAS itself sent is ``as_received``."""

    AS_RECEIVED = "as_received"
    UPPER_HYPHEN = "upper-hyphen"
    LOWER_HYPHEN = "lower-hyphen"
    UPPER_COLON = "upper-colon"
    LOWER_COLON = "lower-colon"
    UPPER_PLAIN = "upper-plain"
    LOWER_PLAIN = "lower-plain"


_SPELT: Final = frozenset({Identification.CALLING_STATION_ID, Identification.USER_NAME})


class PacketKind(StrEnum):
    """The two requests of RFC 5176."""

    COA = "coa"
    DISCONNECT = "disconnect"


class ClassUse(StrEnum):
    """What the NAS makes of Class: it only returns it (a token of ours may go in), a policy is read out of it, or
    nobody has told."""

    FREE = "free"
    GROUP_POLICY = "group_policy"
    UNKNOWN = "unknown"


class Inclusion(StrEnum):
    """Whether an attribute goes into requests: without it they are ignored, it does no harm, it does."""

    REQUIRED = "required"
    OK = "ok"
    OMIT = "omit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """One attribute that names the session: the first of ``names`` that the session has.

    required: without any of them the session cannot be asked. spelling: of a MAC address; a User-Name that is none
    stays as it is.
    """

    names: tuple[Identification, ...]
    required: bool = False
    spelling: Spelling = Spelling.AS_RECEIVED


@dataclass(frozen=True, slots=True, kw_only=True)
class VerbRow:
    """One verb: what is sent, and for which sessions it works.

    number: place in the ladder, from 0. port: UDP port of the NAS. attributes: the verb's own. unchanged: attributes of
    an authorization that this verb cannot change; a push leaves them out. narrow: added after Error-Cause 508.
    """

    number: int
    verb: Verb
    packet: PacketKind
    port: int
    access: frozenset[AccessKind]
    attributes: tuple[Attribute, ...]
    unchanged: frozenset[str]
    identify: tuple[Selector, ...]
    narrow: tuple[Selector, ...]
    source: str
    standing: Standing

    @property
    def may_name_by_user_alone(self) -> bool:
        """Whether there may be nothing in it but a name that whoever logs in has chosen."""
        sure = (each for each in self.identify if each.required and not OF_THE_NAS.intersection(each.names))
        return all(Identification.USER_NAME in each.names for each in sure)


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceMark:
    """An attribute of an Accept that lets a phone onto the port. values: any of these; none = whatever the value."""

    name: str
    values: frozenset[str]
    source: str
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One fact about the vendor with where it is from. value: a word or a decimal number."""

    value: str
    source: str
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Dynauth:
    """Everything known of one vendor. ladder: the verbs in the order in which they are tried."""

    vendor: str
    default_port: Setting
    class_attribute: Setting
    timestamp: Setting
    signature: Setting
    voice: tuple[VoiceMark, ...]
    ladder: tuple[VerbRow, ...]

    @property
    def port(self) -> int:
        """UDP port where this vendor's NASes listen unless told otherwise."""
        return int(self.default_port.value)

    @property
    def class_use(self) -> ClassUse:
        """Whether a token of ours may go into Class."""
        return ClassUse(self.class_attribute.value)

    @property
    def event_timestamp(self) -> Inclusion:
        """Whether Event-Timestamp goes into requests."""
        return Inclusion(self.timestamp.value)

    @property
    def message_authenticator(self) -> Inclusion:
        """Whether Message-Authenticator goes into requests."""
        return Inclusion(self.signature.value)


_ORIGIN: Final[Mapping[str, type]] = {"source": str, "standing": str}
_TOP: Final[Mapping[str, type]] = {
    "port": dict,
    "class": dict,
    "event_timestamp": dict,
    "message_authenticator": dict,
    "voice": list,
    "identify": list,
    "narrow": list,
    "ladder": list,
}
_ROW: Final[Mapping[str, type]] = {
    **_ORIGIN,
    "verb": str,
    "packet": str,
    "port": int,
    "access": list,
    "attributes": list,
    "unchanged": list,
    "identify": list,
    "narrow": list,
}
_SELECTOR: Final[Mapping[str, type]] = {"by": list, "required": bool, "spelling": str}
_PORTS: Final = range(1, 65_536)


def parse_dynauth(vendor: str, rows: Mapping[str, object]) -> Dynauth:
    """The ``dynauth:`` section out of one vendor's rows.

    Raises ValueError naming the vendor, with one line for each thing that is wrong.
    """
    reader = _Reader()
    dynauth = reader.dynauth(vendor, rows.get("dynauth"))
    if reader.problems:
        raise ValueError("\n".join(f"vendor `{vendor}`, dynauth: {problem}" for problem in reader.problems))
    return dynauth


class _Reader:
    """Collects every problem of one section; what it returns counts only when there is none."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def dynauth(self, vendor: str, value: object) -> Dynauth:
        top = self._row("the section", value, _TOP)
        port = self._setting("port", top.get("port"), {"number": int})
        if not port.value.isdecimal() or int(port.value) not in _PORTS:
            self.problems.append(f"`port` needs a `number` from {_PORTS.start} to {_PORTS.stop - 1}")
            port = Setting(value="3799", source=port.source, standing=port.standing)
        ladder = tuple(
            self._verb_row(number, each, top, int(port.value)) for number, each in enumerate(_list(top.get("ladder")))
        )
        if not ladder:
            self.problems.append("`ladder` needs at least one verb")
        self.problems.extend(_unsound(ladder))
        return Dynauth(
            vendor=vendor,
            default_port=port,
            class_attribute=self._choice("class", top.get("class"), ClassUse, ClassUse.UNKNOWN),
            timestamp=self._choice("event_timestamp", top.get("event_timestamp"), Inclusion, Inclusion.OK),
            signature=self._choice("message_authenticator", top.get("message_authenticator"), Inclusion, Inclusion.OK),
            voice=tuple(self._voice(each) for each in _list(top.get("voice"))),
            ladder=ladder,
        )

    def _row(self, where: str, value: object, keys: Mapping[str, type]) -> Mapping[str, object]:
        if not isinstance(value, Mapping):
            self.problems.append(f"{where} must be a mapping")
            return {}
        found: dict[str, object] = {}
        for key, content in value.items():
            if key not in keys:
                self.problems.append(f"{where} has an unknown key `{key}`")
            elif not isinstance(content, keys[key]) or (keys[key] is int and isinstance(content, bool)):
                self.problems.append(f"`{key}` in {where} must be of type {keys[key].__name__}")
            else:
                found[key] = content
        return found

    def _origin(self, where: str, row: Mapping[str, object]) -> tuple[str, Standing]:
        source = str(row.get("source", ""))
        if not source or "standing" not in row:
            self.problems.append(f"{where} needs `source` and `standing`")
        return source, self._word(where, row.get("standing", Standing.ASSUMED), Standing, Standing.ASSUMED)

    def _word(self, where: str, word: object, words: type[_Word], otherwise: _Word) -> _Word:
        if isinstance(word, str) and word in set(words):
            return words(word)
        self.problems.append(f"`{word}` in {where} is none of {', '.join(words)}")
        return otherwise

    def _setting(self, name: str, value: object, keys: Mapping[str, type]) -> Setting:
        where = f"`{name}`"
        row = self._row(where, value, {**keys, **_ORIGIN})
        source, standing = self._origin(where, row)
        said = next((row[key] for key in keys if key in row), "")
        return Setting(value=str(said), source=source, standing=standing)

    def _choice(self, name: str, value: object, words: type[_Word], otherwise: _Word) -> Setting:
        setting = self._setting(name, value, {"use": str})
        word = self._word(f"`{name}`", setting.value, words, otherwise)
        return Setting(value=word.value, source=setting.source, standing=setting.standing)

    def _voice(self, value: object) -> VoiceMark:
        row = self._row("a row of `voice`", value, {"name": str, "values": list, **_ORIGIN})
        source, standing = self._origin("a row of `voice`", row)
        name = str(row.get("name", ""))
        if not name:
            self.problems.append("a row of `voice` needs a `name`")
        values = frozenset(str(each) for each in _list(row.get("values")))
        return VoiceMark(name=name, values=values, source=source, standing=standing)

    def _verb_row(self, number: int, value: object, top: Mapping[str, object], default_port: int) -> VerbRow:
        row = self._row(f"row {number + 1} of `ladder`", value, _ROW)
        verb = self._word(f"row {number + 1} of `ladder`", row.get("verb"), Verb, Verb.DISCONNECT)
        where = f"`{verb}`"
        source, standing = self._origin(where, row)
        access = [self._word(where, each, AccessKind, AccessKind.DOT1X) for each in _list(row.get("access"))]
        port = row.get("port", default_port)
        return VerbRow(
            number=number,
            verb=verb,
            packet=self._word(where, row.get("packet"), PacketKind, PacketKind.COA),
            port=port if isinstance(port, int) else default_port,
            access=frozenset(access if "access" in row else AccessKind),
            attributes=tuple(self._attribute(where, each) for each in _list(row.get("attributes"))),
            unchanged=frozenset(str(each) for each in _list(row.get("unchanged"))),
            identify=self._selectors(where, row.get("identify", top.get("identify"))),
            narrow=self._selectors(where, row.get("narrow", top.get("narrow"))),
            source=source,
            standing=standing,
        )

    def _attribute(self, where: str, value: object) -> Attribute:
        row = self._row(f"an attribute of {where}", value, {"name": str, "value": object})
        name, content = str(row.get("name", "")), row.get("value")
        if name and isinstance(content, str | int) and content != "" and not isinstance(content, bool):
            return Attribute(name=name, value=content)
        self.problems.append(f"an attribute of {where} needs `name` and `value`, which is text or a number")
        return Attribute(name=name, value="")

    def _selectors(self, where: str, value: object) -> tuple[Selector, ...]:
        return tuple(self._selector(where, each) for each in _list(value))

    def _selector(self, where: str, value: object) -> Selector:
        row = self._row(f"an identification of {where}", value, _SELECTOR)
        names = tuple(
            self._word(f"`by` of {where}", each, Identification, Identification.USER_NAME)
            for each in _list(row.get("by"))
        )
        if not names:
            self.problems.append(f"an identification of {where} needs `by`, a list of what names the session")
        if "spelling" in row and not _SPELT.intersection(names):
            self.problems.append(f"`spelling` of {where} is for {' and '.join(sorted(_SPELT))}")
        return Selector(
            names=names,
            required=bool(row.get("required", False)),
            spelling=self._word(
                f"`spelling` of {where}", row.get("spelling", Spelling.AS_RECEIVED), Spelling, Spelling.AS_RECEIVED
            ),
        )


def _unsound(ladder: Sequence[VerbRow]) -> Iterator[str]:
    """What is wrong with verbs as a whole."""
    seen: set[tuple[Verb, AccessKind]] = set()
    for row in ladder:
        where = f"`{row.verb}`"
        for access in sorted(row.access):
            if (row.verb, access) in seen:
                yield f"{where} stands twice for {access}"
            seen.add((row.verb, access))
        if not row.access:
            yield f"{where} is for no kind of access"
        if row.port not in _PORTS:
            yield f"`port` of {where} is outside {_PORTS.start} to {_PORTS.stop - 1}"
        yield from _unsound_words(where, row)
        yield from _unsound_identification(where, row)


def _unsound_words(where: str, row: VerbRow) -> Iterator[str]:
    # RFC 5176 section 3: a Disconnect-Request holds nothing but what names NAS and session.
    if row.packet is PacketKind.DISCONNECT and row.verb is not Verb.DISCONNECT:
        yield f"{where} cannot be a Disconnect-Request"
    if row.packet is PacketKind.DISCONNECT and row.attributes:
        yield f"{where} is a Disconnect-Request, which holds only what names the session (RFC 5176 section 3)"
    if row.packet is PacketKind.COA and row.verb is not Verb.PUSH and not row.attributes:
        yield f"{where} is a CoA-Request and needs `attributes` that say what is wanted"
    own = {name.lower() for name in OWN_ATTRIBUTES - {"Session-Timeout", "Termination-Action"}}
    for attribute in row.attributes:
        if attribute.name.lower() in own:
            yield f"{where} must not name `{attribute.name}`"


def _unsound_identification(where: str, row: VerbRow) -> Iterator[str]:
    if not any(selector.required and not OF_THE_NAS.intersection(selector.names) for selector in row.identify):
        # Else a session that has told nothing of itself would be asked about by naming its NAS alone.
        yield f"{where} requires nothing that names a session"
    if any(selector.required for selector in row.narrow):
        yield f"`narrow` of {where} cannot require anything"


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []
