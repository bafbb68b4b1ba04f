"""``nacd audit pseudonym``: what stands in the trail in place of a name.

Knows: one value of one kind, and how it is said. Refuses to know: the trail.
"""

from __future__ import annotations

import sys
from pathlib import Path

from nacd.audit.asking.spelling import GUID, mac_of
from nacd.audit.privacy.kinds import Kind
from nacd.audit.privacy.pseudonyms import address_of, pseudonym
from nacd.cli.audit.hidden.key import NoKey, hidden


def run(config: Path, kind: Kind, value: str) -> int:
    """Print it. Exit code 0; 2 if it cannot be had."""
    if kind is Kind.MAC and not mac_of(value):
        return _cannot(f"--mac `{value[:60]}` is no MAC address")
    if kind is Kind.ADDRESS and not address_of(value):
        return _cannot(f"--address `{value[:60]}` is no IP address")
    try:
        key = hidden(config).key()
    except NoKey as wrong:
        return _cannot(str(wrong))
    if kind is Kind.DEVICE and not GUID.search(value):
        print(
            "this is no device id: it is taken for the name of a machine, a serial number, or the like", file=sys.stderr
        )
    print(pseudonym(key, kind, value))
    return 0


def _cannot(words: str) -> int:
    print(words, file=sys.stderr)
    return 2
