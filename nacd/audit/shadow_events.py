"""The audit events of a shadow policy: their rows of the one table, and a builder for each.

Knows: what each record says and its one sentence of why. Refuses to know: the clock (``now`` is given), how two
decisions are compared, and which differences are written.

No record of these has to do with an answer: what the shadow says is what would have been.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from nacd.audit.blocks import Block, timestamp
from nacd.audit.kind import HEAD, Event, event
from nacd.values import AuditEvent, Instant

_FIELDS: Final = {
    "shadow.file": "policy file of the shadow",
    "shadow.digest": "digest of the shadow's policy and its lists; empty when it cannot be read",
    "shadow.effect": "`allow` or `deny`, by the shadow",
    "shadow.rule": "rule of the shadow, or `default-deny`",
    "shadow.profile": "authorization profile that the shadow gives; empty on deny",
    "shadow.reasons": "why the shadow's rule matched",
    "shadow.before": "the answer that was given: a profile, or `refused`",
    "shadow.after": "the answer that the shadow would give: a profile, `refused`, or what this NAS cannot be told",
    "shadow.attributes": "attributes that would change, where it is the same profile with others",
    "shadow.decided_at": "when the live policy decided",
    "shadow.problems": "what is wrong with the shadow, each with its place",
    "shadow.why": "what switched it off",
}
FIELDS: Final[Mapping[str, str]] = MappingProxyType(_FIELDS)
"""Meanings of the fields that only these events have."""

_POLICY: Final = ("shadow.file", "shadow.digest")
_WAY: Final = ("shadow.rule", "shadow.before", "shadow.after", "decision.rule")
_SPAN: Final = ("count", "first", "last")

ROWS: Final[tuple[Event, ...]] = (
    event(
        "A5001I",
        "shadow.differs",
        "The shadow policy would have given another answer; nothing came of it.",
        *HEAD,
        *("access", "nas.name", "nas.groups", "nas.location", "endpoint.mac", "endpoint.user", "endpoint.user_name"),
        *("identity.kind", "identity.id", "identity.mac", "compliance.state"),
        *("decision.effect", "decision.rule", "decision.profile", "decision.reasons", "decision.policy_digest"),
        *(name for name in _FIELDS if name not in ("shadow.file", "shadow.problems", "shadow.why")),
    ),
    event(
        "A5002I",
        "shadow.repeated",
        "Further differences between the same two rules and answers, counted while a window was open.",
        *(*HEAD, *_WAY, *_SPAN),
    ),
    event(
        "A5003I",
        "shadow.not_written",
        "More different differences than are written in one window; the rest were counted.",
        *(*HEAD, *_SPAN),
    ),
    event("A5010I", "shadow.loaded", "A shadow policy is evaluated beside the live one.", *HEAD, *_POLICY),
    event(
        "A5011W",
        "shadow.faulty",
        "The shadow policy cannot be used, so there is none; the live policy is not affected.",
        *(*HEAD, *_POLICY, "shadow.problems"),
    ),
    event(
        "A5012E",
        "shadow.switched_off",
        "Errors in nacd itself while the shadow was evaluated; it is off until it is loaded again.",
        *(*HEAD, *_POLICY, "shadow.why"),
    ),
)
_NAMES: Final = {row.code: row.name for row in ROWS}
_MOST_PROBLEMS: Final = 20
_BUDGET: Final = "shadow"
"""All differences share one budget of records a window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the shadow says of one decision. before, after: the answers in words. attributes: that would change."""

    digest: str
    effect: str
    rule: str
    profile: str
    reasons: tuple[str, ...]
    before: str
    after: str
    attributes: str = ""


def differs(*, of: Mapping[str, Any], said: Said, now: Instant) -> AuditEvent:
    """``shadow.differs``. of: the record of the live decision."""
    live = of["decision"]
    whom = of["identity"]["id"] or of["endpoint"]["mac"] or of["endpoint"]["user_name"] or "an endpoint"
    why = (
        f"{whom} on NAS `{of['nas']['name']}`: the shadow's rule `{said.rule}` would make {said.before} into"
        f" {said.after} ({'; '.join(said.reasons)}); rule `{live['rule']}` decided ({'; '.join(live['reasons'])})"
    )
    fields: Block = {
        "access": of["access"],
        "nas": _some(of["nas"], "name", "groups", "location"),
        "endpoint": _some(of["endpoint"], "mac", "user", "user_name"),
        "identity": _some(of["identity"], "kind", "id", "mac"),
        "compliance": _some(of["compliance"], "state"),
        "decision": _some(live, "effect", "rule", "profile", "reasons", "policy_digest"),
        "shadow": {
            "digest": said.digest,
            "effect": said.effect,
            "rule": said.rule,
            "profile": said.profile,
            "reasons": list(said.reasons),
            "before": said.before.replace("`", ""),
            "after": said.after.replace("`", ""),
            "attributes": said.attributes,
            "decided_at": of["time"],
        },
    }
    kind = repr((live["rule"], said.rule, said.before, said.after))
    return _event("A5001I", why, fields, now, repeat_key=kind, port_key=_BUDGET)


def loaded(*, file: str, digest: str, now: Instant) -> AuditEvent:
    """``shadow.loaded``."""
    why = f"the shadow policy `{file}` is evaluated beside the live one; nothing is decided by it"
    return _event("A5010I", why, {"shadow": {"file": file, "digest": digest}}, now)


def faulty(*, file: str, problems: Iterable[str], now: Instant) -> AuditEvent:
    """``shadow.faulty``. problems: what is wrong, each with its place."""
    told = list(problems)
    why = f"the shadow policy `{file}` cannot be used, there is none: {told[0] if told else 'nothing is known of it'}"
    return _event("A5011W", why, {"shadow": {"file": file, "digest": "", "problems": [*told[:_MOST_PROBLEMS]]}}, now)


def switched_off(*, file: str, digest: str, why: str, now: Instant) -> AuditEvent:
    """``shadow.switched_off``. why: what kind of error, and where."""
    told = f"the shadow policy `{file}` is off, by errors in nacd itself: {why}"
    return _event("A5012E", told, {"shadow": {"file": file, "digest": digest, "why": why}}, now)


# -- what was only counted (``repeats.Summaries``) ------------------------------------------------


def repeated(*, of: AuditEvent, count: int, first: float, last: float, now: Instant) -> AuditEvent:
    """``shadow.repeated``: ``count`` more differences of the kind of ``of``."""
    told: Any = of.fields
    fields: Block = {
        "decision": _some(told["decision"], "rule"),
        "shadow": _some(told["shadow"], "rule", "before", "after"),
        **_span(count, first, last),
    }
    # Nobody is named: these are many logins, and a record without their names could not be rid of them either.
    why = (
        f"{count} more times: the shadow's rule `{told['shadow']['rule']}` would make {told['shadow']['before']} into"
        f" {told['shadow']['after']}; rule `{told['decision']['rule']}` decided"
    )
    return _event("A5002I", why, fields, now)


def over_budget(
    *, of: AuditEvent, count: int, by_code: Mapping[str, int], first: float, last: float, now: Instant
) -> AuditEvent:
    """``shadow.not_written``: differences of kinds for which there was no room in the log."""
    del of, by_code
    return overflow(count=count, by_code={}, by_nas={}, first=first, last=last, now=now)


def overflow(
    *, count: int, by_code: Mapping[str, int], by_nas: Mapping[str, int], first: float, last: float, now: Instant
) -> AuditEvent:
    """``shadow.not_written``."""
    del by_code, by_nas
    why = f"{count} differences were not written, there are too many kinds of them: `nacd shadow report` counts all"
    return _event("A5003I", why, _span(count, first, last), now)


# -- parts ----------------------------------------------------------------------------------------


def _event(code: str, why: str, fields: Block, now: Instant, *, repeat_key: str = "", port_key: str = "") -> AuditEvent:
    head: Block = {"code": code, "time": timestamp(now.wall), "event": _NAMES[code], "why": why}
    return AuditEvent(code=code, fields={**head, **fields}, repeat_key=repeat_key, port_key=port_key)


def _some(block: Mapping[str, Any], *names: str) -> Block:
    return {name: block[name] for name in names}


def _span(count: int, first: float, last: float) -> Block:
    return {"count": count, "first": timestamp(first), "last": timestamp(last)}
