"""When the same facts may be decided otherwise, because time goes by.

Knows: at which moments conditions on hours, ages and ends begin or cease to hold. Refuses to know: what is decided then
(whoever asks decides again at each), and what else may change (verdicts, orders, the policy).

Theory. Between two of these moments nothing that rules ask of the clock changes, so deciding at each of them finds
every change. A moment at which nothing changes after all does no harm. Hours are by the clock on the wall: where that
is set within the week, the moment of it is looked at too, and each end of hours by the one time and by the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Final

from nacd.policy.answered import LastSync, VerdictAge
from nacd.policy.certified import ExpiresIn
from nacd.policy.conditions import Positive
from nacd.policy.during import ALWAYS, WEEK, During
from nacd.policy.model import Policy
from nacd.policy.requested import Listed
from nacd.values import CertificateFacts, Facts

MOST: Final = 400
"""Moments that are looked at: policies with more hours than this are asked about the nearest."""
_AFTER_S: Final = 0.001
"""Ages count in milliseconds, and what holds `at most` an hour holds at the hour."""
_MINUTE_S: Final = 60.0
_STEP_S: Final = 900.0
"""Clocks are set on the quarter of an hour, by UTC."""


def moments(policy: Policy, facts: Facts, until: float) -> tuple[float, ...]:
    """In order, after ``facts.at`` and before ``until`` (seconds since the epoch), the nearest ``MOST``."""
    asked = {each for rule in policy.rules for each in rule.asked if not isinstance(each, Listed)}
    lists = [each for rule in policy.rules for each in rule.asked if isinstance(each, Listed)]
    found = {moment for each in asked for moment in _of(each, facts)}
    found |= {end for each in lists for end in _ends(each, facts)}
    found |= {each.until for each in policy.monitors.all}
    if isinstance(facts.certificate, CertificateFacts):
        found.add(facts.certificate.not_after)
    return tuple(sorted(each for each in found if facts.at < each < until))[:MOST]


def _of(condition: Positive, facts: Facts) -> Iterator[float]:
    known = facts.compliance
    match condition:
        case During():
            yield from _hours(condition, facts.at)
        case VerdictAge(limit_s=limit_s) if known.as_of:
            yield known.as_of + limit_s + _AFTER_S
        case LastSync(limit_s=limit_s) if known.device.last_sync:
            yield known.device.last_sync + limit_s + _AFTER_S
        case ExpiresIn(limit_s=limit_s) if isinstance(facts.certificate, CertificateFacts):
            yield facts.certificate.not_after - limit_s + _AFTER_S
        case _:
            return


def _ends(condition: Listed, facts: Facts) -> Iterator[float]:
    wanted = condition.text(facts)
    return (end for one, end in condition.ends if one == wanted) if wanted else iter(())


def _hours(condition: During, at: float) -> Iterator[float]:
    """The beginnings and ends of the week to come."""
    # The condition itself tells which minute of its week it is: the bits are looked at from there.
    now = condition.minute(at)
    if now < 0:
        return
    bits, first = condition.minutes(), at - at % _MINUTE_S
    settings = _settings(condition.zone, at)
    shifts = {0.0, *(shift for _, shift in settings)}
    yield from (moment for moment, _ in settings)
    turned = bits ^ ((bits << 1 | bits >> (WEEK - 1)) & ALWAYS)  # minutes that are not as the one before them
    while turned:
        lowest = turned & -turned
        ahead = (lowest.bit_length() - 2 - now) % WEEK + 1
        yield from (first + ahead * _MINUTE_S + shift for shift in shifts)
        turned ^= lowest


@lru_cache(maxsize=16)
def _settings(zone: tzinfo, at: float) -> tuple[tuple[float, float], ...]:
    """When the clock is set within the week to come, and how many seconds later hours come from then on than before."""
    begun = before = _offset_s(zone, at)
    first = at - at % _STEP_S
    found = []
    for step in range(1, int(WEEK * _MINUTE_S / _STEP_S) + 1):
        moment = first + step * _STEP_S
        now = _offset_s(zone, moment)
        if now != before:
            before = now
            found.append((moment, begun - now))
    return tuple(found)


def _offset_s(zone: tzinfo, at: float) -> float:
    offset = datetime.fromtimestamp(at, zone).utcoffset()
    return offset.total_seconds() if offset is not None else 0.0
