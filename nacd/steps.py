"""How far a request has come: what ``authorize`` returns to whoever can wait, and send.

Knows: these words. Refuses to know: how one leads to the next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from nacd.admit import NOTHING, Left
from nacd.compliance.question import Question
from nacd.policy.monitor.scopes import Monitor
from nacd.quick import quick
from nacd.values import AccessRequest, AuditEvent, Instant, Md5Verified, Named, PeerAuthenticated, Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class NoEap:
    """The request was decided without EAP."""

    success: bytes = b""
    failure: bytes = b""


Proof: TypeAlias = PeerAuthenticated | Md5Verified | NoEap


@dataclass(frozen=True, slots=True, kw_only=True)
class NoQuestion:
    """Nothing to look up early."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """Nothing may be sent, and why (RFC 3748 section 4: discard)."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Continue:
    """An Access-Challenge. early: what can be asked of Intune while the peer answers."""

    reply: Reply
    early: Question | NoQuestion = field(default_factory=NoQuestion)


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A final answer with its audit event.

    refusal: sent instead if the audit log cannot take the event, or if the reply fits into no packet;
    too_long: makes the event for that second case. blames_endpoint: the endpoint could do better next time, or
    stop asking; false when nacd or Intune could not do their part. actions: what is to be asked of Intune besides.
    left: the session that it begins once it is sent, or that there may be none. monitored: by whom something else is
    answered than was decided; None: by nobody.
    """

    reply: Reply
    event: AuditEvent
    refusal: Reply
    too_long: Callable[[Instant], AuditEvent]
    blames_endpoint: bool = False
    actions: tuple[str, ...] = ()
    left: Left = NOTHING
    monitored: Monitor | None = None


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class NeedCompliance:
    """The policy cannot decide without asking Intune this question."""

    question: Question
    request: AccessRequest
    named: Named
    proof: Proof
    received: Instant


Step: TypeAlias = Silent | Continue | Answer | NeedCompliance
