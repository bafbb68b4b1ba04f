"""The section of ``nacd.yaml`` about sessions: how long they are kept, and how a NAS is asked to change them.

Knows: keys, types, bounds and defaults, each with a description for the editor. Refuses to know: what
the rooms call their options (``server/`` translates), and which profiles there are (``load.py``).
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field

from nacd.config.fields import Duration, Flag, Number, Text, as_many, between
from nacd.config.sections.base import DAY, HOUR, MINUTE, SECOND, Section
from nacd.config.sections.week import Window

_SEEN = AfterValidator(between(SECOND, HOUR))

_Flips: TypeAlias = Annotated[Number, Field(ge=1, le=1_000_000)]
_Percent: TypeAlias = Annotated[float, Field(strict=True, ge=0.1, le=100)]
_Span: TypeAlias = Annotated[Duration, AfterValidator(between(SECOND, DAY))]
_Hold: TypeAlias = Annotated[Duration, AfterValidator(between(SECOND, 7 * DAY))]
_Rate: TypeAlias = Annotated[Number, Field(ge=1, le=1_000)]


class SeenWithin(Section):
    """How long a NAS that has said yes may take until the endpoint is seen again; then the next thing is asked."""

    reauthenticate: Annotated[Duration, _SEEN] = Field(default=30 * SECOND, description="after a re-authentication")
    disconnect: Annotated[Duration, _SEEN] = Field(default=60 * SECOND, description="after a disconnect")
    bounce: Annotated[Duration, _SEEN] = Field(default=90 * SECOND, description="after its port went down and up")


class GuardDown(Section):
    """How many sessions may lose access at once; beyond that a person decides (`nacd coa release` or `discard`)."""

    max_flips: _Flips = Field(
        default=50,
        description="sessions that may lose access within `window`",
        json_schema_extra={"x-unit": "sessions"},
        examples=[50],
    )
    max_flip_percent: _Percent = Field(
        default=5,
        description="the same in percent of all live sessions; the smaller of the two counts, at least one",
        json_schema_extra={"x-unit": "percent"},
        examples=[5],
    )
    window: _Span = Field(default=5 * MINUTE, description="how long a change counts")
    hold: _Hold = Field(default=HOUR, description="how long changes are held when nobody decides; then they happen")
    confirmed_per_s: _Rate = Field(
        default=5,
        description="changes a second that happen even then: Intune was just asked about that very device",
        json_schema_extra={"x-unit": "changes a second"},
        examples=[5],
    )


class GuardUp(Section):
    """How many sessions may gain access at once."""

    max_flips: _Flips = Field(
        default=200,
        description="sessions that may gain access within `window`",
        json_schema_extra={"x-unit": "sessions"},
        examples=[200],
    )
    max_flip_percent: _Percent = Field(
        default=25,
        description="the same in percent of all live sessions; the smaller of the two counts, at least one",
        json_schema_extra={"x-unit": "percent"},
        examples=[25],
    )
    window: _Span = Field(default=5 * MINUTE, description="how long a change counts")
    hold: _Hold = Field(default=HOUR, description="how long changes are held when nobody decides; then they happen")
    confirmed_per_s: _Rate = Field(
        default=20,
        description="changes a second that happen even then: Intune was just asked about that very device",
        json_schema_extra={"x-unit": "changes a second"},
        examples=[20],
    )


class Guards(Section):
    """What holds a mass change: Intune, a policy or nacd may be wrong about many devices at once."""

    down: GuardDown = Field(default=GuardDown(), description="for sessions that would lose access")
    up: GuardUp = Field(default=GuardUp(), description="for sessions that would gain access")


_Windows: TypeAlias = Annotated[
    tuple[Window, ...], BeforeValidator(as_many, json_schema_input_type=Window | list[Window])
]


class Windows(Section):
    """When NASes may be asked to change sessions. Orders of an admin do not wait for a window."""

    down: _Windows = Field(
        default=(),
        description="hours in which sessions may lose access; empty: always",
        examples=[[{"days": ["sat", "sun"], "from": "22:00", "to": "05:30"}]],
    )
    up: _Windows = Field(
        default=(),
        description="hours in which sessions may gain access; empty: always",
        examples=[[{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "07:00", "to": "19:00"}]],
    )


class Overrides(Section):
    """Profiles that `nacd quarantine` and `nacd allow` give when the order names none."""

    quarantine: Text | None = Field(
        default=None, description="profile of `nacd quarantine`; absent: name it each time", examples=["quarantine"]
    )
    allow: Text | None = Field(
        default=None, description="profile of `nacd allow`; absent: name it each time", examples=["corporate"]
    )


class Sessions(Section):
    """Sessions, and what is done about those whose decision has changed."""

    silent_for: Annotated[Duration, AfterValidator(between(10 * MINUTE, 30 * DAY))] = Field(
        default=DAY,
        description="how long nothing may be heard of a session, without Interims and Session-Timeout, until it is"
        " not counted as live any more",
    )
    keep: Annotated[Duration, AfterValidator(between(HOUR, 366 * DAY))] = Field(
        default=7 * DAY, description="how long sessions that have ended are kept"
    )
    policy_changes: Literal["ignore", "reassess"] = Field(
        default="ignore",
        description="what a new policy means for live sessions: nothing until they log in again, or decide them again",
    )
    seen_within: SeenWithin = Field(default=SeenWithin(), description="how long a NAS may take over what it promised")
    bounce: Flag = Field(
        default=True,
        description="whether a wired port may go down for a moment when nothing else worked; never one with a phone",
    )
    guard: Guards = Field(default=Guards(), description="how many sessions may change at once")
    windows: Windows = Field(default=Windows(), description="when NASes may be asked to change sessions")
    overrides: Overrides = Field(default=Overrides(), description="default profiles of overrides")
