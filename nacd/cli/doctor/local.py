"""The steps that this machine alone can answer: the window of the list, and whether polling can keep up.

Knows: the daemon's files and settings. Refuses to know: Microsoft. Files are read, never written: this runs beside
a daemon.
"""

from __future__ import annotations

import math
import time
from contextlib import closing
from pathlib import Path
from typing import Final

from nacd.cli.control.order import NobodyListens, OrderFailed, give
from nacd.cli.doctor.site import Site
from nacd.compliance.bulk_plan import next_run
from nacd.compliance.polling import feasible_interval_s
from nacd.config.sections.intune import Intune
from nacd.errors import SourceError
from nacd.intune.doctor.step import Finding, Status, good, not_needed, warning
from nacd.intune.doctor.together import together
from nacd.server.lookups.building import DATABASE
from nacd.store.verdicts import VerdictStore, tenant_key

_DAEMON_S: Final = 3.0


def window(name: str, section: Intune, site: Site) -> Finding:
    if section.source != "nac":
        return not_needed("graph alone is asked about devices")
    nothing = Finding(status=Status.SKIPPED, detail="not known: nothing was kept yet in this state folder")
    if site.state is None:
        return nothing
    try:
        if not (site.state / DATABASE).exists():
            return nothing
        with closing(VerdictStore.read_only(site.state / DATABASE)) as file:
            kept = file.bulk_window(tenant_key(name, section.cloud, section.tenant))
    except (OSError, ValueError) as trouble:
        return warning(str(trouble), "run doctor as nacd's user or as root; a damaged file is replaced by the daemon")
    now = time.time()
    following = next_run(kept, now, site.compliance.poll.bulk.total_seconds())
    lines = [
        f"last whole list {_ago(kept.last_success_at, now)}, last try {_ago(kept.last_try_at, now)}",
        f"next try {'now' if following <= now else f'in {_span(following - now)}'}",
    ]
    if kept.last_quota_at and kept.last_quota_at >= kept.last_success_at:
        lines.append(f"refused for its quota {_ago(kept.last_quota_at, now)}")
        return warning("\n".join(lines), "does another nacd, or another product, ask for the list in this tenant?")
    return good("\n".join(lines))


def polling(name: str, site: Site, until: float) -> Finding:
    """Whether every live session can be asked about as often as configured. until: monotonic seconds."""
    interval_s, budget = site.compliance.poll.interval.total_seconds(), site.compliance.budget.polling
    sessions, who, slow = _live(name, site.state, until)
    feasible_s = feasible_interval_s(sessions, budget)
    rate = f"every {_span(interval_s)} with {budget} questions a second"
    if feasible_s > interval_s:
        return warning(
            f"{sessions} live devices are too many for {rate}\n{who}",
            f"set `poll.interval` to {math.ceil(feasible_s)}s or more, or `budget.polling` higher",
        )
    if slow:  # it knows of groups with intervals of their own, of a budget that was lowered, of a slow Intune
        return warning(f"{slow}\n{who}", "set `poll.interval` and `poll.groups` longer, or `budget.polling` higher")
    return good(f"{rate}: enough for {int(interval_s * budget)} live devices\n{who}")


def _live(name: str, state: Path | None, until: float) -> tuple[int, str, str]:
    """How many devices the running daemon watches, that in words, and what it says of its pace, ``""`` if nothing;
    0 when it cannot be known."""
    if state is None:
        return 0, "how many there are is not known: no state folder", ""

    def ask(_: str) -> tuple[int, str]:
        try:
            stands = give(state, "cache.status", tenant=name)[name]
            return int(stands["live"]["devices"]), "\n".join(map(str, stands.get("too_slow", ())))
        except (NobodyListens, OrderFailed) as silent:
            raise SourceError(str(silent)) from silent
        except (LookupError, TypeError, ValueError) as strange:
            raise SourceError("the daemon is of another version") from strange

    ((_, found),) = together(("daemon",), ask, min(until, time.monotonic() + _DAEMON_S))
    if isinstance(found, SourceError):
        return 0, f"how many there are is not known: {found.detail}", ""
    devices, slow = found
    return devices, f"the running daemon watches {devices} now", slow


def _ago(wall: float, now: float) -> str:
    return f"{_span(now - wall)} ago" if wall else "never"


def _span(seconds: float) -> str:
    if seconds >= 2 * 3600:
        return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"
    return f"{int(seconds // 60)} min" if seconds >= 120 else f"{seconds:.0f} s"
