"""Clauses that no test holds, because nacd does not do what they ask for (yet), each with the reason."""

from __future__ import annotations

from typing import Final, NamedTuple


class Gap(NamedTuple):
    """clause: as a test names it. reason: one sentence for people."""

    clause: str
    requirement: str
    reason: str


_NO_REVOCATION: Final = "nacd checks no revocation yet: a stolen device is blocked in Intune, or its CA is taken out"

NOT_YET: Final = (
    Gap(
        "RFC 2866 section 5.3",
        "octets and packets of a session are counted",
        "nacd bills nothing: the counters are acknowledged and not kept",
    ),
    Gap(
        "RFC 2869 section 5.1",
        "gigawords extend the counters past 32 bits",
        "the counters are not kept, so their upper halves are not either",
    ),
    Gap(
        "RFC 2869 section 5.16",
        "Acct-Interim-Interval is not below 60 seconds",
        "no intention of a profile sets it; under `attributes` a profile may hold any number",
    ),
    Gap(
        "RFC 4372 section 2.1",
        "CUI selects the session of a CoA or Disconnect",
        "sessions are named by what their vendor documents, and none of those shipped documents CUI",
    ),
    Gap("RFC 9190 section 5.4", "revocation of every certificate of the peer's chain is checked", _NO_REVOCATION),
    Gap(
        "RFC 9190 section 5.4",
        "a server can staple the OCSP status of its own certificate",
        "nacd answers no status request; supplicants that insist on one do not connect",
    ),
    Gap(
        "draft-ietf-radext-deprecating-radius transport",
        "RADIUS/UDP stays inside trusted networks, elsewhere TLS carries it",
        "nacd speaks no RADIUS/TLS yet: put radsecproxy or a tunnel in front of it",
    ),
)
