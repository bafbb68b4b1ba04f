"""``monitor`` as it is written: everywhere, for a group, for a rule; until when, and what is answered instead.

Knows: how an admin spells an end, and that nothing is monitored without one. Refuses to know: what time it is (how far
ahead an end may lie, and whether it has passed, is found when the configuration is made ready to serve), and which
monitor counts (``policy/monitor``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Annotated, Any, ClassVar, Final, Protocol, TypeAlias

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from nacd.config import wording
from nacd.config.fields import Text, Texts
from nacd.config.rules.words import clock
from nacd.config.sections.base import Section
from nacd.config.yaml import PathTo, Plain, shown
from nacd.policy.model import DENY
from nacd.policy.monitor.scopes import Monitor, Monitors, Scope

_END: Final = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?)?", re.ASCII)
_LAST_YEAR: Final = 9_000
_WANTED: Final = 'in quotes, as in `"2026-12-31"` (that whole day) or `"2026-12-31T18:00+01:00"`'

End: TypeAlias = date | datetime


def _end(value: object) -> End:
    if not isinstance(value, str):
        raise ValueError(f"the end of a monitor is wanted here, {_WANTED}")  # noqa: TRY004 - pydantic collects these
    match = _END.fullmatch(value)
    if match is None:
        raise ValueError(f"{shown(value)} is no end of a monitor: write a date or a time with its zone, {_WANTED}")
    if match.group(1) and not match.group(3):
        raise ValueError(f"{shown(value)} says no time zone: write `Z` or `+01:00` behind it, or the date alone")
    try:
        found = datetime.fromisoformat(value) if match.group(1) else date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{shown(value)} is in no calendar") from None
    if not 1970 < found.year < _LAST_YEAR:
        raise ValueError(f"{shown(value)} is no end of a monitor: its year is wrong")
    return found


Until: TypeAlias = Annotated[
    End, PlainValidator(_end), WithJsonSchema({"type": "string", "pattern": f"^{_END.pattern}$"})
]


def seconds(end: End, zone: tzinfo) -> float:
    """Seconds since the epoch; a date ends when its day does, by the clocks of this zone."""
    if isinstance(end, datetime):
        return end.timestamp()
    return datetime.combine(end + timedelta(days=1), time(), zone).timestamp()


_ENDS: Final[list[Any]] = ["2026-12-31", "2026-12-31T18:00+01:00"]
_UNTIL: Final = (
    "when it ends: a date (that whole day, by `time_zone`, or UTC without one) or a time with its zone, at most 90 days"
    " ahead"
)
_PROFILE: Final = "profile that every decision is answered with until then, also one that accepts"
_HINTS: Final = {
    "end": "write `until`",
    "ends": "write `until`",
    "expires": "write `until`",
    "then": "write `profile`",
    "answer": "write `profile`",
    "exempt": "groups that are enforced stand under `enforce`, profiles that are given as decided under `keep`",
    "except": "groups that are enforced stand under `enforce`, profiles that are given as decided under `keep`",
}


class RuleMonitorText(Section):
    """Monitor mode for one rule: it decides and is recorded as ever, and something else is answered."""

    hints: ClassVar[Mapping[str, str]] = _HINTS | {
        "keep": "a rule decides one thing: `keep` stands above, for all rules"
    }
    until: Until = Field(description=_UNTIL, examples=_ENDS)
    profile: Text = Field(
        description="profile that this rule's decisions are answered with until then", examples=["open"]
    )


class GroupMonitorText(Section):
    """Monitor mode for the NASes of one group."""

    hints: ClassVar[Mapping[str, str]] = _HINTS
    until: Until = Field(description=_UNTIL, examples=_ENDS)
    profile: Text = Field(description=_PROFILE, examples=["open"])
    keep: Texts = Field(default=(), description="profiles that are given as they were decided", examples=[["phones"]])


class MonitorText(Section):
    """Monitor mode: decisions are made and recorded, and not yet enforced."""

    hints: ClassVar[Mapping[str, str]] = _HINTS | {
        "group": "write `groups`, as in `groups: {wifi: {until: ..., profile: ...}}`",
        "rules": "it stands in the rule itself, as `monitor: {until: ..., profile: ...}`",
    }
    until: Until | None = Field(default=None, description=f"for all NASes: {_UNTIL}", examples=_ENDS)
    profile: Text | None = Field(default=None, description=f"for all NASes: {_PROFILE}", examples=["open"])
    keep: Texts = Field(
        default=(), description="for all NASes: profiles that are given as they were decided", examples=[["phones"]]
    )
    enforce: Texts = Field(
        default=(),
        description="groups of NASes where decisions are enforced already, whatever is monitored elsewhere",
        examples=[["lobby", "building-7"]],
    )
    groups: dict[Text, GroupMonitorText] = Field(
        default={},
        description="monitor mode for the NASes of a group",
        examples=[{"wifi": {"until": "2026-12-31", "profile": "open"}}],
    )

    @model_validator(mode="after")
    def _whole(self) -> MonitorText:
        if (self.until is None) != (self.profile is None):
            missing = "until" if self.until is None else "profile"
            what = _UNTIL if self.until is None else _PROFILE
            raise PydanticCustomError("nacd", "`{missing}` is missing: {what}", {"missing": missing, "what": what})
        if self.until is None and not self.groups:
            raise PydanticCustomError("nacd", "nothing is monitored here: write `until` and `profile`, or `groups`")
        if self.until is None and self.keep:
            raise PydanticCustomError("nacd", "`keep` belongs to `until` and `profile`: write it in the group")
        for group in self.groups:
            if group in self.enforce:
                words = "the group `{group}` stands under `groups` and under `enforce`: it is either"
                raise PydanticCustomError("nacd", words, {"group": group})
        return self


class Refuse(Protocol):
    """Takes down a problem at a place; key: the key is meant, and not its value."""

    def __call__(self, path: PathTo, message: str, *, key: bool = False) -> None: ...


def check(path: PathTo, written: Plain, profiles: Iterable[str], groups: Iterable[str] | None, refuse: Refuse) -> None:
    """What one ``monitor`` refers to, as far as it can be read. groups: those that NASes have, None if nobody knows."""
    if not isinstance(written, dict):
        return
    profiles = tuple(profiles)
    _profile((*path, "profile"), written.get("profile"), profiles, refuse)
    for number, name in enumerate(_many(written.get("keep", ()))):
        _profile((*path, "keep", number), name, profiles, refuse)
    for number, name in enumerate(_many(written.get("enforce", ()))):
        _group((*path, "enforce", number), name, groups, refuse, key=False)
    narrower = written.get("groups")
    for name, each in narrower.items() if isinstance(narrower, dict) else ():
        _group((*path, "groups", name), name, groups, refuse, key=True)
        check((*path, "groups", name), each, profiles, groups, refuse)


def _profile(path: PathTo, name: Plain, profiles: tuple[str, ...], refuse: Refuse) -> None:
    if name == DENY:
        refuse(path, f"a monitor lets in: `{DENY}` is no profile")
    elif isinstance(name, str) and name not in profiles:
        refuse(path, f"there is no profile `{name}`{wording.did_you_mean(name, profiles)}")


def _group(path: PathTo, name: Plain, groups: Iterable[str] | None, refuse: Refuse, *, key: bool) -> None:
    if groups is not None and isinstance(name, str) and name not in set(groups):
        near = wording.did_you_mean(name, groups) or ": no client is in any"
        refuse(path, f"no NAS is in the group `{name}`{near}", key=key)


def _many(value: Plain) -> tuple[Plain, ...]:
    return value if isinstance(value, tuple) else (value,)


def monitors(written: MonitorText | None, rules: Mapping[str, RuleMonitorText], zone: Plain) -> Monitors:
    """All of one policy. rules: by name, those that have one. zone: ``time_zone``, as it is written."""
    ends_by, _ = clock(zone)
    found: list[Monitor] = []
    if written is not None and written.until is not None and written.profile is not None:
        keep = frozenset(written.keep)
        until = seconds(written.until, ends_by)
        found.append(Monitor(scope=Scope.EVERYWHERE, until=until, profile=written.profile, keep=keep))
    for name, group in (written.groups if written is not None else {}).items():
        until, keep = seconds(group.until, ends_by), frozenset(group.keep)
        found.append(Monitor(scope=Scope.GROUP, name=name, until=until, profile=group.profile, keep=keep))
    for name, rule in rules.items():
        until = seconds(rule.until, ends_by)
        found.append(Monitor(scope=Scope.RULE, name=name, until=until, profile=rule.profile))
    return Monitors(all=tuple(found), enforced=frozenset(written.enforce if written is not None else ()))


def places(all: Iterable[Monitor], rules: Iterable[str]) -> Mapping[Monitor, PathTo]:
    """Where each stands in the policy file. rules: all of the file, in order."""
    numbers = {name: number for number, name in enumerate(rules)}
    return {each: _place(each, numbers) for each in all}


def _place(monitor: Monitor, numbers: Mapping[str, int]) -> PathTo:
    if monitor.scope is Scope.RULE:
        return "rules", numbers[monitor.name], "monitor"
    return ("monitor", "groups", monitor.name) if monitor.name else ("monitor",)
