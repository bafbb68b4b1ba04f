"""What may stand in an audit record.

Knows: which names carry secrets and how any value becomes plain JSON. Refuses to know: events.

Theory: builders are written not to touch secrets; this is for the day one does. Reply attributes pass ``attribute``
always: one whose name speaks of a password or key keeps its name and loses its value. ``clean`` goes over a whole
record by type (``Secret`` never passes) and by name, and makes every text encodable. ``line`` calls it for a record
that the JSON encoder does not take or that is unusually long, and a test calls it for every record that builders make:
it must find nothing to change.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache

from nacd.values import Attribute, AuditValue, Secret

HIDDEN = "***"
_LONGEST_TEXT = 4096
_DEEPEST = 8
_SECRET_NAME = re.compile(
    r"password|passwd|passphrase|passcode|secret|private.?key|session.?key|psk|mppe|\bmsk\b|credential|bearer|chap.?response",
    re.IGNORECASE,
)
_SECRET_PAIR = re.compile(
    r"\s*[a-z0-9:*_ -]{0,40}(?:psk|password|passphrase|secret)[a-z0-9_ -]{0,20}[=*]", re.IGNORECASE
)


@lru_cache(maxsize=512)
def secret_name(name: str) -> bool:
    """True when a field or attribute of this name is never shown (``User-Password``, ``MS-MPPE-Send-Key``)."""
    return bool(_SECRET_NAME.search(name))


def text(value: str) -> str:
    """``value`` as JSON can hold it: lone surrogates escaped, at most 4,096 characters and a word on the rest."""
    if not value.isascii():
        value = value.encode("utf-8", "backslashreplace").decode("utf-8")
    if len(value) > _LONGEST_TEXT:
        return f"{value[:_LONGEST_TEXT]}… ({len(value) - _LONGEST_TEXT} more characters)"
    return value


def attribute(sent: Attribute) -> dict[str, AuditValue]:
    """One reply attribute for the record: name, value (octets as ``0x`` hex), and the tag if it has one.

    A pair such as ``psk=...`` inside a vendor's catch-all attribute is hidden too.
    """
    shown: AuditValue
    match sent.value:
        case bytes() as octets:
            shown = "0x" + octets.hex()
        case str() as words if (pair := _SECRET_PAIR.match(words)) is not None:
            shown = pair.group() + HIDDEN
        case value:
            shown = value
    record: dict[str, AuditValue] = {"name": sent.name, "value": HIDDEN if secret_name(sent.name) else shown}
    if sent.tag:
        record["tag"] = sent.tag
    return record


def clean(fields: Mapping[str, object]) -> dict[str, AuditValue]:
    """``fields`` with secrets hidden and every value plain JSON. Total: an unknown type becomes its name."""
    return {
        text(key): HIDDEN if secret_name(key) and value not in ("", None) else _value(value, 1)
        for key, value in fields.items()
    }


def _value(value: object, depth: int) -> AuditValue:
    match value:
        case Secret():
            return HIDDEN
        case str():
            return text(str(value))  # a StrEnum becomes its value
        case bool() | None:
            return value
        case int():  # the writer of JSON lines holds 64 bits
            return int(value) if -(2**63) <= value < 2**63 else hex(value)[:_LONGEST_TEXT]
        case float():
            return value if math.isfinite(value) else None
        case bytes():
            return text("0x" + value.hex())
        case _ if depth >= _DEEPEST:
            return f"<{type(value).__name__}>"
        case Mapping():
            return {
                text(str(key)): HIDDEN
                if secret_name(str(key)) and inner not in ("", None)
                else _value(inner, depth + 1)
                for key, inner in value.items()
            }
        case list() | tuple():
            return [_value(inner, depth + 1) for inner in value]
        case set() | frozenset():
            return [*sorted(str(_value(inner, depth + 1)) for inner in value)]
        case _:
            return f"<{type(value).__name__}>"
