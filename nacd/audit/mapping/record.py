"""One line of the trail, read again for somebody else: its head, and what stands in it, whatever that may be.

Knows: the few fields that every record begins and ends with, and how to look into a record without believing
in its shape. Refuses to know: which formats there are.

Theory: much of a record was said by strangers (names, ports, certificates), and a trail may have been tampered with. So
nothing here raises: what is not of the expected type is not there, and ``calm`` leaves no character in a text that a
collector may take for the end of an event.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import orjson

from nacd.audit.kind import HEAD

CHECKPOINT: Final = "A9102I"
"""The record that every destination gets, whatever it asked for: it anchors the trail."""

_CODE: Final = re.compile(r"A[0-9]{4}[IWE]")
_NAME: Final = re.compile(r"[a-z0-9_]{1,40}(?:\.[a-z0-9_]{1,40}){1,3}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
_MAC: Final = re.compile(r"[0-9A-F]{2}(?:-[0-9A-F]{2}){5}")
_LINK: Final = re.compile(r"[0-9a-f]{64}")
_RESTLESS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff]")
_RAW_RESTLESS: Final = re.compile(rb"[\x00-\x1f\x7f]")
_LEVELS: Final = {"I": "information", "W": "warning", "E": "error"}
_APART: Final = frozenset({*HEAD, "seq"})


_RAW_JSON: Final = re.compile(
    # as UTF-8: DEL, C1, U+061C, U+200E, U+200F, U+2028..U+202E, U+2066..U+2069, U+FEFF
    rb"\x7f|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]|\xef\xbb\xbf"
)
_DEEP: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record as it lies, and read. line: without its newline. code, name: "" where they are none. severity:
    ``information``, ``warning`` or ``error``. time: RFC 3339 with milliseconds, UTC; "" if there is none. seq: 0 for a
    record from before there were numbers."""

    line: bytes
    fields: Mapping[str, Any]
    code: str
    name: str
    severity: str
    time: str
    seq: int

    @property
    def milliseconds(self) -> int:
        """Its time, since the epoch."""
        return milliseconds(self.time)

    @property
    def link(self) -> str:
        """The link of the chain; "" if there is none."""
        return matching(self.fields, "link", _LINK)

    @property
    def why(self) -> str:
        return word(self.fields, "why")

    @property
    def rest(self) -> dict[str, Any]:
        """All that is no head: nothing is lost, whatever a format has a place for."""
        return {name: value for name, value in self.fields.items() if name not in _APART}


def read(line: bytes) -> Record | None:
    """A line without its newline; None if it is no JSON object, or one that is nested too deep. A line that is
    laid out unlike nacd's own, with control characters between its parts, is laid out anew."""
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(fields, dict) or _too_deep(line, fields):
        return None
    if _RAW_RESTLESS.search(line):
        line = orjson.dumps(fields)
    code, time = fields.get("code"), fields.get("time")
    known = isinstance(code, str) and _CODE.fullmatch(code) is not None
    name, seq = fields.get("event"), fields.get("seq")
    return Record(
        line=line,
        fields=fields,
        code=code if known and isinstance(code, str) else "",
        name=name if isinstance(name, str) and _NAME.fullmatch(name) else "",
        severity=_LEVELS[code[-1]] if known and isinstance(code, str) else "warning",
        time=time if isinstance(time, str) and milliseconds(time) else "",
        seq=seq if isinstance(seq, int) and not isinstance(seq, bool) and 0 < seq < 1 << 60 else 0,
    )


def dumped(event: Mapping[str, Any]) -> bytes:
    """As JSON in which no character moves a terminal's or a parser's lines: C1 controls, separators of lines and marks
    of direction are escaped (RFC 8259 section 7 allows that for any)."""
    return _RAW_JSON.sub(lambda found: f"\\u{ord(found[0].decode()):04x}".encode(), orjson.dumps(event))


def _too_deep(line: bytes, fields: dict[str, Any]) -> bool:
    """Whether it cannot be written again inside an event: orjson writes 254 levels, and reads more."""
    if line.count(b"{") + line.count(b"[") < _DEEP:
        return False
    try:
        orjson.dumps([[[[fields]]]])
    except TypeError:
        return True
    return False


def block(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object in the record; an empty one where there is none."""
    found = fields.get(name)
    return found if isinstance(found, dict) else {}


def word(fields: Mapping[str, Any], name: str, most: int = 4_096) -> str:
    """A text or a number as one calm line; "" where there is none."""
    found = fields.get(name)
    if isinstance(found, str):
        return calm(found, most)
    return str(found) if isinstance(found, int | float) and not isinstance(found, bool) else ""


def whole(fields: Mapping[str, Any], name: str) -> int:
    """A number, without what stands behind its point; 0 where there is none or it is none of this world."""
    found = fields.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float) or not abs(found) < 1 << 53:
        return 0
    return int(found)


def words(fields: Mapping[str, Any], name: str) -> list[str]:
    """The texts of a list, a hundred at most."""
    found = fields.get(name)
    return [calm(each, 4_096) for each in found[:100] if isinstance(each, str)] if isinstance(found, list) else []


def calm(text: str, most: int) -> str:
    """One line without control characters, separators of lines and halves of characters, at most so many long."""
    return _RESTLESS.sub(" ", text[:most])


def address(text: str) -> str:
    """The text if it is an IP address, else ""."""
    return _address(text) if text else ""


def mac(fields: Mapping[str, Any], name: str) -> str:
    """A canonical MAC (``AA-BB-CC-DD-EE-FF``), else ""."""
    return matching(fields, name, _MAC)


def matching(fields: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    """A text of this form, else ""."""
    found = fields.get(name)
    return found if isinstance(found, str) and pattern.fullmatch(found) else ""


def milliseconds(time: str) -> int:
    """RFC 3339 text as the trail has it, since the epoch; 0 for anything else."""
    if not _TIME.fullmatch(time):
        return 0
    try:
        at = datetime.fromisoformat(time)
    except ValueError:
        return 0
    return max(0, round(at.timestamp() * 1000))


@lru_cache(maxsize=4_096)
def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text)) if "%" not in text else ""
    except ValueError:
        return ""
