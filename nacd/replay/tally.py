"""What a whole log of decisions comes to under another policy, counted.

Knows: what makes two decisions different answers, and by what they are counted. Refuses to know: lines and files, and
how the counts are shown.

Theory. Most logins of a day are alike: the same device at the same NAS with the same answer of Intune. What a policy
says of a record is worked out once for all that are alike, from a whole record, and kept. Where a rule asks the clock
or an age, the facts are kept, and each record is judged by itself, at its own time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from nacd.policy.model import Policy
from nacd.replay.answer import Answers, Difference, word
from nacd.replay.judge import Unasked, judge
from nacd.replay.record import DECISIONS, MONITORED, Aside, Cause, Fields, Outcome, Recorded, at_another_time, read
from nacd.values import Facts

_KEPT: Final = 200_000


class Judged(NamedTuple):
    """What is kept for records that are alike. again: what the policy in force says of it."""

    then: Outcome
    now: Outcome
    again: Outcome | Aside


class _Alike(NamedTuple):
    """What is kept where the time counts: the first of those that are alike but for that. again: None if that depends
    on the time too."""

    recorded: Recorded
    again: Outcome | Aside | None


@dataclass(slots=True, kw_only=True)
class Group:
    """Logins counted together, and whose they are."""

    logins: int = 0
    devices: set[str] = field(default_factory=set)

    def add(self, device: str) -> None:
        self.logins += 1
        self.devices.add(device)


class Example(NamedTuple):
    """One record that would change, kept whole so that both sides can say why."""

    fields: Fields
    difference: Difference


Groups: TypeAlias = dict[tuple[str, str], Group]


@dataclass(slots=True, kw_only=True)
class Tally:
    """The counts. first, last: times of the records, as they are written. by_*: (before, after) to logins and devices;
    by_nas and by_group: (name, "").

    monitored: logins that a monitor has answered; enforced: those by (its profile, what would be answered without it),
    enforced_by_group: by (group, the same). renamed: another rule gives the same answer. verified, contradicted:
    decisions of the policy in force that it makes again, or does not.
    """

    replayed: Group = field(default_factory=Group)
    changed: Group = field(default_factory=Group)
    monitored: Group = field(default_factory=Group)
    enforced: Groups = field(default_factory=dict)
    enforced_by_group: Groups = field(default_factory=dict)
    renamed: int = 0
    aside: Counter[tuple[Cause, str]] = field(default_factory=Counter)
    by_answer: Groups = field(default_factory=dict)
    by_rule: Groups = field(default_factory=dict)
    by_nas: Groups = field(default_factory=dict)
    by_group: Groups = field(default_factory=dict)
    examples: list[Example] = field(default_factory=list)
    digests: Counter[str] = field(default_factory=Counter)
    verified: int = 0
    contradicted: int = 0
    first: str = ""
    last: str = ""

    @property
    def put_aside(self) -> int:
        """Logins that could have been replayed and were not: without what was never the policy's to decide."""
        return sum(count for (cause, _), count in self.aside.items() if cause not in NOT_THE_POLICYS)


NOT_THE_POLICYS: Final = frozenset({Cause.OTHER, Cause.ORDERED, Cause.MANAGED, Cause.BEFORE})


class Replay:
    """Takes records one by one. policy: what is tried out; present: what is in force, to see that it says again what
    it said. examples: how many changes are kept, of different kinds where there are."""

    def __init__(
        self,
        policy: Policy,
        present: Policy,
        answers: Answers,
        *,
        graph_tenants: frozenset[str] = frozenset(),
        examples: int = 10,
    ) -> None:
        self.tally = Tally()
        self._policy = policy
        self._present = present
        self._answers = answers
        self._graph_tenants = graph_tenants
        self._examples = examples
        self._timed = policy.depends_on_time or present.depends_on_time
        self._known: dict[Hashable, Judged | Aside | _Alike] = {}

    def take(self, fields: Fields, *, suspect: bool = False) -> None:
        """Count one record. Total: what is no record of a decision is counted as what it is.

        suspect: it may hold a text that was shortened or hidden, so it is read whole, whatever is alike.
        """
        judged = self._judge(read(fields)) if suspect else self._judged(fields)
        if isinstance(judged, Aside):
            self.aside(judged)
            return
        try:
            difference = self._answers.difference(fields, judged.then, judged.now)
        except (KeyError, TypeError, ValueError):
            self.aside(Aside(cause=Cause.STRANGE, detail="reply"))
            return
        self._count(fields, judged, difference)

    def aside(self, aside: Aside) -> None:
        """Count a record, or a line, that is not replayed."""
        self.tally.aside[aside.cause, aside.detail] += aside.count

    def _judged(self, fields: Fields) -> Judged | Aside:
        try:
            key = key_of(fields)
            known = self._known.get(key)
            if isinstance(known, _Alike):
                return self._judge(known.recorded, at_another_time(known.recorded.facts, fields), known.again)
        except (KeyError, TypeError, ValueError, AttributeError):
            return self._judge(read(fields))  # a field is missing or strange: this way it is said which
        if known is not None:
            return known
        recorded = read(fields)
        judged = self._judge(recorded)
        if isinstance(recorded, Recorded):
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[key] = self._alike(recorded) if self._timed else judged
        return judged

    def _alike(self, recorded: Recorded) -> _Alike:
        lasting = not self._present.depends_on_time
        return _Alike(recorded, self._again(recorded, recorded.facts) if lasting else None)

    def _judge(
        self, recorded: Recorded | Aside, facts: Facts | None = None, again: Outcome | Aside | None = None
    ) -> Judged | Aside:
        """facts: those of another time. again: as in ``Judged``, where it is known."""
        if isinstance(recorded, Aside):
            return recorded
        facts = facts or recorded.facts
        now = self._outcome(self._policy, facts)
        if isinstance(now, Aside):
            return now
        return Judged(recorded.outcome, now, again or self._again(recorded, facts))

    def _again(self, recorded: Recorded, facts: Facts) -> Outcome | Aside:
        """What the policy in force says of its own decision; of another's it is not asked."""
        if recorded.policy_digest != self._present.digest:
            return recorded.outcome
        return self._outcome(self._present, facts)

    def _outcome(self, policy: Policy, facts: Facts) -> Outcome | Aside:
        decision = judge(policy, facts, self._graph_tenants)
        if isinstance(decision, Unasked):
            return Aside(cause=Cause.UNASKED, detail=f"rule `{decision.rule}`")
        return Outcome(decision.effect, decision.rule, decision.profile)

    def _count(self, fields: Fields, judged: Judged, difference: Difference | None) -> None:
        tally = self.tally
        device = _whose(fields)
        tally.replayed.add(device)
        time = fields["time"]
        if not tally.first or time < tally.first:
            tally.first = time
        if time > tally.last:
            tally.last = time
        digest = fields["decision"]["policy_digest"]
        tally.digests[digest] += 1
        if digest == self._present.digest:
            same = judged.again == judged.then
            tally.verified += same
            tally.contradicted += not same
        if fields["code"] == MONITORED:
            self._monitored(fields, judged.now, device)
        if difference is None:
            tally.renamed += judged.then.rule != judged.now.rule
            return
        self._changed(fields, judged, difference, device)

    def _monitored(self, fields: Fields, now: Outcome, device: str) -> None:
        """What the policy would answer, were it enforced, in place of what a monitor has answered."""
        tally, would = self.tally, word(now)
        tally.monitored.add(device)
        _group(tally.enforced, (f"`{fields['monitor']['profile']}`", would)).add(device)
        for group in fields["nas"]["groups"]:
            _group(tally.enforced_by_group, (f"`{group}`", would)).add(device)

    def _changed(self, fields: Fields, judged: Judged, difference: Difference, device: str) -> None:
        tally = self.tally
        tally.changed.add(device)
        way = (difference.before, difference.after)
        is_new = way not in tally.by_answer
        _group(tally.by_answer, way).add(device)
        _group(tally.by_rule, (judged.then.rule, judged.now.rule)).add(device)
        nas = fields["nas"]
        _group(tally.by_nas, (nas["name"], "")).add(device)
        for group in nas["groups"]:
            _group(tally.by_group, (group, "")).add(device)
        if len(tally.examples) < self._examples or (is_new and len(tally.examples) < 2 * self._examples):
            tally.examples.append(Example(fields, difference))


def whole(example: Example) -> Recorded:
    """The record of an example: it has been read before."""
    recorded = read(example.fields)
    if isinstance(recorded, Aside):
        raise TypeError("an example is a record that can be read")
    return recorded


def _group(groups: Groups, key: tuple[str, str]) -> Group:
    found = groups.get(key)
    if found is None:
        found = groups[key] = Group()
    return found


def _whose(fields: Fields) -> str:
    """As ``record.who`` says, without reading the whole record."""
    found = fields["identity"]["id"] or fields["endpoint"]["mac"] or fields["endpoint"]["user"]
    return found if isinstance(found, str) else ""


def key_of(fields: Fields) -> Hashable:
    """What two records must agree in so that any policy says the same of both, but for the time. Everything is in it
    that is not known to differ from one login to the next for no condition: what is added to records is in it too.

    The fingerprint stands for the certificate, and the number of its fields for the shape of that block. Raises
    KeyError, TypeError or AttributeError for a record that is put together in another way.
    """
    if fields["code"] not in DECISIONS or not fields.keys() <= _BLOCKS:
        raise KeyError("code")
    compliance, decision = fields["compliance"], fields["decision"]
    shown = fields.get("certificate")
    device = compliance.get("device")
    return (
        (fields["access"], fields["code"], len(fields), len(fields["time"])),
        (decision["rule"], decision["profile"], decision["effect"], decision["policy_digest"], len(decision)),
        _part(fields["nas"], _NAS_OWN),
        _part(fields["endpoint"], _NOTHING),
        _part(fields["identity"], _WAY),
        _part(compliance, _DATES),
        None if device is None else _part(device, _DATES),
        None if shown is None else (shown["fingerprint"], shown["anchor"], len(shown)),
    )


def _part(block: Fields, without: frozenset[str]) -> Hashable:
    return tuple(
        [tuple(value) if value.__class__ is list else value for name, value in block.items() if name not in without]
    )


_NOTHING: Final[frozenset[str]] = frozenset()
_NAS_OWN: Final = frozenset({"source_port", "port", "port_id"})
_WAY: Final = frozenset({"attempts"})
_DATES: Final = frozenset({"as_of", "age_s", "grace_until", "last_sync", "device"})
_BLOCKS: Final = frozenset({"code", "time", "event", "why", "access", "nas", "endpoint", "session", "occasion"}) | {
    "identity",
    "certificate",
    "eap",
    "compliance",
    "decision",
    "reply",
    "chargeable_user_identity",
    "latency_ms",
    "monitored",
    "monitor",
}
"""What a record is made of. Whatever else there is may be a fact that this nacd does not know."""
