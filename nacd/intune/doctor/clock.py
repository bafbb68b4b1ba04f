"""Whether this machine's clock agrees with Microsoft's.

Knows: how far off is too far. Refuses to know: time zones, NTP. An assertion signed by a certificate says when it is
good; the login service refuses it (AADSTS700024) when the clocks differ by more than five minutes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from nacd.errors import SourceError
from nacd.intune.client import HttpClient
from nacd.intune.cloud import netloc
from nacd.intune.doctor.step import Finding, Status, failed, good, warning
from nacd.intune.options import IntuneOptions

WARN_S = 60.0
FAIL_S = 300.0
_FIX = "set the clock: `timedatectl set-ntp true`, then look at `timedatectl timesync-status` or `chronyc tracking`"


def openid_url(options: IntuneOptions) -> str:
    """A page of the login service that anybody may read."""
    return f"{options.cloud.login}/{options.tenant}/v2.0/.well-known/openid-configuration"


def skew(http: HttpClient, options: IntuneOptions, until: float, now: Callable[[], float] = time.time) -> Finding:
    """How far this clock is from the login service's. now: this machine's clock, seconds since the epoch."""
    host = netloc(options.cloud.login)
    before = now()
    try:
        answer = http.send("GET", openid_url(options), headers={"Accept": "application/json"}, until=until)
    except SourceError as trouble:
        # No failure of its own: dns, tls or token say the same with more words.
        return Finding(
            status=Status.SKIPPED,
            detail=f"not measured: {trouble.detail.partition('; ')[0]}\nthis machine says it is {_utc(before)}",
        )
    here = (before + now()) / 2
    there = _date(answer.headers.get("date", ""))
    if not there:
        return warning(
            f"not measured: the answer of `{host}` carries no date", "look for a proxy that rewrites answers"
        )
    off_s = here - (there + 0.5)  # a Date has whole seconds
    if abs(off_s) < WARN_S:
        return good(f"{abs(off_s):.0f} s off" if abs(off_s) >= 1 else "right to the second")
    side = "ahead of" if off_s > 0 else "behind"
    detail = f"this machine is {_span(abs(off_s))} {side} `{host}`: here {_utc(here)}, there {_utc(there)}"
    if abs(off_s) < FAIL_S:
        return warning(detail, _FIX)
    return failed(
        f"{detail}\ntokens by certificate are refused (AADSTS700024), and certificates look out of date", _FIX
    )


def _date(text: str) -> float:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0


def _utc(wall: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(wall))


def _span(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
