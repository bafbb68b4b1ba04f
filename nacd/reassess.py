"""Deciding again about a session that is there, with what is known now.

Knows: what comes before the policy (an order of an admin, a certificate that has ended), and which way a new decision
goes. Refuses to know: which sessions there are, what set it off, clocks, and how a decision comes about.

Theory. It is the decision of a login, made of the same grounds by the same ``evaluate``; only the verdict and the time
are newer. The caller chooses the verdict. An outage is no news about a device, so ``unavailable`` decides about logins
alone: a caller passes the newest verdict there is, and the one the session lives under where there is none.

A policy that was loaded since may decide differently about everybody. Where that is not to count, the old facts are put
to the new policy: if it says of them what it says of the new ones, the verdict has changed nothing.

What counts of a decision under a monitor is what a login would be answered: a session lives under its answer, and is
left alone until the monitor ends or something else is answered. While it lasts, what was let in with a profile that is
kept stays as it is, too: monitor mode takes nobody off the network. A managed device that came by its MAC, and was let
in by a monitor alone, earns nothing by a rule: a login of it would be refused still.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from nacd import admit
from nacd.policy.evaluate import evaluate
from nacd.policy.model import Policy
from nacd.session import overrides
from nacd.session.macs.managed import MANAGED
from nacd.session.overrides import InForce, Override, OverrideEffect
from nacd.session.table import is_same_decision
from nacd.sessions import Grounds, NotOurs, Pending, Session, Standing
from nacd.values import (
    NO_FACTS,
    AccessKind,
    CertificateFacts,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Decision,
    Effect,
    Facts,
)

EXPIRED: Final = "certificate-expired"
"""Stands where a rule is named."""
_ORDERS: Final = frozenset(f"override-{each}" for each in OverrideEffect)

_RANKS: Final = {
    ComplianceState.COMPLIANT: 4,
    ComplianceState.IN_GRACE: 3,
    ComplianceState.UNKNOWN: 2,
    ComplianceState.NOT_MANAGED: 1,
    ComplianceState.NONCOMPLIANT: 1,
    ComplianceState.UNAVAILABLE: 0,
}
"""Which verdict earns more access. ``not_asked`` is none and compares with nothing."""
_ENROLLED: Final = frozenset(state for state, rank in _RANKS.items() if rank) - {ComplianceState.NOT_MANAGED}
"""Verdicts about a device that is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reassessed:
    """What is decided now. reasons: why, in words. down: it takes access away, or may do so. old: it is another
    decision because of a verdict that is stale, or from a list: Intune, asked now, might say otherwise."""

    wanted: Standing
    reasons: tuple[str, ...]
    down: bool
    old: bool = False


def reassess(
    session: Session,
    compliance: Compliance,
    ordered: InForce,
    policy: Policy,
    now: float,
    *,
    policy_counts: bool,
    sayable: bool = True,
    inventory: tuple[str, ...] = (),
) -> Reassessed | NotOurs:
    """Decide again. Total, raises nothing. ``NotOurs`` for a session of which the grounds are not known.

    compliance: the newest there is about its device. ordered: the order in force for it. now: seconds since the epoch.
    policy_counts: whether a decision that differs only because the policy differs is a change; if not, it stays as it
    is. sayable: as for ``overrides.decision``, of the order's profile and the session's NAS: what no login can be given
    must not be wanted of a session, which would never come to it. inventory: as in ``Facts``, as of now.
    """
    grounds, standing = session.grounds, session.standing
    if not isinstance(grounds, Grounds) or not isinstance(standing, Standing):
        return NotOurs()
    then, compliance = grounds, _with_facts(compliance, standing.compliance)
    if grounds.inventory != inventory:
        grounds = replace(grounds, inventory=inventory)
    decided = _decision(grounds, standing, compliance, ordered, policy, now, sayable)
    wanted = admit.standing(decided, compliance, now)
    if is_same_decision(standing, wanted):
        return Reassessed(wanted=wanted, reasons=decided.reasons, down=False)
    if not policy_counts and not _is_above_policy(wanted):
        for known in _known(session):
            if _differs_by_policy_alone(known, then, wanted, policy):
                down = not is_same_decision(standing, known) and is_down(standing, known)
                return Reassessed(wanted=known, reasons=("only the policy has changed",), down=down)
    old = grounds.key != "" and not _is_above_policy(wanted) and _rests_on_old(standing, grounds, wanted, policy)
    return Reassessed(wanted=wanted, reasons=decided.reasons, down=is_down(standing, wanted), old=old)


def is_down(before: Standing | NotOurs, after: Standing) -> bool:
    """Whether the way from one decision to the other takes access away.

    A refusal is below everything. Of two profiles nobody knows which gives more, so the better verdict tells; where it
    does not, the change counts as one that takes access away, which is the direction that is guarded better.
    """
    if isinstance(before, NotOurs) or after.effect is Effect.DENY:
        return True
    if before.effect is Effect.DENY:
        return False
    old, new = _RANKS.get(before.compliance.state), _RANKS.get(after.compliance.state)
    return old is None or new is None or new <= old


def is_worse(one: Compliance, other: Compliance) -> bool:
    """Whether it earns less access; never so where one of them is no verdict about a device."""
    ranks = (_RANKS.get(one.state, 0), _RANKS.get(other.state, 0))
    return 0 < ranks[0] < ranks[1]


def is_ordered(standing: Standing) -> bool:
    """Whether an admin's order stands behind it, and not the policy."""
    return standing.rule in _ORDERS


def baseline(session: Session) -> Compliance | NotOurs:
    """The verdict that the session was decided upon last, for want of a newer one."""
    if isinstance(session.wish, Pending):
        return session.wish.wanted.compliance
    return session.standing.compliance if isinstance(session.standing, Standing) else NotOurs()


def _decision(
    grounds: Grounds,
    standing: Standing,
    compliance: Compliance,
    ordered: InForce,
    policy: Policy,
    now: float,
    sayable: bool,
) -> Decision:
    if isinstance(ordered, Override):
        return overrides.decision(ordered, policy.digest, sayable=sayable, about=grounds.identity)
    certificate = grounds.certificate
    if isinstance(certificate, CertificateFacts) and now >= certificate.not_after:
        return Decision(
            effect=Effect.DENY,
            rule=EXPIRED,
            profile="",
            reasons=(f"the certificate `{certificate.subject}` has expired",),
            policy_digest=policy.digest,
        )
    return _answered(policy, admit.facts(grounds, compliance, now), standing)


def _answered(policy: Policy, facts: Facts, standing: Standing | NotOurs, known: Standing | None = None) -> Decision:
    """What a login with these facts would be answered; standing: what the session lives under. known: what was decided
    of it, where that is another."""
    decision = evaluate(policy, facts, asked=True)
    if decision.effect is Effect.ALLOW and _is_kept_out(known or standing, facts, policy):
        words = f"it is managed, and came by its MAC: rule `{decision.rule}` does not let it in"
        decision = replace(
            decision, effect=Effect.DENY, rule=MANAGED, profile="", reasons=(words,), refused_above=MANAGED
        )
    monitor = policy.monitors.of(decision, facts.nas, facts.at)
    if monitor is None:
        return decision
    if isinstance(standing, Standing) and standing.profile in monitor.keep and not is_ordered(standing):
        return monitor.given(decision, profile=standing.profile)
    return monitor.given(decision)


def _with_facts(told: Compliance, before: Compliance) -> Compliance:
    """What could not be told is no news: groups of the same user stand as they were told of before, and so does all of
    a device of which the other provider tells a verdict and nothing else."""
    now, then = told.device, before.device
    if now == NO_FACTS and told.provider != before.provider and told.state in _ENROLLED:
        return replace(told, device=then)
    if not now.groups_doubt or now.user != then.user:
        return told
    known = {*now.in_groups, *now.outside_groups}
    inside = (*now.in_groups, *(each for each in then.in_groups if each not in known))
    outside = (*now.outside_groups, *(each for each in then.outside_groups if each not in known))
    return replace(told, device=replace(now, in_groups=inside, outside_groups=outside))


def _is_kept_out(standing: Standing | NotOurs, facts: Facts, policy: Policy) -> bool:
    """Whether ``ManagedMacs`` had refused it, and not a rule that is called so."""
    if facts.access is not AccessKind.MAB or not isinstance(standing, Standing) or standing.rule != MANAGED:
        return False
    return not any(rule.name == MANAGED for rule in policy.rules)


def _known(session: Session) -> tuple[Standing, ...]:
    """What was decided before: what is wanted already, and what it lives under."""
    wanted = (session.wish.wanted,) if isinstance(session.wish, Pending) else ()
    return wanted + ((session.standing,) if isinstance(session.standing, Standing) else ())


def _differs_by_policy_alone(known: Standing, grounds: Grounds, wanted: Standing, policy: Policy) -> bool:
    if known.policy_digest == policy.digest or _is_above_policy(known):
        return False
    then = _answered(policy, admit.facts(grounds, known.compliance, known.at), NotOurs(), known)
    return (then.effect, then.profile) == (wanted.effect, wanted.profile)


def _rests_on_old(standing: Standing, grounds: Grounds, wanted: Standing, policy: Policy) -> bool:
    """Whether the verdict it lives under, were it as young now as it was then, would leave it where it is: hours that
    end, or a policy, need no word of Intune's."""
    if wanted.compliance.source not in (ComplianceSource.STALE, ComplianceSource.BULK):
        return False
    before = standing.compliance
    young = replace(before, as_of=before.as_of + wanted.at - standing.at)
    then = _answered(policy, admit.facts(grounds, young, wanted.at), standing)
    return (then.effect, then.profile) != (wanted.effect, wanted.profile)


def _is_above_policy(standing: Standing) -> bool:
    return is_ordered(standing) or standing.rule == EXPIRED
