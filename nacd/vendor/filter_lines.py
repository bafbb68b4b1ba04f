"""The languages in which a NAS takes the lines of a downloadable access list.

Knows: by what a line of each language can be told from the others. Refuses to know: whether the
NAS can carry the line out; only the NAS does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

_IPFILTER = r"(permit|deny) {direction} \S+ from !?\S+( \S+)* to !?\S+( \S+)*"

LANGUAGES: Final[Mapping[str, re.Pattern[str]]] = {
    # Extended access list entries; the protocol is never `in` or `out`, which keeps IPFilterRule out.
    "cisco": re.compile(r"((permit|deny) (?!in |out )[a-z0-9-]+ \S+ \S+( \S+)*|remark \S.*)"),
    # RFC 3588 section 4.3 IPFilterRule, as RFC 4849 uses it.
    "ipfilter": re.compile(_IPFILTER.format(direction="(in|out)")),
    # The same, for a NAS that filters only what comes from the endpoint.
    "ipfilter-in": re.compile(_IPFILTER.format(direction="in")),
    # Juniper-Switching-Filter: a match and an action, both mandatory.
    "junos": re.compile(r"match \S.*[ ,]action (allow|deny)\b.*", re.IGNORECASE),
}

EXAMPLES: Final[Mapping[str, str]] = {
    "cisco": "permit tcp any host 10.0.0.1 eq 443",
    "ipfilter": "permit in tcp from any to 10.0.0.1 443",
    "ipfilter-in": "permit in tcp from any to 10.0.0.1 443",
    "junos": "Match Destination-ip 10.0.0.1, Destination-port 443 Action allow",
}


def first_foreign(lines: Sequence[str], language: str) -> int:
    """Number (from 1) of the first line that is not of this language, 0 when all are."""
    pattern = LANGUAGES[language]
    for number, line in enumerate(lines, start=1):
        if not pattern.fullmatch(line):
            return number
    return 0


def other_language(lines: Sequence[str], language: str) -> str:
    """Another language that all the lines are of, ``""`` when there is none."""
    for other in LANGUAGES:
        if other != language and not first_foreign(lines, other):
            return other
    return ""
