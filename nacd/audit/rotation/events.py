"""The audit events of secrets, certificates and credentials that end and are changed: their rows of the one table, and
a builder for each.

Knows: what each record says and its one sentence of why. Refuses to know: the clock (``now`` is given), when something
is due, and every key and secret: what is changed is named by who has it, certificates by their fingerprint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from nacd.audit.blocks import Block, timestamp
from nacd.audit.kind import HEAD, Event, event
from nacd.values import AuditEvent, Instant

_FIELDS: Final = {
    "change.to": "which of two valid secrets it comes with now: `secret` or `next_secret`",
    "change.before": "when it came with the other one last",
    "our_certificate.what": "`server` (shown to supplicants), `server_chain` (sent with it) or `client_ca`",
    "our_certificate.name": "entry of `client_cas`; empty for the server's",
    "our_certificate.subject": "its subject (RFC 4514)",
    "our_certificate.fingerprint": "SHA-256 over it, hex; empty when it was taken away",
    "our_certificate.before": "fingerprint of what was in its place before; empty when there was nothing",
    "our_certificate.not_after": "end of its validity",
    "our_certificate.days_left": "whole days until then; negative when it is over",
    "app.tenant": "tenant whose app proves itself by it, by its name in nacd's configuration",
    "app.which": "`credential` or `next_credential`",
    "app.kind": "`client secret`, `certificate` or `managed identity`",
    "app.not_after": "when it ends; empty when nobody knows",
    "app.days_left": "whole days until then; negative when it is over, 0 when nobody knows",
    "app.detail": "what the login service said, or what is other than before, in words",
}
FIELDS: Final[Mapping[str, str]] = MappingProxyType(_FIELDS)
"""Meanings of the fields that only these events have."""

_CERTIFICATE: Final = tuple(f for f in _FIELDS if f.startswith("our_certificate."))
_APP: Final = tuple(f for f in _FIELDS if f.startswith("app."))

ROWS: Final[tuple[Event, ...]] = (
    event(
        "A9160I",
        "client.secret_changed",
        "A NAS came with the other one of its two valid secrets for the first time; written once for an address.",
        *(*HEAD, "nas.name", "nas.source", "change.to", "change.before"),
    ),
    event(
        "A9161I",
        "certificate.changed",
        "A reload put another server certificate or client CA in force, or took one away.",
        *(*HEAD, *(f for f in _CERTIFICATE if f != "our_certificate.days_left")),
    ),
    event(
        "A9162W",
        "certificate.expires",
        "The server certificate, one that is sent with it, or a client CA ends within 30 days, 7 days or a day, or has"
        " ended; once a day at most.",
        *(*HEAD, *(f for f in _CERTIFICATE if f != "our_certificate.before")),
    ),
    event(
        "A9163W",
        "credential.expires",
        "What an app proves itself by to Microsoft ends within 30 days, 7 days or a day, or has ended; once a day at"
        " most.",
        *(*HEAD, *(f for f in _APP if f != "app.detail")),
    ),
    event(
        "A9164I",
        "credential.changed",
        "A reload put another app credential in force, or took one away.",
        *(*HEAD, *(f for f in _APP if f != "app.days_left")),
    ),
    event(
        "A9165W",
        "credential.refused",
        "Microsoft's login service refused an app credential; the other one, if there is one, is tried at once.",
        *(*HEAD, *(f for f in _APP if f != "app.days_left")),
    ),
    event(
        "A9166I",
        "credential.accepted",
        "Microsoft's login service took an app credential: the first time since it was set, or since one was refused.",
        *(*HEAD, *(f for f in _APP if f not in ("app.days_left", "app.detail"))),
    ),
)
_NAMES: Final = {row.code: row.name for row in ROWS}
_DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OurCertificate:
    """One of ours, or one that we trust. what, name: as in the fields. not_after: seconds since the epoch."""

    what: str
    name: str
    subject: str
    fingerprint: str
    not_after: float

    @property
    def words(self) -> str:
        """For people."""
        match self.what:
            case "server":
                return f"the server certificate {self.subject}"
            case "server_chain":
                return f"{self.subject}, which is sent with the server certificate,"
            case _:
                return f"client CA `{self.name}` ({self.subject})"


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """What an app proves itself by. not_after: seconds since the epoch, 0.0 if nobody knows."""

    tenant: str
    which: str
    kind: str
    not_after: float

    @property
    def words(self) -> str:
        """For people."""
        return f"`{self.which}` of tenant `{self.tenant}` ({self.kind})"


def secret_changed(*, nas: str, source: str, to: str, before_at: float, now: Instant) -> AuditEvent:
    """``client.secret_changed``. to: ``secret`` or ``next_secret``. before_at: seconds since the epoch."""
    other = "secret" if to == "next_secret" else "next_secret"
    why = f"NAS `{nas}` at {source} comes with `{to}` now, and came with `{other}` before"
    change: Block = {"to": to, "before": timestamp(before_at)}
    return _event("A9160I", why, {"nas": {"name": nas, "source": source}, "change": change}, now)


def certificate_changed(new: OurCertificate, *, before: str, now: Instant) -> AuditEvent:
    """``certificate.changed``. new: what is in force, or what was and is not. before: fingerprint, ``""`` for none."""
    gone = before == new.fingerprint
    if gone:
        why = f"{new.words} was taken away"
    elif before:
        why = f"{new.words} took the place of {before[:16]}…, and is good until {timestamp(new.not_after)[:10]}"
    else:
        why = f"{new.words} was added, and is good until {timestamp(new.not_after)[:10]}"
    block = _certificate(new)
    block |= {"fingerprint": "" if gone else new.fingerprint, "before": before}
    return _event("A9161I", why, {"our_certificate": block}, now)


def certificate_expires(one: OurCertificate, *, now: Instant) -> AuditEvent:
    """``certificate.expires``."""
    why = f"{one.words} {_ends(one.not_after, now)}"
    block = _certificate(one)
    block["days_left"] = _days_left(one.not_after, now)
    return _event("A9162W", why, {"our_certificate": block}, now)


def credential_expires(one: App, *, now: Instant) -> AuditEvent:
    """``credential.expires``."""
    why = f"{one.words} {_ends(one.not_after, now)}: make a new one in the app registration"
    block = _app(one)
    block["days_left"] = _days_left(one.not_after, now)
    return _event("A9163W", why, {"app": block}, now)


def credential_changed(one: App, *, detail: str, now: Instant) -> AuditEvent:
    """``credential.changed``. detail: a clause, as in ``was added``."""
    return _event("A9164I", f"{one.words} {detail}", {"app": {**_app(one), "detail": detail}}, now)


def credential_refused(one: App, *, detail: str, now: Instant) -> AuditEvent:
    """``credential.refused``. detail: what the login service said, in words."""
    return _event("A9165W", f"{one.words} was refused: {detail}", {"app": {**_app(one), "detail": detail}}, now)


def credential_accepted(one: App, *, now: Instant) -> AuditEvent:
    """``credential.accepted``."""
    return _event("A9166I", f"the login service took {one.words}", {"app": _app(one)}, now)


def _certificate(one: OurCertificate) -> Block:
    return {
        "what": one.what,
        "name": one.name,
        "subject": one.subject,
        "fingerprint": one.fingerprint,
        "not_after": timestamp(one.not_after),
    }


def _app(one: App) -> Block:
    ends = timestamp(one.not_after) if one.not_after else ""
    return {"tenant": one.tenant, "which": one.which, "kind": one.kind, "not_after": ends}


def _days_left(not_after: float, now: Instant) -> int:
    return int((not_after - now.wall) // _DAY_S) if not_after else 0


def _ends(not_after: float, now: Instant) -> str:
    days, day = _days_left(not_after, now), timestamp(not_after)[:10]
    if days < 0:
        return f"ended on {day}"
    return f"ends on {day}, in {days} day{'' if days == 1 else 's'}" if days else f"ends within a day, on {day}"


def _event(code: str, why: str, fields: Block, now: Instant) -> AuditEvent:
    head: Block = {"code": code, "time": timestamp(now.wall), "event": _NAMES[code], "why": why}
    return AuditEvent(code=code, fields={**head, **fields})
