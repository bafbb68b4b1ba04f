"""Pseudonyms: the same name, device or MAC is always the same word, and only the key tells whose.

Knows: when two spellings mean one, and HMAC-SHA-256 (RFC 2104). Refuses to know: where the value stood.

Without the key nobody can try out all MACs or all user names; whoever has it can, so it is a secret like any other.
Half of the digest is shown: 128 bits are more than the trail will ever hold of anything.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from typing import Final

from nacd.audit.asking.spelling import GUID, mac_of
from nacd.audit.asking.terms import PSEUDONYM
from nacd.audit.privacy.kinds import Kind
from nacd.values import Secret

MARK: Final = "h:"
_DOMAIN: Final = "nacd audit pseudonym 1"


def pseudonym(key: Secret, kind: Kind, value: str) -> str:
    """``h:`` and 32 hex digits. A value that is a pseudonym already is returned as it is."""
    if PSEUDONYM.fullmatch(value):
        return value
    said = f"{_DOMAIN}\n{kind}\n{canonical(kind, value)}".encode("utf-8", "backslashreplace")
    return MARK + hmac.new(key.reveal(), said, hashlib.sha256).hexdigest()[:32]


def canonical(kind: Kind, value: str) -> str:
    """One spelling of all that mean the same."""
    bare = value.strip()
    if kind is Kind.MAC:
        return mac_of(bare) or bare.casefold()
    if kind is Kind.DEVICE:
        found = GUID.findall(bare)
        return str(found[0]).lower() if len(found) == 1 else bare.casefold()
    if kind is Kind.ADDRESS:
        return address_of(bare) or bare.casefold()
    return bare.casefold() if kind is Kind.USER else value


def address_of(text: str) -> str:
    """An IP address in its one spelling, or ``""``."""
    try:
        found = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return ""
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)
