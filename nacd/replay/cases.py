"""A case of ``policy-cases.yaml``: facts that are given, what is expected of them, and what became of it.

Knows: how an expectation is held against a decision and its answer, and which rules no case reaches. Refuses to know:
how a case is written, and where.

What is expected is about the decision, also where a monitor answers something else: a policy is tested by what it
decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from nacd.policy.evaluate import evaluate, explain
from nacd.policy.model import DEFAULT_DENY, Policy
from nacd.policy.monitor.scopes import Monitor
from nacd.replay.judge import Unasked, judge
from nacd.values import Attribute, Decision, Effect, Facts, Rendered, RuleTrial
from nacd.vendor.fill import fill, told

Wanted: TypeAlias = Mapping[str, tuple[str, ...]]
"""Values by ``NAME`` or ``NAME:TAG``, as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What is to come of a case; ``""`` and no attributes: not said."""

    rule: str = ""
    effect: str = ""
    profile: str = ""
    attributes: Wanted
    monitored: bool | None = None
    """Whether a monitor answers in place of the decision; None: not said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One login that is made up. number: its place in the file, from 0. tells_compliance: the case says what Intune
    says, be it nothing; where it does not, no decision may hinge on it."""

    name: str
    number: int
    line: int
    facts: Facts
    tells_compliance: bool
    expected: Expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """One thing that is not as expected. key: in ``expect`` (``rule``, ``attributes`` ...), or in ``given``."""

    key: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a case. rule: that decided, ``""`` if that could not be said. trials: every rule tried. monitor:
    whose profile is answered, whatever was decided; None: nobody's."""

    case: Case
    rule: str
    misses: tuple[Miss, ...]
    trials: tuple[RuleTrial, ...]
    monitor: Monitor | None = None

    @property
    def is_ok(self) -> bool:
        return not self.misses


def run(
    case: Case, policy: Policy, rendered: Mapping[tuple[str, str], Rendered], graph_tenants: frozenset[str]
) -> Verdict:
    """Try one case. rendered: what each profile sends to each vendor in use."""
    facts = case.facts
    decision = evaluate(policy, facts) if case.tells_compliance else judge(policy, facts, graph_tenants)
    if isinstance(decision, Unasked):
        message = f"rule `{decision.rule}` asks for compliance, and the case does not tell it: write `compliance`"
        return Verdict(case=case, rule="", misses=(Miss(key="given", message=message),), trials=())
    monitor = policy.monitors.of(decision, facts.nas, facts.at)
    misses = (
        *_decided(case.expected, decision),
        *_answered(case, decision, rendered),
        *_monitored(case.expected, monitor),
    )
    return Verdict(case=case, rule=decision.rule, misses=misses, trials=explain(policy, facts), monitor=monitor)


def unreached(policy: Policy, verdicts: Iterable[Verdict]) -> tuple[str, ...]:
    """Rules that decided no case, in the order of the policy; ``default-deny`` is the last of them."""
    reached = {verdict.rule for verdict in verdicts}
    return tuple(name for name in (*(rule.name for rule in policy.rules), DEFAULT_DENY) if name not in reached)


def _decided(expected: Expected, decision: Decision) -> Iterable[Miss]:
    for key, wanted, got in (
        ("rule", expected.rule, decision.rule),
        ("effect", expected.effect, decision.effect.value),
        ("profile", expected.profile, decision.profile),
    ):
        if wanted and wanted != got:
            instead = f"it is `{got}`" if got else "there is none: access is denied"
            yield Miss(key=key, message=f"{key} `{wanted}` is expected, {instead}")


def _monitored(expected: Expected, monitor: Monitor | None) -> Iterable[Miss]:
    if expected.monitored is True and monitor is None:
        yield Miss(
            key="monitored", message="a monitor is expected to answer, and none does: what is decided is answered"
        )
    if expected.monitored is False and monitor is not None:
        message = f"no monitor is expected to answer, and one does ({monitor}): with profile `{monitor.profile}`"
        yield Miss(key="monitored", message=message)


def _answered(case: Case, decision: Decision, rendered: Mapping[tuple[str, str], Rendered]) -> Iterable[Miss]:
    if not case.expected.attributes:
        return
    if decision.effect is Effect.DENY:
        yield Miss(key="attributes", message=f"attributes are expected, and rule `{decision.rule}` denies access")
        return
    profile = rendered[decision.profile, case.facts.nas.vendor]
    own = fill(profile, told(case.facts.identity, case.facts.mac, case.facts.compliance))
    sent = attributes_of(profile, own)
    for name, wanted in case.expected.attributes.items():
        got = sent.get(name, ())
        if got != wanted:
            instead = f"it is {_listed(got)}" if got else "it is not sent"
            yield Miss(key="attributes", message=f"attribute `{name}` = {_listed(wanted)} is expected, {instead}")


def attributes_of(rendered: Rendered, own: tuple[Attribute, ...] = ()) -> Wanted:
    """What an Accept with this profile carries, if no certificate cuts it short. own: of this login alone."""
    found: dict[str, tuple[str, ...]] = {}
    if rendered.session_timeout_s:
        ending = "RADIUS-Request" if rendered.reauthenticate else "Default"
        own = (
            *own,
            Attribute(name="Session-Timeout", value=rendered.session_timeout_s),
            Attribute(name="Termination-Action", value=ending),
        )
    for each in (*rendered.attributes, *own):
        name = f"{each.name}:{each.tag}" if each.tag else each.name
        value = f"0x{each.value.hex()}" if isinstance(each.value, bytes) else str(each.value)
        found[name] = (*found.get(name, ()), value)
    return found


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(f"`{value}`" for value in values)
