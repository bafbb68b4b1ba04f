"""The audit events of sessions, of the guard and of people's orders: codes, names, meanings and fields.

Knows: what such a record holds. Refuses to know: how it is filled (``session_events``); the other events and the
document that is made of all of them (``catalogue``).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from nacd.audit.kind import HEAD, event

NACD_SESSION: Final = "number of the session in nacd's own table, the same in every record about it; 0: none is known"


def _standing(which: str, what: str) -> dict[str, str]:
    return {
        f"{which}.effect": f"{what}: `allow` or `deny`; empty when nacd made none",
        f"{which}.rule": "rule of the policy, or order of a person (`override-quarantine` ...), behind it",
        f"{which}.profile": "authorization profile it gives; empty on deny",
        f"{which}.policy_digest": "digest of the policy it was made with",
        f"{which}.at": "when it was made",
        f"{which}.session_timeout_s": "Session-Timeout it gives, seconds; 0 for none",
        f"{which}.compliance.state": "verdict it rests on, the words of `compliance.state`",
        f"{which}.compliance.detail": "what stands behind that verdict, in words",
        f"{which}.compliance.provider": "who said so: `nac` or `graph`; empty when nobody did",
        f"{which}.compliance.source": "`live`, `cache`, `stale`, `bulk` or `none`, when the decision was made",
        f"{which}.compliance.as_of": "when Intune said so, or was asked in vain; empty when not asked",
        f"{which}.compliance.age_s": "age of that verdict at the time of this record, seconds; -1 when not asked",
        f"{which}.compliance.grace_until": "when `in_grace` ends; empty when nobody told",
    }


_FIELDS = {
    "session.acct_multi_session_id": "Acct-Multi-Session-Id as sent",
    "session.class_token": "nacd's own token in Class, which the NAS returns in accounting; empty where Class is not"
    " free",
    "session.user_name_octets": "User-Name as it came, in hex, where `endpoint.user_name` does not tell; else empty",
    "session.phase": "`authorized` (accepted, nothing heard of it yet), `live`, `ended` or `aged` (nothing heard for a"
    " long time)",
    "session.authorized_at": "when it was accepted; empty when nacd did not",
    "session.started_at": "when it began by its NAS's word; empty before that",
    "session.seen_at": "when anything was heard of it last",
    "session.voice": "true when it was let in as a phone: its port is never bounced",
    **_standing("standing", "the decision the session lives under"),
    **_standing("wanted", "the decision that is wanted for it"),
    "change.trigger": "what led to the new decision: `verdict` (something new is known of the device), `session` (it"
    " began, moved on, or was heard of again), `round` (time has passed, or a policy was loaded), `override`,"
    " `inventory`, or `admin`",
    "change.reasons": "why that rule matched",
    "held.why": "what keeps the change back: the guard, a window, trouble with Intune, an admin",
    "held.until": "when it is looked at again at the latest; empty when nobody knows",
    "asked.verb": "`reauthenticate`, `push`, `disconnect` or `bounce`",
    "asked.request": "`coa` (CoA-Request) or `disconnect` (Disconnect-Request), RFC 5176",
    "asked.host": "address it is sent to",
    "asked.port": "UDP port it is sent to",
    "asked.step": "rung of the NAS's ladder of verbs, from 0",
    "asked.tries": "how often this rung has been asked, with this time",
    "asked.attributes[].name": "attribute of the request by its dictionary name",
    "asked.attributes[].value": "its value; `***` where it is a secret",
    "asked.attributes[].tag": "its tag (RFC 2868), when it has one",
    "answer.meaning": "what the answer asks of nacd: `acknowledged`, `gone`, `next_verb`, `narrow`, `later`,"
    " `configuration`, `alarm` or `unanswered`",
    "answer.error_cause": "Error-Cause of the NAS (RFC 5176 section 3.5); 0 when it sent none",
    "answer.detail": "the answer in words, with the name of its Error-Cause",
    "answer.tries": "how often the request was sent; 0 when it was not",
    "answer.took_s": "from the first transmission to the answer, or to giving up, seconds",
    "converged.how": "what proves that the wanted decision is in force, or that the session is over",
    "converged.took_s": "from the decision to that proof, seconds",
    "alarm.text": "what a person has to look at",
    "ended.cause": "why nacd takes it to be over: no word of its NAS in accounting, or the NAS knows no such session",
    "withdrawn.cause": "why nothing is wanted any more",
    "withdrawn.after_s": "how long it was wanted, seconds",
    "guard.direction": "`down` (access is taken away), `up` (access is given), or empty for both",
    "guard.held": "how many sessions wait, or waited",
    "guard.limit": "how many might change within the window",
    "guard.until": "when the hold runs out by itself",
    "override.id": "number of the override",
    "override.subject_kind": "`device` or `mac`",
    "override.subject": "device id, or MAC",
    "override.tenant": "tenant it is limited to; empty for any",
    "override.effect": "`quarantine`, `block` or `allow`",
    "override.profile": "authorization profile it gives; empty for `block`",
    "override.reason": "why, in the words of whoever ordered it",
    "override.at": "when it was ordered",
    "override.until": "when it ends; empty when it has to be lifted",
    "order.name": "what was ordered, as on the command line",
    "order.subject": "session, device, MAC or direction it is about",
    "order.outcome": "what came of it, in words",
    "by": "who ordered it: the local user who knocked at the control socket",
}

FIELDS: Mapping[str, str] = MappingProxyType(_FIELDS)
"""Fields that only these records have."""


def _under(prefix: str) -> tuple[str, ...]:
    return tuple(name for name in _FIELDS if name.startswith(f"{prefix}."))


_SESSION = (
    *HEAD,
    "nacd_session",
    "access",
    *(f"nas.{part}" for part in ("name", "vendor", "source", "identifier", "address", "port", "port_id", "port_type")),
    *(
        f"endpoint.{part}"
        for part in ("user_name", "user", "mac", "calling_station_id", "called_station_id", "ssid", "framed_address")
    ),
    "session.acct_session_id",
    "session.audit_session_id",
    *_under("session"),
    *(f"identity.{part}" for part in ("kind", "id", "register", "mac", "source", "assurance", "detail", "tenant")),
    "chargeable_user_identity",
    *_under("standing"),
)
_CHANGE = (*_SESSION, *_under("wanted"))
_GUARD = (*HEAD, "guard.direction", "guard.held")
_OVERRIDE = (*HEAD, *_under("override"), "by")

ROWS = (
    event(
        "A4001I",
        "session.change_wanted",
        "A live session ought to be under another decision.",
        *_CHANGE,
        *_under("change"),
    ),
    event("A4002W", "session.held", "A wanted change is not asked of the NAS for now.", *_CHANGE, *_under("held")),
    event("A4003I", "session.asked", "A NAS is asked to change a session: it leaves.", *_CHANGE, *_under("asked")),
    event(
        "A4004I",
        "session.answered",
        "What the NAS answered, or that it did not.",
        *_CHANGE,
        "asked.verb",
        *_under("answer"),
    ),
    event(
        "A4005I",
        "session.converged",
        "It is proved that the session is under the wanted decision, or over.",
        *_CHANGE,
        *_under("converged"),
    ),
    event(
        "A4006W",
        "session.alarm",
        "A change does not come about, or its NAS is set up wrongly: a person has to look.",
        *_CHANGE,
        *_under("alarm"),
    ),
    event(
        "A4007I",
        "session.ended",
        "nacd takes a session to be over, or counts it no more, without a word of accounting.",
        *_SESSION,
        *_under("ended"),
    ),
    event(
        "A4008I",
        "session.withdrawn",
        "A change that was wanted is wanted no more: nothing is asked for it from now on.",
        *_CHANGE,
        *_under("withdrawn"),
    ),
    event(
        "A4010W",
        "guard.held",
        "More sessions would change at once than the guard allows: they wait for a person.",
        *_GUARD,
        "guard.limit",
        "guard.until",
    ),
    event("A4011I", "guard.released", "Changes that were held are let go.", *_GUARD, "by"),
    event("A4012I", "guard.discarded", "Changes that were held are not to happen for now.", *_GUARD, "by"),
    event("A4020I", "override.put", "A person set an override above the policy.", *_OVERRIDE),
    event("A4021I", "override.lifted", "A person lifted an override.", *_OVERRIDE),
    event("A4022I", "order.given", "A person gave nacd an order.", *HEAD, *_under("order"), "by"),
)
"""In the order of their codes."""
