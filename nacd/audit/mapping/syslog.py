"""The syslog header of RFC 5424 around an event, and the framing of RFC 6587.

Knows: header, structured data, lengths, escaping. Refuses to know: sockets, and what the event says.

No byte order mark is put before the message (RFC 5424 section 6.4 wants one before UTF-8): it would be the first
octets of the JSON for whoever parses it, and no collector in use asks for it. By the letter the message is MSG-ANY.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from nacd.audit.mapping.record import Record

FACILITIES: Final = MappingProxyType(
    {
        "user": 1,
        "daemon": 3,
        "auth": 4,
        "authpriv": 10,
        "audit": 13,
        **{f"local{number}": 16 + number for number in range(8)},
    }
)
EXAMPLE_ENTERPRISE: Final = 32473
"""The number that RFC 5612 sets aside for documentation: nacd has none of its own."""
_SEVERITIES: Final = {"information": 6, "warning": 4, "error": 3}
_UNPRINTABLE: Final = re.compile(r"[^\x21-\x7e]")
_NIL: Final = "-"
# The longest `cut` there can be, so that a message that is cut keeps its length whatever number stands in it.
_CUT_OCTETS: Final = len(' cut="0000000000"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How messages look at one destination. longest: octets of a whole message, without its framing.
    version: of nacd."""

    facility: int = FACILITIES["authpriv"]
    hostname: str = _NIL
    enterprise: int = EXAMPLE_ENTERPRISE
    longest: int = 65_536
    version: str = ""


def message(shape: Shape, record: Record, body: bytes) -> bytes:
    """A message without its framing. body: the event, one line. What is longer than ``shape.longest`` is cut, and then
    ``cut`` in the structured data holds how many octets the event had."""
    if len(body) + 512 > shape.longest:
        room = shape.longest - len(_header(shape, record, "")) - _CUT_OCTETS
        if len(_header(shape, record, "")) + len(body) > shape.longest:
            return _header(shape, record, f' cut="{len(body)}"') + _beginning(body, max(0, room))
    return _header(shape, record, "") + body


def counted(octets: bytes) -> bytes:
    """Octet counting (RFC 6587 section 3.4.1, RFC 5425 section 4.3)."""
    return b"%d %b" % (len(octets), octets)


def line(octets: bytes) -> bytes:
    """A line feed behind it (RFC 6587 section 3.4.2). No event holds one."""
    return octets + b"\n"


def token(text: str, most: int) -> str:
    """A header field: printable ASCII without blanks, or the sign for none."""
    return _UNPRINTABLE.sub("?", text)[:most] or _NIL


def parameter(text: str) -> str:
    """A value of structured data, escaped (RFC 5424 section 6.3.3)."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def _header(shape: Shape, record: Record, cut: str) -> bytes:
    priority = shape.facility * 8 + _SEVERITIES[record.severity]
    about = f'seq="{record.seq}" event="{parameter(record.name)}"{cut}'
    return (
        f"<{priority}>1 {record.time or _NIL} {token(shape.hostname, 255)} nacd - {record.code or _NIL}"
        f' [origin software="nacd" swVersion="{parameter(shape.version)}"][nacd@{shape.enterprise} {about}] '
    ).encode()


def _beginning(body: bytes, most: int) -> bytes:
    """So many octets of it, and no half of a character at the end."""
    return body[:most].decode("utf-8", "ignore").encode()
