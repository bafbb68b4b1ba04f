"""What a configuration says of monitor mode, judged at the hour it is read: ends that are too far ahead or have passed.

Knows: how long monitor mode may last, and what whoever reads a configuration has to be told of it. Refuses to know:
requests, and how a monitor is spelled (``config/rules/monitor``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from nacd.config.load import Loaded
from nacd.config.rules.monitor import places
from nacd.config.settings import Client
from nacd.config.yaml import PathTo
from nacd.errors import Problem
from nacd.findings import Code
from nacd.policy.monitor.scopes import Monitor
from nacd.values import Instant, Nas

MOST_DAYS: Final = 90
DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """problems: why nacd does not start. notes: that something is monitored, or is no more."""

    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]


def judge(loaded: Loaded, now: Instant) -> Judged:
    """All monitors of a policy, at this hour."""
    monitors = loaded.policy.monitors
    problems: list[Problem] = []
    notes: list[Problem] = []
    for monitor, path in places(monitors.all, [rule.name for rule in loaded.policy.rules]).items():
        if monitor.until > now.wall + MOST_DAYS * DAY_S:
            end = (*path, "until")
            words = (
                f"monitor mode ends at most {MOST_DAYS} days ahead, and this is {left(monitor, now.wall)}: choose an"
            )
            problems.append(loaded.policy_document.problem(end, f"{words} earlier day, and put it off when it comes"))
        else:
            said = _said(loaded, monitor, path, now.wall)
            notes += [loaded.policy_document.problem(path, words, code=code) for code, words in said]
    return Judged(problems=tuple(problems), notes=tuple(notes))


def left(monitor: Monitor, at: float) -> str:
    """In words. at: seconds since the epoch."""
    left_s = max(0.0, monitor.until - at)
    for unit, size_s in (("day", DAY_S), ("hour", 3_600.0), ("minute", 60.0)):
        if left_s >= size_s:
            count = int(left_s // size_s)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a minute"


def date(monitor: Monitor) -> str:
    """When it ends, in UTC."""
    return datetime.fromtimestamp(monitor.until, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _said(loaded: Loaded, monitor: Monitor, path: PathTo, at: float) -> Iterator[tuple[Code, str]]:
    where = f"of {monitor}" if monitor.name else "everywhere"
    if not monitor.is_in_force(at):
        words = f"monitor mode {where} has ended on {date(monitor)}: what is decided is answered, take the monitor out"
        yield Code.MONITOR_ENDED, words
        return
    kept = f", but for {', '.join(f'`{name}`' for name in sorted(monitor.keep))}" if monitor.keep else ""
    yield (
        Code.MONITOR_ON,
        f"monitor mode {where} until {date(monitor)} (for {left(monitor, at)}): nothing is enforced, every decision is"
        f" answered with profile `{monitor.profile}`{kept}, also a refusal",
    )
    profile = loaded.profiles.get(monitor.profile)
    deaf = [each.name for each in loaded.settings.clients if each.dynauth is None and _reaches(loaded, monitor, each)]
    if deaf and profile is not None and not profile.session_timeout_s:
        more = f" and {len(deaf) - 1} more" if len(deaf) > 1 else ""
        yield (
            Code.MONITOR_OUTLIVED,
            f"NAS `{deaf[0]}`{more} cannot be asked to change a session (`dynauth`): give profile `{monitor.profile}` a"
            " `session_timeout`, or what was let in stays after the end",
        )


def _reaches(loaded: Loaded, monitor: Monitor, client: Client) -> bool:
    nas = Nas(name=client.name, vendor=client.vendor, groups=frozenset(client.groups))
    return loaded.policy.monitors.reaches(monitor, nas)
