"""EAP-MD5 with a MAC as name and password: MAB of a NAS that cannot do otherwise (RFC 3748 section 5.4).

Knows: the challenge, its check, and what a MAC looks like as an EAP identity. Refuses to know:
user passwords; no one else gets EAP-MD5 from nacd.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection

from nacd.eap.message import EapMessage, printable
from nacd.eap.tls.certificate import Failure
from nacd.values import AccessRequest

CHALLENGE_OCTETS = 16
_MAC = re.compile(
    r"[0-9A-Fa-f]{12}"
    r"|[0-9A-Fa-f]{2}([-:. ])[0-9A-Fa-f]{2}(?:\1[0-9A-Fa-f]{2}){4}"
    r"|[0-9A-Fa-f]{4}([-:.])[0-9A-Fa-f]{4}\2[0-9A-Fa-f]{4}"
    r"|[0-9A-Fa-f]{6}[-:.][0-9A-Fa-f]{6}"
)
_NOBODY = frozenset(("0" * 12, "f" * 12))


def hex12(text: str) -> str:
    """The twelve hex digits of a MAC in lower case, ``""`` if the text is no MAC.

    One kind of separator throughout, as ``identity/mac`` has it: whom EAP-MD5 lets in must have a name there. So
    the all-zero and the broadcast address are none, and neither is a called id's ``:SSID``.
    """
    bare = text.strip(" \t\0")
    digits = re.sub(r"[-:. ]", "", bare).lower() if _MAC.fullmatch(bare) else ""
    return "" if digits in _NOBODY else digits


def spellings(mac_hex12: str) -> tuple[bytes, ...]:
    """The ways NASes write this MAC as a password. mac_hex12: twelve hex digits."""
    pairs = [mac_hex12[i : i + 2] for i in range(0, 12, 2)]
    quads = [mac_hex12[i : i + 4] for i in range(0, 12, 4)]
    halves = [mac_hex12[i : i + 6] for i in range(0, 12, 6)]
    lower = [mac_hex12]
    lower += [separator.join(pairs) for separator in "-:. "]
    lower += [separator.join(some) for some in (quads, halves) for separator in ".:-"]
    return tuple(text.encode() for spelled in lower for text in (spelled.lower(), spelled.upper()))


def encode_challenge(challenge: bytes) -> bytes:
    """Type-data of an MD5-Challenge request."""
    return bytes((len(challenge),)) + challenge


def response_matches(body: bytes, identifier: int, challenge: bytes, passwords: Collection[bytes]) -> bool:
    """Whether the type-data of the response proves one of these passwords (RFC 1994 section 4.1).

    identifier: of the request and the response. A value that is not 16 octets proves nothing.
    """
    if len(body) < 1 + CHALLENGE_OCTETS or body[0] != CHALLENGE_OCTETS:
        return False
    value = body[1 : 1 + CHALLENGE_OCTETS]
    matched = False
    for password in passwords:
        wanted = hashlib.md5(bytes((identifier,)) + password + challenge, usedforsecurity=False).digest()
        matched |= hmac.compare_digest(wanted, value)
    return matched


def accepted_passwords(_request: AccessRequest, identity: str) -> Collection[bytes]:
    """What proves a MAC identity unless the caller knows better: every spelling of it."""
    return spellings(hex12(identity))


def judge(
    response: EapMessage, challenge: bytes, request: AccessRequest, identity: str, passwords: Collection[bytes]
) -> Failure:
    """Why this MD5-Challenge response is refused; a failure with the empty code if it is fine.

    The identity must be the MAC that the NAS itself saw: a supplicant may claim any.
    """
    seen = request.calling_station_id
    claimed = hex12(identity)
    if not claimed or hex12(seen) != claimed:
        shown = f"`{printable(seen)}`" if seen else "which is missing"
        reason = f"the EAP-MD5 identity `{identity}` is not the MAC in Calling-Station-Id ({shown})"
        return Failure(code="md5_mac_mismatch", reason=reason)
    if request.nas.mab_password == "any":  # noqa: S105
        return _FINE
    if response_matches(response.body, response.identifier, challenge, passwords):
        return _FINE
    reason = f"the EAP-MD5 password of `{identity}` is not that MAC in any spelling; see `mab_password` of this NAS"
    return Failure(code="md5_wrong_password", reason=reason)


_FINE = Failure(code="", reason="")
