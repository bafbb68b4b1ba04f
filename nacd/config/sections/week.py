"""Times of a week, as an admin writes them: some days, from one hour to another.

Knows: how days and hours are written. Refuses to know: what happens then, and which time zone a clock shows.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema

from nacd.config.fields import at_least_one
from nacd.config.sections.base import Section
from nacd.config.yaml import shown

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Weekday: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

_HOUR = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|(24):(00)", re.ASCII)


def hour(value: object) -> int:
    """``22:30`` as minutes since midnight; ``24:00`` is the end of the day."""
    match = _HOUR.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        said = f"{shown(value)} is no time of day" if isinstance(value, str) else "a time of day is wanted here"
        raise ValueError(f'{said}: write hours and minutes, in quotes, as in `"22:30"`')
    hours, minutes = (int(part) for part in match.groups() if part is not None)
    return hours * 60 + minutes


Hour: TypeAlias = Annotated[
    int,
    PlainValidator(hour),
    WithJsonSchema({"type": "string", "pattern": r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$", "examples": ["22:30"]}),
]


def _once(value: tuple[Weekday, ...]) -> tuple[Weekday, ...]:
    for day in value:
        if value.count(day) > 1:
            raise ValueError(f"`{day}` stands here twice")
    return value


Weekdays: TypeAlias = Annotated[
    tuple[Weekday, ...],
    BeforeValidator(at_least_one, json_schema_input_type=Weekday | list[Weekday]),
    AfterValidator(_once),
]


class Window(Section):
    """Some hours of some days, by the clock of this machine (local time)."""

    days: Weekdays = Field(
        default=("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
        description="days on which it begins: `mon`, `tue` ...; absent: every day",
        examples=[["mon", "tue", "wed", "thu", "fri"], "sat"],
    )
    begins: Hour = Field(alias="from", description='when it begins, as in `"22:00"`', examples=["22:00"])
    ends: Hour = Field(
        alias="to",
        description='when it ends, as in `"05:30"`; not after `from`: on the next day. `"24:00"`: midnight',
        examples=["05:30", "24:00"],
    )
