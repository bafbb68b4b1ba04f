"""The report's sums over records that come one by one.

Knows: what is counted, of whom. Refuses to know: where records come from, how sums are shown.

Bounded: names that endpoints can invent are counted by ``Counted``; everything else is a list of nacd's own words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, Final

from nacd.audit.asking.report.counters import Counted
from nacd.audit.asking.report.outcomes import LET_IN, Outcome, each_count, how_many, outcomes, why_not
from nacd.audit.asking.report.tls import TlsTally
from nacd.audit.asking.spelling import at_path, text_at

GROUPINGS: Final = ("site", "group", "nas", "rule", "profile", "reason", "access", "compliance", "issuer", "hour")
NOT_COUNTED: Final = (b'{"code":"A2', b'{"code":"A5', b'{"code":"A6', b'{"code":"A9')
"""What lines begin with that ``take`` makes nothing of."""
AGES: Final = ((60, "under 1 min"), (300, "1-5 min"), (3_600, "5-60 min"), (86_400, "1-24 h"))
OLDEST_AGE: Final = "over 24 h"
NOT_TOLD: Final = "(none)"
_PATHS: Final[Mapping[str, str]] = {
    "nas": "nas.name",
    "rule": "decision.rule",
    "profile": "decision.profile",
    "access": "access",
    "compliance": "compliance.state",
    "issuer": "certificate.issuer",
}
_STRANGERS: Final = ("not_managed", "unknown")


class Tally:
    """Everything that the report tells. by: groupings that are counted. quarantines: as in ``outcomes``."""

    def __init__(self, by: Collection[str], quarantines: Collection[str] = (), *, now_ms: int = 0) -> None:
        self.by = {name: {outcome: Counted() for outcome in Outcome} for name in by}
        self.total: Counter[Outcome] = Counter()
        self.refused = Counted()
        """Endpoints, by how often they were not let in."""
        self.why_refused: dict[str, str] = {}
        self.failures = Counted()
        self.drops = Counted()
        self.drop_reasons = Counted()
        self.strangers = Counted()
        self.ages: Counter[str] = Counter()
        self.sources: Counter[str] = Counter()
        self.states: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.answered: Counter[tuple[str, str]] = Counter()
        self.changes: Counter[str] = Counter()
        self.tls = TlsTally(now_ms=now_ms)
        self.records = 0
        self.only_counted = 0
        """Logins of which no record tells more than that they were."""
        self._quarantines = frozenset(quarantines)

    def take(self, record: Mapping[str, Any]) -> None:
        """Total: a field that is missing or of another type counts as not told."""
        self.records += 1
        code = text_at(record, "code")
        if code.startswith("A1"):
            self._access(code, record)
        elif code.startswith("A4"):
            self._change(code, record)
        elif code == "A3001W":
            count = how_many(record)
            self.drops.add(text_at(record, "nas.name") or NOT_TOLD, count)
            self.drop_reasons.add(text_at(record, "packets.reason") or NOT_TOLD, count)

    def _access(self, code: str, record: Mapping[str, Any]) -> None:
        for outcome, count in outcomes(record, self._quarantines):
            self.total[outcome] += count
            for name, sums in self.by.items():
                for value in _values(name, record, outcome):
                    sums[outcome].add(value, count)
            if outcome not in LET_IN:
                self._not_let_in(code, record, outcome, count)
        if code in ("A1011W", "A1012W"):
            self.only_counted += sum(count for _, count in each_count(record, "by_code"))
            self.tls.only_counted += sum(count for of, count in each_count(record, "by_code") if of == "A1003W")
        self.tls.take(code, record)
        state = text_at(record, "compliance.state")
        if state and code != "A1010W":  # what it repeats has told it already
            self._verdict(state, record)

    def _not_let_in(self, code: str, record: Mapping[str, Any], outcome: Outcome, count: int) -> None:
        who = endpoint(record)
        if who and code != "A1011W":
            self.refused.add(who, count)
            if len(self.why_refused) > 4 * self.refused.names() + 1_000:
                self.why_refused = {name: why for name, why in self.why_refused.items() if self.refused[name]}
            self.why_refused[who] = why_not(record)
        if outcome is Outcome.FAILED:
            self.failures.add(text_at(record, "eap.failure") or NOT_TOLD, count)

    def _verdict(self, state: str, record: Mapping[str, Any]) -> None:
        self.states[state] += 1
        if state in _STRANGERS and (who := endpoint(record)):
            self.strangers.add(who)
        if state == "not_asked":
            return
        self.sources[text_at(record, "compliance.source") or NOT_TOLD] += 1
        age_s = next(iter(at_path(record, "compliance.age_s")), None)
        if isinstance(age_s, int | float) and not isinstance(age_s, bool) and age_s >= 0:
            self.ages[next((name for most, name in AGES if age_s < most), OLDEST_AGE)] += 1

    def _change(self, code: str, record: Mapping[str, Any]) -> None:
        self.changes[text_at(record, "event") or code] += 1
        verb = text_at(record, "asked.verb")
        if code == "A4003I":
            self.asked[verb] += 1
        elif code == "A4004I":
            self.answered[verb, text_at(record, "answer.meaning")] += 1


def endpoint(record: Mapping[str, Any]) -> str:
    """What names it best to whoever has to find it: the MAC, else the device, else the user."""
    paths = ("endpoint.mac", "identity.mac", "identity.id", "endpoint.calling_station_id", "endpoint.user_name")
    return next((found for path in paths if (found := text_at(record, path))), "")


def _values(name: str, record: Mapping[str, Any], outcome: Outcome) -> list[str]:
    if name == "group":
        return [each for each in at_path(record, "nas.groups") if isinstance(each, str)] or [NOT_TOLD]
    if name == "site":
        # Where a site is not written down, the NAS stands for it: a line of `(none)` would help nobody.
        return [text_at(record, "nas.location") or text_at(record, "nas.name") or NOT_TOLD]
    if name == "reason":
        return [why_not(record)] if outcome not in LET_IN else []
    if name == "hour":
        return [text_at(record, "time")[:13].replace("T", " ") or NOT_TOLD]
    return [text_at(record, _PATHS[name]) or NOT_TOLD]
