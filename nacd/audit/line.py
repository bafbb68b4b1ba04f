"""How a record becomes one line, and the last gate before it does.

Knows: JSON lines, and that only plain values may stand in one. Refuses to know: events, files.

Theory: what builders make is plain already, so it goes to the encoder as it is; whatever the encoder cannot
take (a ``Secret``, octets, a number over 64 bits, half a surrogate pair) or would make unusually long goes through
``redaction`` first. So the gate by type costs nothing until the day it is needed. Field names are the builders' own,
and a test asks of every record whether ``redaction`` would have changed it.
"""

from __future__ import annotations

from typing import Final

import orjson

from nacd.audit.redaction import clean
from nacd.values import AuditEvent

_ORDINARY_OCTETS: Final = 16_384
# Without the second the encoder would unfold a dataclass by itself, whatever is in it.
_PLAIN: Final = orjson.OPT_APPEND_NEWLINE | orjson.OPT_PASSTHROUGH_DATACLASS


def line(event: AuditEvent) -> bytes:
    """One record as JSON with its newline. Total: no event and no peer's octets can keep it from being written."""
    try:
        octets = orjson.dumps(event.fields, option=_PLAIN)
    except TypeError:
        return orjson.dumps(clean(event.fields), option=_PLAIN)
    if len(octets) > _ORDINARY_OCTETS:
        return orjson.dumps(clean(event.fields), option=_PLAIN)
    return octets
