"""The judge of the soak: every decision in the audit file against what was true, what Intune said, and the wire.

Knows: what nacd promises about verdicts (``scene.Terms``), and how to find out whether it kept its word. Refuses to
know: nacd's modules, and what nacd says about itself, where the wire or the simulator know better.

The rules, each with the letter that a violation is told by:
(a) a verdict called live or cached was true within its lifetime and the deadline before the decision; a stale or listed
one was true, or said by Intune, when it is dated.
(b) verdicts of one device never go back.
(c) past its lifetime a verdict says ``stale`` or ``bulk``, and past lifetime and ``stale_for`` it is not used.
(d) nobody is ``unavailable`` without a reason.
(e) what went over the wire is what the record says, and what the policy gives for this verdict.
(f) nobody whom Intune never knew is ``compliant``.
(g) every request is answered, and accepted.
(h) no record of a bug, no traceback, memory stays flat.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from tools.soak.load import Asked
from tools.soak.records import AuditFile, Record
from tools.soak.scene import PROFILES, Terms, profile_for
from tools.soak.truth import Answers, Clock, Past, Windows

ACCEPT: Final = 2
_AROUND_RESTART_S: Final = 20.0
_ROUNDING_S: Final = 0.003
_VERDICTS: Final = frozenset({"compliant", "noncompliant", "not_managed", "unknown"})
_NOW: Final = frozenset({"live", "cache"})
MOST_UNEXPLAINED: Final = 0
"""How many ``unavailable`` without a reason are let pass: none, as the machine's own lateness is in ``slack_s``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that is judged, and by what. asked: by session. restarts: (stopped, ready). begin: the first request."""

    audit: AuditFile
    asked: dict[str, Asked]
    past: Past
    answers: Answers
    clock: Clock
    windows: Windows
    terms: Terms
    begin: float
    restarts: Sequence[tuple[float, float]] = ()
    complaints: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One broken promise. history: of the device, by the simulator."""

    rule: str
    words: str
    record: str = ""
    history: str = ""

    def __str__(self) -> str:
        lines = [f"({self.rule}) {self.words}"]
        lines += [f"    {name}: {text}" for name, text in (("record", self.record), ("device", self.history)) if text]
        return "\n".join(lines)


@dataclass(slots=True)
class Finding:
    """What came out. checks: how often each rule was put to the test."""

    violations: list[Violation] = field(default_factory=list)
    checks: Counter[str] = field(default_factory=Counter)
    decisions: Counter[tuple[str, str]] = field(default_factory=Counter)
    oldest_stale_s: float = 0.0
    explained: int = 0
    unknowable: int = 0
    """Verdicts off the disk of a daemon whose clock was set back before it was started again: too old by the step."""


class Judge:
    """``Judge(evidence).finding()``."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._finding = Finding()
        self._newest: dict[str, float] = {}

    def finding(self) -> Finding:
        """Everything that is wrong, in the order of the records."""
        by_session: dict[str, list[Record]] = {}
        for record in self._evidence.audit.decisions:
            by_session.setdefault(record.session, []).append(record)
            self._finding.decisions[record.state, record.source] += 1
            self._judge(record)
        for asked in self._evidence.asked.values():
            self._wire(asked, by_session.get(asked.session, []))
        for bug in (*self._evidence.audit.bugs, *self._evidence.audit.broken, *self._evidence.complaints):
            self._break("h", "a bug in nacd", bug)
        self._finding.checks["h"] += 1
        return self._finding

    # -- one record

    def _judge(self, record: Record) -> None:
        wanted = profile_for(record.state, record.source)
        self._check("e", record, wanted != "" and record.profile == wanted, f"the policy gives profile `{wanted}`")
        moments = self._decided(record)
        if not moments:
            return
        if record.state == "unavailable":
            self._reason(record, moments)
        elif record.state not in _VERDICTS:
            self._check("a", record, False, f"nobody can be `{record.state}` here")
        else:
            self._verdict(record, moments)

    def _decided(self, record: Record) -> list[float]:
        """When it can have been decided on the machine's clock, by nacd's clock and the wire; nothing: never.

        A clock that was set back shows a time twice, and then there are two such moments.
        """
        asked, terms = self._evidence.asked.get(record.session), self._evidence.terms
        self._finding.checks["e"] += 1
        if asked is None or record.key != asked.key.lower() or record.access != asked.access:
            self._break("e", "nobody asked this on the wire", record)
            return []
        latest = asked.answered or asked.sent + _AROUND_RESTART_S + terms.call_s
        found = self._evidence.clock.real(record.time, asked.sent, latest)
        if not found:
            self._break("e", f"its time is none between question and answer, {asked.sent:.3f} and {latest:.3f}", record)
        return found

    def _verdict(self, record: Record, moments: Sequence[float]) -> None:
        decided = moments[0]
        terms, key = self._evidence.terms, record.key
        self._check("f", record, record.state != "compliant" or self._evidence.past.knows(key), "Intune never knew it")
        shown = max(0.0, record.time - record.as_of)
        self._check("c", record, abs(record.age_s - shown) <= _ROUNDING_S, "its age is not what its dates say")
        dates = self._evidence.clock.real(record.as_of, self._evidence.begin - 30, moments[-1])
        self._check("b", record, bool(dates), "it is dated at no time at which nacd ran")
        if not dates:
            return
        newest = self._newest.get(key, 0.0)
        later = [at for at in dates if at >= newest - _ROUNDING_S]
        if not self._check("b", record, bool(later), f"an older verdict after one of {newest:.3f}"):
            return
        dated = later[0]
        self._newest[key] = max(newest, dated)
        age_s = decided - later[-1]
        limit_s = terms.lifetimes[record.state] + terms.slack_s
        if record.source in _NOW:
            self._young(record, age_s, limit_s, dated, decided)
            self._true_now(record, moments, later)
        else:
            self._finding.oldest_stale_s = max(self._finding.oldest_stale_s, age_s)
            self._young(record, age_s, limit_s + terms.stale_for_s + terms.deadline_s, dated, decided)
        if record.source == "bulk":
            self._listed(record, dated)
        else:
            self._said(record, later)

    def _young(self, record: Record, age_s: float, limit_s: float, dated: float, decided: float) -> None:
        """(c); a daemon that is started anew knows the age of what is on its disk by its wall clock alone."""
        self._finding.checks["c"] += 1
        if age_s <= limit_s:
            return
        if self._is_unknowable(dated, decided):
            self._finding.unknowable += 1
            return
        self._break("c", f"{age_s:.3f} s old, which is more than {limit_s:.3f} s", record)

    def _is_unknowable(self, dated: float, decided: float) -> bool:
        """Whether the clock was set after the one and the daemon started again before the other."""
        evidence = self._evidence
        steps = [at for at, _ in evidence.clock.steps if dated <= at]
        return any(ready <= decided and any(at <= ready for at in steps) for _, ready in evidence.restarts)

    def _true_now(self, record: Record, moments: Sequence[float], dates: Sequence[float]) -> None:
        """(a), the promise: never accepted for longer than lifetime and deadline after it ceased to be so."""
        terms = self._evidence.terms
        states: set[str] = set()
        for decided in moments:
            since = decided - terms.lifetimes[record.state] - terms.deadline_s - terms.slack_s
            until = decided + _ROUNDING_S
            states |= self._evidence.past.during(record.key, since, until)
            states |= self._told_so(record.key, since - terms.call_s, until)
        if record.state not in states and len(dates) > 1 and self._is_unknowable(dates[0], moments[-1]):
            self._finding.unknowable += 1  # dated before the clock was set back, and it looks young now
            return
        words = f"it was {' and '.join(sorted(states))} before {' or '.join(f'{at:.3f}' for at in moments)}"
        self._check("a", record, record.state in states, words)

    def _said(self, record: Record, dates: Sequence[float]) -> None:
        """(a), its root: there is an answer of Intune about this device, asked for when it is dated, that says so."""
        terms = self._evidence.terms
        states: set[str] = set()
        for dated in dates:
            answers = self._evidence.answers.asked_between(
                record.key, dated - terms.slack_s, dated + terms.call_s + terms.slack_s
            )
            for answer in answers:
                states |= self._evidence.past.during(record.key, answer.asked, answer.answered) | answer.may_say
        when = " or ".join(f"{dated:.3f}" for dated in dates)
        words = f"Intune said {' and '.join(sorted(states)) or 'nothing'} when it is dated ({when})"
        self._check("a", record, record.state in states, words)

    def _listed(self, record: Record, dated: float) -> None:
        terms = self._evidence.terms
        lists = self._evidence.answers.lists_between(dated - terms.slack_s, dated + terms.call_s)
        on_it = any("noncompliant" in self._evidence.past.during(record.key, one.asked, one.answered) for one in lists)
        self._check("a", record, on_it and record.state == "noncompliant", f"it was on no list at {dated:.3f}")

    def _told_so(self, key: str, begin: float, end: float) -> set[str]:
        """What Intune told of the device that was not so: nobody can know better."""
        answers = self._evidence.answers.asked_between(key, begin, end)
        return {state for answer in answers for state in answer.may_say}

    def _reason(self, record: Record, moments: Sequence[float]) -> None:
        self._finding.checks["d"] += 1
        if any(self._evidence.windows.excuse(decided) for decided in moments):
            self._finding.explained += 1
            return
        self._break("d", f"Intune was well ({self._evidence.windows.nearest(moments[0])})", record)

    # -- the wire

    def _wire(self, asked: Asked, records: Sequence[Record]) -> None:
        self._finding.checks["g"] += 1
        restarted = any(
            begin - _AROUND_RESTART_S <= asked.sent <= ready + _AROUND_RESTART_S
            for begin, ready in self._evidence.restarts
        )
        if asked.code != ACCEPT or asked.problem:
            how = asked.problem or (f"code {asked.code}" if asked.code else "no answer")
            words = f"{how} for {asked.access} of {asked.key} ({asked.session}), sent {asked.sent:.3f}"
            others = ", ".join(self._evidence.audit.others.get(asked.session, ()))
            if not restarted:
                self._break("g", words, others)
            return
        self._finding.checks["e"] += 1
        told = [one for one in records if one.vlan == asked.vlan and PROFILES.get(one.profile) == asked.vlan]
        if not told:
            words = f"an Accept with VLAN `{asked.vlan}` ({asked.session}) that no record tells of"
            self._break("e", words, records[0] if records else "")
        elif len(records) > 1 and not restarted:
            self._break("e", f"one answer, {len(records)} records", records[1])
        elif any(one.reply != "Access-Accept" for one in told):
            self._break("e", "an Accept whose record says otherwise", told[0])

    # -- saying so

    def _check(self, rule: str, record: Record, kept: bool, words: str) -> bool:
        self._finding.checks[rule] += 1
        if not kept:
            self._break(rule, words, record)
        return kept

    def _break(self, rule: str, words: str, record: Record | str = "") -> None:
        if isinstance(record, Record):
            history = self._evidence.past.told(record.key)
            self._finding.violations.append(Violation(rule=rule, words=words, record=record.line, history=history))
        else:
            self._finding.violations.append(Violation(rule=rule, words=words, record=record))
