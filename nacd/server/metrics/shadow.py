"""The shadow policy in numbers: whether there is one, and what came of comparing.

Knows: where each number stands. Refuses to know: rules, profiles, devices and NASes: the report names them, for whoever
has a role; here is what an alert needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from nacd.server.metrics.metric import Metric, Sample
from nacd.server.shadow.beside import OUTCOMES, Shadow
from nacd.server.shadow.loading import NoShadow

ON = Metric(
    name="nacd_shadow_on",
    kind="gauge",
    meaning="1 while decisions are compared with the shadow policy, 0 when its file is faulty or it was switched"
    " off; missing: none is configured.",
)
WAITING = Metric(
    name="nacd_shadow_waiting", kind="gauge", meaning="Decisions that wait to be compared; no answer waits for them."
)
DECISIONS = Metric(
    name="nacd_shadow_decisions_total",
    kind="counter",
    meaning="Decisions by what the shadow says of them: `same`, `same_by_another_rule`, `different`; or why it was not"
    " compared: `above_policy` (a person ordered it), `undecidable` without asking, `another_policy` decided,"
    " `unreadable`, `overflow` (there was no time), `error`.",
    labels=("outcome",),
)

TABLE: Final = (ON, WAITING, DECISIONS)


def read(shadow: Shadow) -> Iterator[Sample]:
    """Every metric of ``TABLE``; without a shadow the counts alone. On the event loop only."""
    if not isinstance(shadow.found, NoShadow):
        yield ON.sample(shadow.is_on)
    yield WAITING.sample(shadow.waiting)
    for outcome in OUTCOMES:
        yield DECISIONS.sample(shadow.totals[outcome], outcome)
