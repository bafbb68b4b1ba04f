"""Error-Cause, the NAS's own word for why it did not do what it was asked (RFC 5176 section 3.5).

Knows: every number, its name, and what each asks of us. Refuses to know: verbs, sessions and what comes next on a
NAS's ladder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from nacd.sessions import Meaning

NONE: Final = 0
"""No Error-Cause came: allowed, and what several NASes do with every NAK."""

RESIDUAL_CONTEXT_REMOVED: Final = 201


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What a NAK with this Error-Cause asks of us. name: in words, as an admin reads it."""

    name: str
    meaning: Meaning


CAUSES: Final[dict[int, Cause]] = {
    # 2xx end well, so they belong into an ACK; in a NAK only the first says anything of the session.
    201: Cause(name="residual session context removed", meaning=Meaning.GONE),
    202: Cause(name="invalid EAP packet", meaning=Meaning.ALARM),
    # 4xx: what we sent is wrong for this NAS; the same words would be refused again.
    401: Cause(name="unsupported attribute", meaning=Meaning.CONFIGURATION),
    # A NAS whose CoA serves another purpose misses that purpose's attributes: the verb is wrong, not the profile.
    402: Cause(name="missing attribute", meaning=Meaning.NEXT_VERB),
    403: Cause(name="NAS identification mismatch", meaning=Meaning.CONFIGURATION),
    404: Cause(name="invalid request", meaning=Meaning.CONFIGURATION),
    405: Cause(name="unsupported service", meaning=Meaning.NEXT_VERB),
    406: Cause(name="unsupported extension", meaning=Meaning.NEXT_VERB),
    407: Cause(name="invalid attribute value", meaning=Meaning.CONFIGURATION),
    # 5xx: the NAS, or a proxy on the way, cannot or may not.
    501: Cause(name="administratively prohibited", meaning=Meaning.ALARM),
    502: Cause(name="request not routable", meaning=Meaning.ALARM),
    503: Cause(name="session context not found", meaning=Meaning.GONE),
    504: Cause(name="session context not removable", meaning=Meaning.NEXT_VERB),
    505: Cause(name="other proxy processing error", meaning=Meaning.ALARM),
    506: Cause(name="resources unavailable", meaning=Meaning.LATER),
    507: Cause(name="request initiated", meaning=Meaning.LATER),
    508: Cause(name="multiple session selection unsupported", meaning=Meaning.NARROW),
    # IANA's list has grown since: RFC 5580 section 4.8 and RFC 7930 section 3.
    509: Cause(name="location information required", meaning=Meaning.CONFIGURATION),
    601: Cause(name="response too big", meaning=Meaning.ALARM),
}

_BARE: Final = Cause(name="no Error-Cause", meaning=Meaning.NEXT_VERB)


def refused(number: int) -> Cause:
    """What a NAK with this Error-Cause asks of us; ``NONE`` when there was none.

    A number that nobody has defined goes by its hundred (RFC 5176 section 3.5): 4xx is our fault, 5xx and all others
    need a person.
    """
    if number == NONE:
        return _BARE
    known = CAUSES.get(number)
    if known is not None:
        return known
    ours = 400 <= number <= 499
    return Cause(name=f"unknown Error-Cause {number}", meaning=Meaning.CONFIGURATION if ours else Meaning.ALARM)


def acknowledged(number: int, *, disconnect: bool) -> Cause:
    """What an ACK with this Error-Cause says: whatever it carries, it is an ACK.

    disconnect: it is a Disconnect-ACK, where 201 says that the session was over before and only its remains were
    cleared away, so that no Stop will come.
    """
    if disconnect and number == RESIDUAL_CONTEXT_REMOVED:
        return CAUSES[number]
    return Cause(name=CAUSES[number].name if number in CAUSES else "", meaning=Meaning.ACKNOWLEDGED)
