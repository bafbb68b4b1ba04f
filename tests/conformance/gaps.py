"""Clauses that no test holds, because nacd does not do what they ask for (yet), each with the reason."""

from __future__ import annotations

from typing import Final, NamedTuple


class Gap(NamedTuple):
    """clause: as a test names it. reason: one sentence for people."""

    clause: str
    requirement: str
    reason: str


_NO_COA: Final = "nacd sends no Disconnect and no CoA yet"
_NO_REVOCATION: Final = "nacd checks no revocation yet: a stolen device is blocked in Intune, or its CA is taken out"

NOT_YET: Final = (
    Gap(
        "RFC 2865 section 5.25",
        "Class of the Accept comes back in accounting and ties the two together",
        "nacd sends no Class of its own; Acct-Session-Id, audit-session-id and Chargeable-User-Identity tie them",
    ),
    Gap(
        "RFC 2866 section 5.1",
        "Accounting-On and Accounting-Off end all sessions of the NAS",
        "nacd keeps no table of sessions yet: both are recorded, and there is nothing to close",
    ),
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
    Gap("RFC 4372 section 2.1", "CUI selects the session of a CoA or Disconnect", _NO_COA),
    Gap(
        "RFC 5080 section 2.2.1",
        "a client retransmits after 2 seconds, doubled up to 16, with jitter",
        "nacd is no RADIUS client yet: it sends no request of its own",
    ),
    Gap("RFC 5176 section 2.3", "Disconnect and CoA to UDP port 3799, retransmitted unchanged", _NO_COA),
    Gap("RFC 5176 section 3", "sessions are selected by identification attributes alone", _NO_COA),
    Gap("RFC 5176 section 3.5", "Error-Cause of a NAK is understood and recorded", _NO_COA),
    Gap("RFC 5176 section 6.3", "every request carries Event-Timestamp against replays", _NO_COA),
    Gap(
        "RFC 5997 section 4.6",
        "Status-Server is counted apart from other requests",
        "no RADIUS metrics yet; drops are counted by reason",
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
