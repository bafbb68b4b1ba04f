"""What a policy says of recorded facts.

Knows: when the record of a decision cannot answer for another policy. Refuses to know: where the facts were read.

Theory. A record holds every fact that its decision used. Whether Intune was asked depended on the policy of then: where
no rule needed the answer, nobody asked. Another policy may need it. If nobody could have been asked about this endpoint
anyway, what the spine would take for the answer is known; otherwise no answer is made up, and the record is put aside.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from nacd.compliance.question import NotAskable, question
from nacd.policy.evaluate import evaluate
from nacd.policy.model import Policy
from nacd.values import ComplianceState, Decision, Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Unasked:
    """The decision hinges on an answer that nobody asked for; rule: the first where it does."""

    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CouldBeAsked:
    """There is somebody who could tell."""


def judge(policy: Policy, facts: Facts, graph_tenants: frozenset[str] = frozenset()) -> Decision | Unasked:
    """The decision that a login with these facts would get. graph_tenants: those whom Graph is asked about."""
    if facts.compliance.state is not ComplianceState.NOT_ASKED:
        return evaluate(policy, facts)
    early = evaluate(policy, facts, asked=False)
    if isinstance(early, Decision):
        return early
    known = without_asking(facts, graph_tenants)
    return Unasked(rule=early.rule) if isinstance(known, CouldBeAsked) else evaluate(policy, known)


def without_asking(facts: Facts, graph_tenants: frozenset[str] = frozenset()) -> Facts | CouldBeAsked:
    """The facts with what is known of an endpoint that nobody can be asked about, as the spine takes it."""
    asked = question(facts.identity, tenant=facts.tenant, knows_entra=facts.tenant in graph_tenants)
    if isinstance(asked, NotAskable):
        return replace(facts, compliance=asked.compliance)
    return CouldBeAsked() if facts.tenant else facts
