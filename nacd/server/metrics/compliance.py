"""What lies between nacd and Microsoft, in numbers: lookups, polls, credentials, the bulk list, the disk.

Knows: where each number stands. Refuses to know: devices. The only labels are a tenant's name and small fixed sets: a
MAC or a GUID would make a series of every device, and tell who is in the building to whoever may read numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nacd.compliance.breaker import BreakerState
from nacd.compliance.bulk_plan import next_run
from nacd.server.lookups.building import Asking
from nacd.server.lookups.lookup import Lookup
from nacd.server.lookups.upkeep import TenantSource
from nacd.server.metrics.metric import Metric, Sample
from nacd.values import Instant

_TENANT = ("tenant",)

ANSWERS = Metric(
    name="nacd_compliance_answers_total",
    kind="counter",
    meaning="How questions for logins were answered. `hit` (fresh, from memory or disk) and `miss` are all of them. Of"
    " the misses, `coalesced` joined a question under way, `stale` got an old verdict, `unavailable` got none. Beside"
    " them, `late` counts answers that took longer than the deadline and were kept (a poll's too), `disk` verdicts"
    " read back after a restart.",
    labels=("tenant", "how"),
)
ASKED = Metric(
    name="nacd_compliance_asked_total",
    kind="counter",
    meaning="Questions put to Microsoft about one device, polls among them.",
    labels=_TENANT,
)
POLLED = Metric(
    name="nacd_compliance_polled_total",
    kind="counter",
    meaning="Those of them that no login waited for: live devices, doubts of the bulk list, `nacd cache refresh`.",
    labels=_TENANT,
)
LIMITED = Metric(
    name="nacd_compliance_limited_total",
    kind="counter",
    meaning="Questions that were not asked because a limit was reached: the setting's name under `compliance`, or"
    " `polls` (too many polls wait).",
    labels=("tenant", "limit"),
)
VERDICTS = Metric(
    name="nacd_compliance_verdicts",
    kind="gauge",
    meaning="Verdicts in memory, fresh and stale.",
    labels=_TENANT,
)
BREAKER_OPEN = Metric(
    name="nacd_compliance_breaker_open",
    kind="gauge",
    meaning="1 while Microsoft is not asked because it keeps failing, also while a single probe is under way; else 0.",
    labels=_TENANT,
)
BUDGET = Metric(
    name="nacd_compliance_budget_per_second",
    kind="gauge",
    meaning="Questions that may be asked each second now; 429 answers lower it, quiet raises it again.",
    labels=("tenant", "budget"),
)
BUDGET_CONFIGURED = Metric(
    name="nacd_compliance_budget_configured_per_second",
    kind="gauge",
    meaning="The same while nobody complains: the setting `compliance.budget`.",
    labels=("tenant", "budget"),
)
WAITING = Metric(
    name="nacd_compliance_waiting",
    kind="gauge",
    meaning="Questions of logins that have not been begun.",
    labels=_TENANT,
)
UNDER_WAY = Metric(
    name="nacd_compliance_under_way",
    kind="gauge",
    meaning="Questions that Microsoft has not answered yet.",
    labels=_TENANT,
)
POLLS_WAITING = Metric(
    name="nacd_compliance_polls_waiting",
    kind="gauge",
    meaning="Polls that have not been begun.",
    labels=_TENANT,
)
LIVE_DEVICES = Metric(
    name="nacd_compliance_live_devices",
    kind="gauge",
    meaning="Devices on the network that are polled.",
    labels=_TENANT,
)
OLDEST_POLL = Metric(
    name="nacd_compliance_oldest_poll_age_seconds",
    kind="gauge",
    meaning="Since the live device that waits longest was polled, or came; 0 without any. More than the poll interval:"
    " polls fall behind.",
    labels=_TENANT,
)
OLDEST_VERDICT = Metric(
    name="nacd_compliance_oldest_live_verdict_age_seconds",
    kind="gauge",
    meaning="Age of the oldest verdict of a device with an open session, to the second; 0 without any. A device of"
    " which no verdict is known, not on disk either, counts from its login, or since nacd started. Devices that Intune"
    " does not know are not counted.",
    labels=_TENANT,
)
INTERVAL = Metric(
    name="nacd_compliance_poll_interval_seconds",
    kind="gauge",
    meaning="How often each live device is to be polled: the setting `compliance.poll.interval`. Those at NASes of"
    " `compliance.poll.groups` have an interval of their own.",
    labels=_TENANT,
)
LONGEST = Metric(
    name="nacd_compliance_poll_interval_longest_seconds",
    kind="gauge",
    meaning="The longest of `compliance.poll.interval` and `compliance.poll.groups`: so old a verdict may become while"
    " all is well.",
    labels=_TENANT,
)
FEASIBLE = Metric(
    name="nacd_compliance_poll_interval_feasible_seconds",
    kind="gauge",
    meaning="The shortest interval that the polling budget of now can meet for the live devices of now, the intervals"
    " of groups growing with it. More than `nacd_compliance_poll_interval_seconds`: that one cannot be met.",
    labels=_TENANT,
)
PAUSED = Metric(
    name="nacd_intune_paused_seconds",
    kind="gauge",
    meaning="For how long Microsoft is still left alone because it asked for that or refused nacd; 0 when it is not.",
    labels=_TENANT,
)
THROTTLED = Metric(
    name="nacd_intune_throttled_total",
    kind="counter",
    meaning="Answers with status 429, to whatever was asked.",
    labels=_TENANT,
)
CREDENTIAL_EXPIRES = Metric(
    name="nacd_intune_credential_expires_timestamp_seconds",
    kind="gauge",
    meaning="When a credential ends; left out where nobody knows. `1` is `credential`, `2` is `next_credential`.",
    labels=("tenant", "credential"),
)
CREDENTIAL_OK = Metric(
    name="nacd_intune_credential_ok",
    kind="gauge",
    meaning="0 when Microsoft refused this credential the last time it was tried, or when it can be seen to be wrong;"
    " else 1.",
    labels=("tenant", "credential"),
)
CONSENT_MISSING = Metric(
    name="nacd_intune_consent_missing",
    kind="gauge",
    meaning="1 when the token in hand lacks a permission that nacd needs (`nacd doctor` says which), else 0.",
    labels=_TENANT,
)
TOKEN_LEFT = Metric(
    name="nacd_intune_token_left_seconds",
    kind="gauge",
    meaning="For how long the token in hand is still good; 0 without one.",
    labels=_TENANT,
)
BULK_LAST = Metric(
    name="nacd_bulk_last_success_timestamp_seconds",
    kind="gauge",
    meaning="When the whole list of noncompliant devices was taken last; 0 for never.",
    labels=_TENANT,
)
BULK_NEXT = Metric(
    name="nacd_bulk_next_run_timestamp_seconds",
    kind="gauge",
    meaning="When that list may be asked for next; a time that has passed is now.",
    labels=_TENANT,
)
BULK_INTERVAL = Metric(
    name="nacd_bulk_interval_seconds",
    kind="gauge",
    meaning="How often that list is to be taken: the setting `compliance.poll.bulk`.",
    labels=_TENANT,
)
STORE_OK = Metric(
    name="nacd_verdict_store_ok",
    kind="gauge",
    meaning="1 when verdicts are kept on disk; 0 when they are not, and a restart would forget them.",
)

TABLE = (
    *(ANSWERS, ASKED, POLLED, LIMITED, VERDICTS, BREAKER_OPEN, BUDGET, BUDGET_CONFIGURED),
    *(WAITING, UNDER_WAY, POLLS_WAITING, LIVE_DEVICES, OLDEST_POLL, OLDEST_VERDICT, INTERVAL, LONGEST, FEASIBLE),
    *(PAUSED, THROTTLED, CREDENTIAL_EXPIRES, CREDENTIAL_OK, CONSENT_MISSING, TOKEN_LEFT),
    *(BULK_LAST, BULK_NEXT, BULK_INTERVAL, STORE_OK),
)

# A series that begins with its first event hides that event from `rate`: those that are known begin at 0.
_LIMITS = ("max_waiting", "max_per_nas", "max_per_port")


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """What is configured, in seconds: from one poll of a device to the next (longest: at NASes of whatever group), from
    one bulk list to the next."""

    poll_s: float
    longest_s: float
    bulk_s: float


def read(asking: Asking, wanted: Intervals, now: Instant) -> Iterator[Sample]:
    """Every metric of ``TABLE``, of every tenant. On the event loop only, as everything that is read."""
    for tenant, lookup in asking.lookups.by_tenant.items():
        yield from _questions(tenant, lookup)
        yield from _errands(tenant, lookup, now)
        yield from _polls(tenant, asking, wanted, now)
    for tenant, source in asking.sources.items():
        yield from _source(tenant, source)
    for run in asking.bulk:
        yield BULK_LAST.sample(run.window.last_success_at, run.tenant)
        yield BULK_NEXT.sample(next_run(run.window, now.wall, wanted.bulk_s), run.tenant)
        yield BULK_INTERVAL.sample(wanted.bulk_s, run.tenant)
    yield STORE_OK.sample(not asking.store.problem)


def _questions(tenant: str, lookup: Lookup) -> Iterator[Sample]:
    counts = lookup.counts
    answers = {
        "hit": counts.hit,
        "miss": counts.miss,
        "stale": counts.stale,
        "coalesced": counts.coalesced,
        "late": counts.late,
        "unavailable": counts.unavailable,
        "disk": lookup.knowledge.recalled,
    }
    for how, count in answers.items():
        yield ANSWERS.sample(count, tenant, how)
    yield ASKED.sample(counts.asked, tenant)
    yield POLLED.sample(counts.polled, tenant)
    refused = {"polls": lookup.errands.polls_refused}
    for limit, count in (dict.fromkeys(_LIMITS, 0) | refused | lookup.errands.limited).items():
        yield LIMITED.sample(count, tenant, limit)
    yield VERDICTS.sample(len(lookup.knowledge.cache), tenant)


def _errands(tenant: str, lookup: Lookup, now: Instant) -> Iterator[Sample]:
    errands = lookup.errands
    yield BREAKER_OPEN.sample(errands.breaker.state is not BreakerState.CLOSED, tenant)
    for name, budget in (("logins", errands.logins), ("polling", errands.polling)):
        budget.wait_s(now)  # its rate is as of its last call, and rises while nobody calls
        yield BUDGET.sample(budget.rate, tenant, name)
        yield BUDGET_CONFIGURED.sample(budget.full_rate, tenant, name)
    yield WAITING.sample(errands.waiting, tenant)
    yield UNDER_WAY.sample(errands.under_way, tenant)
    yield POLLS_WAITING.sample(errands.polls_waiting, tenant)


def _polls(tenant: str, asking: Asking, wanted: Intervals, now: Instant) -> Iterator[Sample]:
    devices, oldest_s = asking.live.counts(tenant, now)
    yield LIVE_DEVICES.sample(devices, tenant)
    yield OLDEST_POLL.sample(oldest_s, tenant)
    yield OLDEST_VERDICT.sample(asking.live.oldest_verdict_s(tenant, now), tenant)
    yield INTERVAL.sample(wanted.poll_s, tenant)
    yield LONGEST.sample(wanted.longest_s, tenant)
    per_s = asking.lookups.by_tenant[tenant].errands.polling.rate
    yield FEASIBLE.sample(asking.live.feasible_s(tenant, per_s), tenant)


def _source(tenant: str, source: TenantSource) -> Iterator[Sample]:
    stands = source.status()
    yield PAUSED.sample(stands.paused_s, tenant)
    # Not the status's: with a fallback that one speaks of the first source alone.
    yield THROTTLED.sample(source.throttled, tenant)
    for number, credential in enumerate(stands.credentials, start=1):
        if credential.expires_at:
            yield CREDENTIAL_EXPIRES.sample(credential.expires_at, tenant, str(number))
        yield CREDENTIAL_OK.sample(not (credential.refused or credential.problem), tenant, str(number))
    yield CONSENT_MISSING.sample(bool(stands.consent), tenant)
    yield TOKEN_LEFT.sample(stands.token_left_s, tenant)
