"""What leaves this machine in a bundle, without secrets and without names.

Knows: which settings are references, which words stay, how names become pseudonyms that nobody can undo. Refuses to
know: files, and what else is in the bundle.

Three nets, one behind the other: a setting whose name speaks of a secret shows its reference or nothing; a key that no
schema knows shows nothing at all (it may be a secret with its name misspelled); and every part is searched for the
secrets themselves, as far as whoever makes the bundle may read them.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from nacd.audit.privacy.kinds import Kind, Treatment
from nacd.audit.privacy.veil import Choice, Veil
from nacd.audit.redaction import HIDDEN, attribute, secret_name
from nacd.config.yaml import SECRET_KEYS
from nacd.values import Attribute, AuditEvent, Secret

REFERENCE: Final = re.compile(r"(?:file|cred):.{1,500}|env:[A-Z_][A-Z0-9_]{0,100}")
"""What follows ``env:`` is shown only where it looks like the name of a variable: somebody may have written the secret
itself there."""
_LOGIN: Final = re.compile(r"(?<=://)[^/@\s]*@")
_QUERY: Final = re.compile(r"(?<=://)([^\s?]*\?)\S+")
"""Of an address in nacd.yaml: collectors that want a signature or a token there take it from anybody who has it."""
_SHORTEST: Final = 6
"""Octets of a secret that is searched for: a shorter one would be found everywhere."""
_OWN_WORDS: Final = frozenset({"hash", "remove", "keep"})
_NOBODY: Final = frozenset[str]()


class Names:
    """Pseudonyms of one bundle. keep: names stay as they are."""

    def __init__(self, key: Secret, *, keep: bool) -> None:
        self._keep = keep
        every = (Kind.USER, Kind.MAC, Kind.DEVICE, Kind.ADDRESS)
        self._records = Veil(Choice(kinds=dict.fromkeys(every, Treatment.HASH)), key)
        self._texts = Veil(Choice(kinds=dict.fromkeys((Kind.USER, Kind.MAC, Kind.DEVICE), Treatment.HASH)), key)
        self._policy = Veil(Choice(kinds=dict.fromkeys((Kind.USER, Kind.MAC), Treatment.HASH)), key)

    def record(self, fields: dict[str, Any]) -> dict[str, Any]:
        """A record of the audit trail; its link would prove nothing any more."""
        if self._keep:
            return fields
        code = fields.get("code")
        shown = self._records(AuditEvent(code=code if isinstance(code, str) else "", fields=fields)).fields
        return {name: value for name, value in shown.items() if name != "link"}

    def line(self, text: str) -> str:
        """A line of a log, or a remark."""
        return text if self._keep else self._texts.look(text, _NOBODY, bare=True)

    def setting(self, text: str) -> str:
        """A word of a configuration: ids of tenants and groups stay."""
        return text if self._keep else self._policy.look(text, _NOBODY, bare=False)


def configuration(value: Any, known: frozenset[str] | None, names: Names, name: str = "", *, odd: bool = False) -> Any:
    """Settings as they may be seen. known: every key that a schema has; None where keys are the admin's own."""
    if isinstance(value, Mapping):
        return {
            names.setting(str(key)): configuration(
                inner, known, names, str(key), odd=known is not None and str(key) not in known
            )
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [configuration(each, known, names, name, odd=odd) for each in value]
    if not isinstance(value, str):
        return HIDDEN if value is not None and (_is_secret(name) or odd) else value
    if _is_secret(name):
        return value if REFERENCE.fullmatch(value) else HIDDEN
    if odd:
        return value if value in _OWN_WORDS else HIDDEN
    shown = _LOGIN.sub(f"{HIDDEN}@", value)
    if known is not None:
        shown = _QUERY.sub(rf"\g<1>{HIDDEN}", shown)
    told = attribute(Attribute(name=name, value=shown))["value"]
    return names.setting(str(told))


def references(value: Any) -> Iterator[str]:
    """Every reference to a secret that stands anywhere in settings."""
    if isinstance(value, Mapping):
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from references(each)
    elif isinstance(value, str) and REFERENCE.fullmatch(value):
        yield value


def _is_secret(name: str) -> bool:
    low = name.lower()
    return low in SECRET_KEYS or secret_name(name) or low.endswith(("key", "token", "credential")) or low == "headers"


def spellings(secrets: Iterable[Secret]) -> tuple[bytes, ...]:
    """Each secret as it may stand in a text: plain, in hex, in base64, as JSON writes it; the longest first."""
    found: set[bytes] = set()
    for secret in secrets:
        octets = secret.reveal().strip()
        if len(octets) < _SHORTEST:
            continue
        parts = [octets] if b"-----BEGIN" not in octets else [row for row in octets.splitlines() if len(row) >= 32]
        for part in parts:
            plain = base64.b64encode(part)
            found |= {part, part.hex().encode(), part.hex().upper().encode(), plain, plain.rstrip(b"=")}
            found.add(base64.urlsafe_b64encode(part).rstrip(b"="))
            text = part.decode("utf-8", "replace")
            found |= {json.dumps(text, ensure_ascii=ascii_)[1:-1].encode() for ascii_ in (True, False)}
    return tuple(sorted(found, key=len, reverse=True))


def scrubbed(octets: bytes, secrets: tuple[bytes, ...]) -> tuple[bytes, int]:
    """Without these, and how many there were."""
    count = 0
    for each in secrets:
        if each in octets:
            count += octets.count(each)
            octets = octets.replace(each, HIDDEN.encode())
    return octets, count
