"""Device ids in text: the forms in which Intune and Entra ids are written into certificates and VPN posture.

Knows: the prefixes, the GUID, and what makes a statement bad. Refuses to know: who said it and whether
that one may (``certificate``, ``vpn``).

Theory: a text is a statement about a device only when it begins with a known prefix. A GUID anywhere
else (the strong-mapping SID tag, an unrelated URI) is never picked up. A statement that has the prefix
but no proper GUID behind it is bad, not absent: someone meant to name a device and failed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import unquote

from nacd.identity.outcome import Absent, Bad, quoted
from nacd.values import NIL_GUID, DeviceId, DeviceIdKind

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# Longest first within a product: the colon behind GUID is missing in some AD CS templates.
_INTUNE_PREFIXES = (
    *(
        f"id:{product}:{word}{colon}"
        for product in ("microsoftendpointmanager", "microsoftintune", "intune")
        for word in ("guid", "deviceid")
        for colon in (":", "")
    ),
    "intunedeviceid://",
)
_VARIABLES = ("{{deviceid}}", "{{aad_device_id}}", "{{azureaddeviceid}}")


def compact(text: str) -> str:
    """Lower case, no blanks, percent signs resolved: the form in which prefixes are compared."""
    if "%" in text:
        text = unquote(text)
    return "".join(text.split()).lower()


def guid(text: str, kind: DeviceIdKind) -> DeviceId | Bad:
    """The device id that ``text`` is, in any case, with or without braces; ``Bad`` says what it is instead."""
    plain = compact(text)
    if "{{" in plain:
        return Bad(detail=f"{quoted(text)} was never filled in: the certificate profile's variable did not expand")
    if plain.startswith("{") and plain.endswith("}"):
        plain = plain[1:-1]
    if plain == NIL_GUID:
        return Bad(detail="the nil GUID names no device")
    if not _GUID.fullmatch(plain):
        return Bad(detail=f"{quoted(text)} is not a GUID")
    return DeviceId(guid=plain, kind=kind)


def is_guid(text: str) -> bool:
    """True when the whole of ``text`` has the shape of a GUID, the nil one included."""
    return bool(_GUID.fullmatch(compact(text).strip("{}")))


def statement(text: str, entra_prefixes: Iterable[str] = ()) -> DeviceId | Bad | Absent:
    """What one text (a SAN URI, a ``device-uid``) states about a device.

    Configured Entra prefixes go before the built-in Intune forms, the longest first, because the same
    prefix is used for both registers in the field and only the admin knows which.
    """
    plain = compact(text)
    for prefix in sorted((compact(p) for p in entra_prefixes), key=len, reverse=True):
        if plain.startswith(prefix):
            return guid(plain[len(prefix) :].strip("/"), DeviceIdKind.ENTRA)
    for prefix in _INTUNE_PREFIXES:
        if plain.startswith(prefix):
            return guid(plain[len(prefix) :].strip("/"), DeviceIdKind.INTUNE)
    if any(variable in plain for variable in _VARIABLES):
        return Bad(detail=f"{quoted(text)} was never filled in: the certificate profile's variable did not expand")
    parts = plain.split(":")
    if len(parts) > 3 and parts[0] == "id" and parts[2] in ("guid", "deviceid"):
        return Absent(detail=f"{quoted(text)} is an id of another product")
    return Absent(detail=f"{quoted(text)} is no device id")


def agree(ids: Sequence[DeviceId]) -> DeviceId | Bad | Absent:
    """One id out of many statements: the same id twice is one, two different ids of a register are bad.

    An Intune id and an Entra id name the same device in two registers; the Intune id wins because it is
    the one Compliance Retrieval understands.
    """
    chosen: list[DeviceId] = []
    for kind in (DeviceIdKind.INTUNE, DeviceIdKind.ENTRA):
        distinct = sorted({found.guid for found in ids if found.kind is kind})
        if len(distinct) > 1:
            shown = ", ".join(f"`{text}`" for text in distinct[:4])
            return Bad(detail=f"{len(distinct)} different {kind.value} ids: {shown}")
        chosen += [DeviceId(guid=text, kind=kind) for text in distinct]
    return chosen[0] if chosen else Absent(detail="no device id")
