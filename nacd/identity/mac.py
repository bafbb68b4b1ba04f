"""MAC addresses: every spelling a NAS uses, and the password that repeats the MAC.

Knows: spellings (RFC 3580 section 3.21 and what vendors made of it). Refuses to know: whether a MAC
says anything about a machine (``name``) and whether this request is MAB at all (``access_kind``).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from functools import lru_cache

from nacd.values import AccessRequest, ChapResponse, MacAddress, PapPassword

_SPELLING = re.compile(
    r"[0-9A-Fa-f]{12}"
    r"|[0-9A-Fa-f]{2}([-:. ])[0-9A-Fa-f]{2}(?:\1[0-9A-Fa-f]{2}){4}"
    r"|[0-9A-Fa-f]{4}([-:.])[0-9A-Fa-f]{4}\2[0-9A-Fa-f]{4}"
    r"|[0-9A-Fa-f]{6}[-:.][0-9A-Fa-f]{6}"
)
_NOT_HEX = re.compile(r"[-:. ]")
_LONGEST = 17
_CALLED_LENGTHS = (17, 14, 13, 12)
_KEPT = 8_192
_NOBODY = frozenset({"00-00-00-00-00-00", "FF-FF-FF-FF-FF-FF"})


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMac:
    """This text names no MAC address, and why."""

    reason: str


@lru_cache(maxsize=_KEPT)
def parse(text: str) -> MacAddress | NotMac:
    """The MAC in ``text``, whatever its spelling; ``NotMac`` for anything else.

    The all-zero and the broadcast address are what a NAS sends when it does not know: no MAC.
    """
    return _parse(text)


def _parse(text: str) -> MacAddress | NotMac:
    bare = text.strip(" \t\0")
    if not bare:
        return NotMac(reason="empty")
    if len(bare) > _LONGEST or not _SPELLING.fullmatch(bare):
        return NotMac(reason="not twelve hexadecimal digits in a known spelling")
    digits = _NOT_HEX.sub("", bare).upper()
    canonical = "-".join(digits[i : i + 2] for i in range(0, 12, 2))
    if canonical in _NOBODY:
        return NotMac(reason="a placeholder, not the address of anything")
    return MacAddress(canonical)


def parse_called(text: str) -> MacAddress | NotMac:
    """The MAC of a Called-Station-Id, with or without ``:SSID`` behind it (RFC 3580 section 3.20)."""
    for length in _CALLED_LENGTHS:
        if len(text) == length or text[length : length + 1] == ":":
            mac = parse(text[:length])
            if isinstance(mac, MacAddress):
                return mac
    return parse(text)


def spellings(mac: MacAddress) -> tuple[str, ...]:
    """Every spelling of one MAC that a NAS may use as the password, none twice."""
    digits = mac.hex12
    pairs = [digits[i : i + 2] for i in range(0, 12, 2)]
    quads = [digits[i : i + 4] for i in range(0, 12, 4)]
    halves = [digits[:6], digits[6:]]
    upper = [digits]
    upper += [separator.join(pairs) for separator in "-:. "]
    upper += [separator.join(quads) for separator in ".-:"]
    upper += [separator.join(halves) for separator in "-:."]
    return tuple(dict.fromkeys(form for text in upper for form in (text, text.lower())))


def password_matches(request: AccessRequest, mac: MacAddress) -> bool:
    """True when the PAP or CHAP password of ``request`` is a spelling of ``mac``.

    Compared in constant time, so the time taken tells nothing. No password, or a method nacd does not speak, does
    not match. CHAP: RFC 2865 section 5.3, MD5(id + password + challenge), tried with every spelling.
    """
    matched = False
    match request.credential:
        case PapPassword(password=password):
            spelt = password.reveal().decode("ascii", "replace")
            # Mostly it is User-Name once more, which `parse` remembers; any other password must not stay there.
            known = hmac.compare_digest(password.reveal(), request.user_name.encode("utf-8", "surrogatepass"))
            claimed = parse(request.user_name) if known else _parse(spelt)
            one_case = spelt in (spelt.upper().strip(), spelt.lower().strip())
            claimed_text = claimed.text if one_case and isinstance(claimed, MacAddress) else ""
            matched = hmac.compare_digest(claimed_text, mac.text)
        case ChapResponse(identifier=identifier, response=response, challenge=challenge):
            head = bytes([identifier & 0xFF])
            for spelling in spellings(mac):
                digest = hashlib.md5(head + spelling.encode("ascii") + challenge, usedforsecurity=False).digest()
                matched |= hmac.compare_digest(response, digest)
        case _:
            pass
    return matched
