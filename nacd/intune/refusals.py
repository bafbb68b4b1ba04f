"""What Microsoft says when it refuses: error envelopes and Retry-After. Pure.

Knows: Intune's envelope, Graph's (often with Intune's inside), the two forms of Retry-After, the challenge that comes
with a 401. Refuses to know: what a refusal means for a device.
"""

from __future__ import annotations

import binascii
import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

_CLAIMS = re.compile(r'\bclaims="([^"]*)"')
_PAUSE_WITHOUT_RETRY_AFTER_S = 30.0


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
        message = " ".join(re.sub(r"<[^>]*>", " ", text).split())
    activity = re.search(r"Activity ID: *([0-9A-Fa-f-]{36})", message)
    shown = message.partition(" - Operation ID")[0]
    return ErrorText(
        message="".join(char for char in shown if char.isprintable())[:200],
        activity_id=activity.group(1) if activity else "",
        retry_after_s=seconds(str(_any_case(envelope, "retryafter"))),
    )


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
    text = "".join(char for char in header if char.isprintable() and char != "`")
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
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0


def seconds(text: str) -> float:
    """A whole number of seconds, 0.0 for anything else."""
    return float(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0.0
