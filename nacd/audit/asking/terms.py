"""What a record can be found by: each of its names as a pair of kind and value.

Knows: in which fields of which records a device, a MAC, a user, a session stands. Refuses to know: who asks, and how a
record is found by a term (``nacd.store.trail_index``).

A term is what a filter asks for and what an index holds, so both agree by being the same. Total: whatever stands in
place of a field that ought to be a text or an object is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, TypeAlias

from nacd.audit.asking.spelling import GUID, folded, mac_of

Term: TypeAlias = tuple[str, str]
"""Kind, and value without the difference of capitals."""

CODE, EFFECT, NAS, SITE, RULE, PROFILE = "code", "effect", "nas", "site", "rule", "profile"
DEVICE, MAC, USER, SESSION, SERIAL, REQUEST = "device", "mac", "user", "session", "serial", "request"
PSEUDONYM: Final = re.compile(r"h:[0-9a-f]{32}")
"""What ``nacd.audit.privacy`` puts in place of a name."""
HIDDEN_KINDS: Final = frozenset({DEVICE, MAC, USER, SERIAL})
FEW: Final = frozenset({CODE, EFFECT, NAS, SITE, RULE, PROFILE})
"""Kinds with so few values that all of them can be listed."""

VERSION: Final = 2
"""To be counted up with every change of what terms a record has: an index holds those of its day."""

_GUIDS, _SUBJECT = "guids", "subject"
"""Texts in which device ids stand; texts that are a device id or a MAC."""
_DENIED: Final = frozenset({"A1002I", "A1003W", "A1004W", "A1005E", "A1008W", "A1010W", "A1011W", "A1012W"})
_ALONE: Final = {"code": CODE, "event": CODE, "by": USER, "request_id": REQUEST}
_WITHIN: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "nas": (("name", NAS), ("source", NAS), ("identifier", NAS), ("location", SITE), ("groups", SITE)),
    "endpoint": (("user", USER), ("user_name", USER), ("mac", MAC), ("calling_station_id", MAC)),
    "identity": (("id", DEVICE), ("mac", MAC)),
    "certificate": (("serial", SERIAL), ("fingerprint", SERIAL), ("san_upns", USER), ("san_uris", _GUIDS)),
    "eap": (("peer_identity", USER),),
    "session": tuple(
        (name, SESSION) for name in ("acct_session_id", "audit_session_id", "acct_multi_session_id", "class_token")
    ),
    "decision": (("rule", RULE), ("profile", PROFILE)),
    "wanted": (("rule", RULE), ("profile", PROFILE)),
    "monitor": (("profile", PROFILE),),
    "override": (("profile", PROFILE), ("subject", _SUBJECT)),
    "order": (("subject", _SUBJECT),),
    "lookup": (("id", _SUBJECT),),
    "request": (("id", REQUEST),),
    "mab": (("mac", MAC), ("ports", "")),
    "compliance": (("device", ""),),
}
"""Object, field, kind; without a kind, the field is an object or a list of them."""
_DEEPER: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "device": (("user", USER),),
    "ports": (("nas", NAS), ("source", NAS), ("nacd_session", SESSION)),
}


def terms_of(record: Mapping[str, Any]) -> set[Term]:
    """Everything that this record can be found by."""
    found: set[Term] = set()
    for name, value in record.items():
        if name in _ALONE:
            if type(value) is str and value:
                found.update(_terms(_ALONE[name], value))
        elif name in _WITHIN and type(value) is dict:
            _take(found, value, _WITHIN[name])
    found.update(_session(record.get("nacd_session")))
    _effect(found, record)
    identity = record.get("identity")
    if not (type(identity) is dict and identity.get("id")):
        why = record.get("why")
        if type(why) is str and why:
            found.update(_terms(_GUIDS, why))
    return found


def _take(found: set[Term], section: dict[str, Any], fields: tuple[tuple[str, str], ...]) -> None:
    for name, kind in fields:
        value = section.get(name)
        if not value:
            continue
        if type(value) is str:
            found.update(_terms(kind, value))
        elif type(value) is list:
            for each in value:
                if type(each) is str and each:
                    found.update(_terms(kind, each))
                elif type(each) is dict and not kind:
                    _take(found, each, _DEEPER[name])
        elif type(value) is dict and not kind:
            _take(found, value, _DEEPER[name])
        elif kind == SESSION:
            found.update(_session(value))


@lru_cache(maxsize=32_768)
def _terms(kind: str, text: str) -> tuple[Term, ...]:
    """What a text that is not empty stands for, where it stands for a kind."""
    if text.startswith("h:") and PSEUDONYM.fullmatch(text):
        kinds = (DEVICE,) if kind == _GUIDS else (DEVICE, MAC) if kind == _SUBJECT else (kind,)
        return tuple((each, text) for each in kinds if each in HIDDEN_KINDS)
    if kind == USER:
        return tuple((USER, name) for name in names_of(text))
    if kind == MAC:
        return ((MAC, mac),) if (mac := mac_of(text)) else ()
    if kind == SERIAL:
        return ((SERIAL, hexadecimal(text)),)
    if kind in (_GUIDS, _SUBJECT):
        guids = tuple((DEVICE, guid.lower()) for guid in GUID.findall(text))
        return guids + (_terms(MAC, text) if kind == _SUBJECT else ())
    return ((kind, folded(text)),) if kind else ()


def _session(number: object) -> tuple[Term, ...]:
    return ((SESSION, str(number)),) if type(number) is int and number > 0 else ()


def _effect(found: set[Term], record: Mapping[str, Any]) -> None:
    """What was decided; where nothing was, what the answer was."""
    for name in ("decision", "wanted"):
        section = record.get(name)
        if type(section) is dict and type(made := section.get("effect")) is str and made:
            found.add((EFFECT, folded(made)))
            return
    if type(code := record.get("code")) is str and code in _DENIED:
        found.add((EFFECT, "deny"))


def hexadecimal(text: str) -> str:
    """A serial number or fingerprint without leading zeros."""
    return folded(text).lstrip("0") or "0"


def names_of(user: str) -> tuple[str, ...]:
    """What a user can be asked for by: all that is written, and without realm and domain (``alice`` of
    ``CORP\\alice`` and ``alice@example.com``)."""
    whole = folded(user)
    bare = whole.replace("\\", "/").rpartition("/")[2].partition("@")[0]
    return (whole, bare) if bare and bare != whole else (whole,)
