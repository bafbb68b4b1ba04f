"""What another policy says of a decision that was just made, beside what was decided.

Knows: when the two are the same answer, and when they cannot be compared. Refuses to know: how many decisions there
were (``differences``), where the record comes from, and what becomes of the answer.

Theory. The record of a decision holds every fact that the decision used, so a candidate is asked about the record, as
``nacd whatif`` does, and sees what the live policy saw: the same facts, the same verdict. Where the live policy asked
nobody and the candidate would, what is known already may decide; nothing is asked, and nothing is made up.

Ten thousand rules take milliseconds, and whoever has less time at once must be able to stop in between. So the rules
are tried some hundred at a time, as policies of their own: the first of them all that matches is the first of the first
of these in which one does.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, TypeAlias

from nacd.compliance.question import Question, question
from nacd.policy.evaluate import NeedsCompliance, evaluate
from nacd.policy.model import DEFAULT_DENY, Policy
from nacd.replay.answer import REFUSED, Answers, Difference
from nacd.replay.judge import CouldBeAsked, Unasked, without_asking
from nacd.replay.record import Aside, Fields, Outcome, Recorded, read, who
from nacd.replay.tally import NOT_THE_POLICYS
from nacd.values import Compliance, ComplianceState, Decision, Effect, Facts, Rendered

Learn: TypeAlias = Callable[[Question], Compliance | None]
"""What is known of a device without asking anybody; None: nothing that would count at a login."""


class Why(StrEnum):
    """Why a decision is not compared. Stable words."""

    ABOVE_POLICY = "above_policy"
    """A person's order decided, or something else that is looked at before any rule."""
    UNDECIDABLE = "undecidable"
    """The candidate wants to know compliance, or a user's groups, and nobody had asked."""
    ANOTHER_POLICY = "another_policy"
    """It was made by a policy that is not the live one any more."""
    UNREADABLE = "unreadable"
    """Its record does not hold what the candidate has to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Same:
    """The answer would be the same. renamed: by a rule of another name."""

    renamed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NotCompared:
    """detail: the rule that asks for compliance, or the field that cannot be read; ``""``: none."""

    why: Why
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Differs:
    """The answer would be another one. live, shadow: both decisions, and the reasons for each. whose: the device id,
    else the MAC, else the user. time: of the decision, RFC 3339."""

    difference: Difference
    live: Outcome
    live_reasons: tuple[str, ...]
    shadow: Outcome
    shadow_reasons: tuple[str, ...]
    facts: Facts
    whose: str
    time: str

    @property
    def kind(self) -> tuple[str, str, str, str]:
        """What is the same of differences that are alike: both rules, both answers."""
        return (self.live.rule, self.shadow.rule, self.difference.before, self.difference.after)


Compared: TypeAlias = Same | Differs | NotCompared
Comparing: TypeAlias = Generator[None, None, Compared]
"""A comparison under way: it stops now and then, and returns what came of it."""
_AT_ONCE: Final = 400
_TELLS_GROUPS: Final = "graph"
_SAME: Final = {renamed: Same(renamed=renamed) for renamed in (False, True)}


class Candidate:
    """One policy that is tried out. rendered: what its profiles send to each vendor in use, where that can be said.

    live_digest: of the policy whose decisions it is compared with. graph_tenants: those whom Graph is asked about.
    """

    def __init__(
        self,
        policy: Policy,
        rendered: Mapping[tuple[str, str], Rendered],
        *,
        live_digest: str,
        graph_tenants: frozenset[str] = frozenset(),
        at_once: int = _AT_ONCE,
    ) -> None:
        """at_once: rules that are tried without a stop."""
        self._parts = _parts(policy, at_once)
        self._rendered = rendered
        self._answers = Answers(rendered)
        self._live_digest = live_digest
        self._graph_tenants = graph_tenants

    def compare(self, fields: Fields, learn: Learn) -> Comparing:
        """What it says of the decision in this record. Total for what the builders of records make."""
        recorded = read(fields)
        if isinstance(recorded, Aside):
            above = recorded.cause in NOT_THE_POLICYS
            return NotCompared(why=Why.ABOVE_POLICY if above else Why.UNREADABLE, detail=recorded.detail)
        if recorded.policy_digest != self._live_digest:
            return NotCompared(why=Why.ANOTHER_POLICY)
        judged = yield from self._judge(recorded.facts, learn)
        if isinstance(judged, Unasked):
            return NotCompared(why=Why.UNDECIDABLE, detail=judged.rule)
        now = Outcome(judged.effect, judged.rule, judged.profile)
        difference = self._difference(fields, recorded, now)
        if difference is None:
            return _SAME[recorded.outcome.rule != now.rule]
        return Differs(
            difference=difference,
            live=recorded.outcome,
            live_reasons=recorded.reasons,
            shadow=now,
            shadow_reasons=judged.reasons,
            facts=recorded.facts,
            whose=who(recorded.facts),
            time=recorded.time,
        )

    def _judge(self, facts: Facts, learn: Learn) -> Generator[None, None, Decision | Unasked]:
        """As ``judge`` does, but in parts, and with what is known."""
        asked = facts.compliance.state is not ComplianceState.NOT_ASKED
        for part in self._parts:
            said = evaluate(part, facts, asked=True) if asked else evaluate(part, facts, asked=False)
            if isinstance(said, NeedsCompliance):
                known = self._known(facts, learn)
                if known is None:
                    return Unasked(rule=said.rule)
                facts, asked = known, True
                decision = evaluate(part, facts)
            else:
                decision = said
            other = _by_groups(part, facts, decision)
            if other is not None:
                return other
            if decision.rule != DEFAULT_DENY:
                break
            yield
        return decision

    def _known(self, facts: Facts, learn: Learn) -> Facts | None:
        """The facts with a verdict, without asking; None: there would have to be one."""
        known = without_asking(facts, self._graph_tenants)
        if not isinstance(known, CouldBeAsked):
            return known
        asked = question(facts.identity, tenant=facts.tenant, knows_entra=facts.tenant in self._graph_tenants)
        verdict = learn(asked) if isinstance(asked, Question) else None
        return None if verdict is None else replace(facts, compliance=verdict)

    def _difference(self, fields: Fields, recorded: Recorded, now: Outcome) -> Difference | None:
        vendor = recorded.facts.nas.vendor
        if now.effect is Effect.ALLOW and (now.profile, vendor) not in self._rendered:
            then = recorded.outcome
            before = f"`{then.profile}`" if then.effect is Effect.ALLOW else REFUSED
            return Difference(before=before, after=f"`{now.profile}`, which `{vendor}` has no words for")
        return self._answers.difference(fields, recorded.outcome, now)


def _by_groups(part: Policy, facts: Facts, decision: Decision) -> Unasked | None:
    """The rule that would decide, were it known which groups the device's user is in; None: it makes no difference.

    Graph is asked about the groups of the live policy alone. Whoever asked in vain, and where nobody tells of users,
    would not know more under the candidate.
    """
    told = facts.compliance.device
    unknown = part.user_groups - {*told.in_groups, *told.outside_groups} if told.user else frozenset()
    if not unknown or told.groups_doubt or facts.compliance.provider != _TELLS_GROUPS:
        return None
    inside = replace(told, in_groups=(*told.in_groups, *unknown))
    outside = replace(told, outside_groups=(*told.outside_groups, *unknown))
    for device in (inside, outside):
        other = evaluate(part, replace(facts, compliance=replace(facts.compliance, device=device)))
        if other.rule != decision.rule:
            return Unasked(rule=decision.rule if other.rule == DEFAULT_DENY else other.rule)
    return None


def _parts(policy: Policy, at_once: int) -> tuple[Policy, ...]:
    """The same rules in policies of at most this many; at least one."""
    if len(policy.rules) <= at_once:
        return (policy,)
    return tuple(
        Policy(rules=policy.rules[first : first + at_once], digest=policy.digest)
        for first in range(0, len(policy.rules), at_once)
    )
