"""Filters of a search, with the pseudonyms of what they name.

Knows: which filters name somebody, and what a value of theirs may have been hidden as. Refuses to know: how the trail
is searched, and what is hidden today.

A trail holds both: what was recorded before names were hidden, and after. So both are looked for wherever there is a
key: one field may be hidden alone, or was hidden last year.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeAlias

from nacd.audit.asking.spelling import folded, mac_of
from nacd.audit.asking.terms import PSEUDONYM, hexadecimal
from nacd.audit.privacy.kinds import Kind, Treatment
from nacd.audit.privacy.pseudonyms import address_of, pseudonym
from nacd.cli.audit.hidden.key import NoKey, hidden

Clauses: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]

_NAMING: Final = ("user", "mac", "device", "serial")
_FINGERPRINT_DIGITS: Final = 64


def with_pseudonyms(config: Path, clauses: Clauses) -> Clauses:
    """The same filters; each that names somebody takes the pseudonyms of its values, too."""
    if not any(True for name, values in clauses for each in values for _ in _hidden_as(name, each)):
        return clauses
    try:
        found = hidden(config)
    except NoKey:
        return clauses  # whoever searches a file elsewhere may have no configuration
    if found.reference is None and Treatment.HASH not in found.kinds.values():
        return clauses
    try:
        key = found.key()
    except NoKey as wrong:
        print(f"{wrong}: records with pseudonyms are not found", file=sys.stderr)
        return clauses
    return tuple(
        (name, (*values, *(pseudonym(key, kind, said) for each in values for kind, said in _hidden_as(name, each))))
        for name, values in clauses
    )


def _hidden_as(name: str, value: str) -> Iterator[tuple[Kind, str]]:
    """What a value of this filter may have been hidden as, and how it was written then."""
    if name not in _NAMING or "*" in value or PSEUDONYM.fullmatch(folded(value.strip())):
        return
    if name == "user":
        yield Kind.USER, value
        yield Kind.DEVICE, value  # `host/...`, and a User-Name that is a device id
        yield Kind.TEXT, value  # a field that names nobody by itself, as `by`
        if mac_of(value):
            yield Kind.MAC, value
        if address_of(value):
            yield Kind.ADDRESS, value
    elif name == "serial":
        bare = hexadecimal(re.sub(r"[:\s]", "", folded(value)).removeprefix("0x"))
        # As records have them: a serial number without zeros before it, a fingerprint in full.
        yield from ((Kind.DEVICE, said) for said in dict.fromkeys((bare, bare.zfill(_FINGERPRINT_DIGITS))))
    else:
        yield Kind.MAC if name == "mac" else Kind.DEVICE, value
