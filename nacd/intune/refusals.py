"""What Microsoft says when it refuses: error envelopes and Retry-After. Pure.

Knows: Intune's envelope, Graph's (often with Intune's inside), the two forms of Retry-After, the challenge that comes
with a 401, and how a secret looks that comes back with it. Refuses to know: what a refusal means for a device.
"""

from __future__ import annotations

import binascii
import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

_CLAIMS = re.compile(r'\bclaims="([^"]*)"')
_PAUSE_WITHOUT_RETRY_AFTER_S = 30.0
_BLOT = b"***"
_PLAIN = re.compile(rb"[A-Za-z0-9]+")
_SHORT = {"\b": b"b", "\f": b"f", "\n": b"n", "\r": b"r", "\t": b"t"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorText:
    """An error body, cut down to what people need. activity_id: for Microsoft's support."""

    message: str = ""
    activity_id: str = ""
    retry_after_s: float = 0.0

    def __str__(self) -> str:
        activity = f" (activity {self.activity_id})" if self.activity_id else ""
        return self.message + activity


def error_text(body: bytes) -> ErrorText:
    """What an error body says: Intune's envelope, Graph's (often with Intune's inside), or its first words."""
    text = body[:65_536].decode("utf-8", "replace").removeprefix("\ufeff").strip()
    envelope = _envelope(text)
    for _ in range(3):
        inner = envelope.get("error")
        if isinstance(inner, dict):
            envelope = inner
        nested = _envelope(str(_any_case(envelope, "message")))
        if not nested:
            break
        envelope = nested
    message = str(_any_case(envelope, "message") or _any_case(envelope, "code") or "")
    if not envelope:
        message = " ".join(re.sub(r"<[^<>]*>", " ", text).split())
    activity = re.search(r"Activity ID: *([0-9A-Fa-f-]{36})", message)
    shown = message.partition(" - Operation ID")[0]
    return ErrorText(
        message=printable(shown)[:200],
        activity_id=activity.group(1) if activity else "",
        retry_after_s=seconds(str(_any_case(envelope, "retryafter"))),
    )


def printable(text: str) -> str:
    """A stranger's text without what would move a terminal's cursor or break a line of a log."""
    return text if text.isprintable() else "".join(char for char in text if char.isprintable())


def blot(octets: bytes, secrets: Iterable[bytes]) -> bytes:
    """These octets of a server without the secrets that it was sent, UTF-8 each; before anything is cut or decoded.

    Firewalls and proxies show what they refused: as it was, percent-encoded, escaped for JSON or HTML, or twice that.
    """
    for secret in secrets:
        if secret and max(_PLAIN.findall(secret), key=len, default=b"") in octets:  # the quick look
            octets = re.sub(_in_any_form(secret), _BLOT, octets)
    return octets


def _in_any_form(secret: bytes) -> bytes:
    """A pattern: letters and digits stand for themselves, every other character also for its escapes."""
    return b"".join(
        char.encode() if char.isascii() and char.isalnum() else _escaped(char)
        for char in secret.decode("utf-8", "surrogateescape")
    )


def _escaped(char: str) -> bytes:
    octets = char.encode("utf-8", "surrogateescape")
    units = char.encode("utf-16-be", "surrogatepass")
    pairs = (units[at : at + 2].hex().encode() for at in range(0, len(units), 2))
    forms = [  # the longest first; JSON in JSON in JSON has up to eight backslashes
        b"(?i:" + b"".join(b"%%(?:25)*%02X" % octet for octet in octets) + b")",
        b"(?i:" + b"".join(rb"\\{1,8}u" + pair for pair in pairs) + b")",
        rb"&#?\w{1,8};",
        rb"\\{0,7}" + re.escape(octets),
    ]
    if char in _SHORT:
        forms.append(rb"\\{1,8}" + _SHORT[char])
    if char == " ":
        forms.append(rb"\+")
    return b"(?:" + b"|".join(forms) + b")"


def _envelope(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _any_case(envelope: Mapping[str, Any], name: str) -> object:
    for key, value in envelope.items():
        if key.lower() == name and value is not None:
            return value
    return ""


def retry_after_s(headers: Mapping[str, str], now: float, *, default_s: float = _PAUSE_WITHOUT_RETRY_AFTER_S) -> float:
    """Seconds that ``Retry-After`` asks for (RFC 9110 section 10.2.3: seconds or a date), ``default_s`` without one.

    headers: names in lower case. now: seconds since the epoch; the answer's own Date, where there
    is one, is preferred, because the two clocks may differ.
    """
    wanted = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", wanted):
        return float(wanted)
    until, said = _date(wanted), _date(headers.get("date", ""))
    if until <= 0:
        return default_s
    return max(0.0, until - (said or now))


def challenge(header: str) -> str:
    """What ``WWW-Authenticate`` asks for, in words, ``""`` without one (RFC 6750 section 3).

    A claims challenge (Entra's continuous access evaluation) is shown decoded: it says which policy wants more.
    """
    text = printable(header).replace("`", "")
    found = _CLAIMS.search(text)
    rest = _CLAIMS.sub("", text).strip(" ,") if found else text
    words = f"it asks for `{rest[:200]}`" if rest else ""
    if not found:
        return words
    claims = f"a claims challenge (continuous access evaluation): `{_decoded(found[1])[:200]}`"
    return f"{words} with {claims}" if words else f"it answers {claims}"


def _decoded(claims: str) -> str:
    try:
        plain = urlsafe_b64decode(claims.replace("+", "-").replace("/", "_") + "=" * (-len(claims) % 4)).decode()
    except (binascii.Error, ValueError):
        return claims
    return plain if plain and plain.isprintable() else claims


def _date(text: str) -> float:
    try:
        moment = parsedate_to_datetime(text)
        # The oldest of the three forms names no zone; all of them mean GMT (RFC 9110 section 5.6.7).
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0


def seconds(text: str) -> float:
    """A whole number of seconds, 0.0 for anything else."""
    return float(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0.0
