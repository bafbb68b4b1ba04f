"""The section of ``nacd.yaml`` about verdicts: how long they are good, and how they are asked for.

Knows: keys, types, bounds and defaults, each with a description for the editor. Refuses to know: what
the rooms call their options (``server/`` translates).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import (
    AfterValidator,
    Field,
)

from nacd.config.fields import (
    Duration,
    Number,
    Text,
    between,
)
from nacd.config.sections.base import DAY, HOUR, MINUTE, SECOND, Many, Section

_LIFETIME = AfterValidator(between(SECOND, 7 * DAY))
_INTERVAL = AfterValidator(between(SECOND, DAY))


class Lifetimes(Section):
    """How long a verdict counts as fresh."""

    compliant: Annotated[Duration, _LIFETIME] = Field(
        default=HOUR,
        description="how long `compliant` is taken without asking again; longer spares Intune and notices later",
    )
    noncompliant: Annotated[Duration, _LIFETIME] = Field(
        default=5 * MINUTE,
        description="how long `noncompliant` is taken without asking again; longer keeps a repaired device waiting",
    )
    not_managed: Annotated[Duration, _LIFETIME] = Field(
        default=5 * MINUTE,
        description="how long `not_managed` is taken without asking again; longer keeps a new device waiting",
    )
    unknown: Annotated[Duration, _LIFETIME] = Field(
        default=2 * MINUTE, description="how long `unknown` is taken without asking again"
    )


class Poll(Section):
    """How live sessions are watched."""

    interval: Annotated[Duration, _INTERVAL] = Field(
        default=5 * MINUTE,
        description="how often the devices of live sessions are asked about: so long a change may take to be noticed",
    )
    groups: Mapping[Text, Annotated[Duration, _INTERVAL]] = Field(
        default={},
        description="another interval for sessions at NASes of these groups; of several the shortest counts",
        examples=[{"remote": "2m"}],
    )
    bulk: Annotated[Duration, AfterValidator(between(MINUTE, 7 * DAY))] = Field(
        default=4 * HOUR + 15 * MINUTE,
        description="how often the whole list of devices is fetched; Microsoft allows it once in four hours",
    )


class Budget(Section):
    """Questions a second that Intune is asked at most, for each tenant. 429 lowers them, quiet raises them again."""

    logins: Annotated[Number, Field(ge=1, le=1000)] = Field(
        default=50,
        description="for endpoints that log in",
        json_schema_extra={"x-unit": "questions a second"},
        examples=[50],
    )
    polling: Annotated[Number, Field(ge=1, le=1000)] = Field(
        default=50,
        description="for watching live sessions",
        json_schema_extra={"x-unit": "questions a second"},
        examples=[50],
    )


class ComplianceSettings(Section):
    """How verdicts are kept, and how long an answer may take."""

    lifetimes: Lifetimes = Field(default=Lifetimes(), description="how long each verdict counts as fresh")
    stale_for: Annotated[Duration, AfterValidator(between(0 * SECOND, 30 * DAY))] = Field(
        default=DAY, description="how long after that it may still be used, with its age, while Intune is asked again"
    )
    stale_wait: Annotated[Duration, AfterValidator(between(0 * SECOND, 30 * SECOND))] = Field(
        default=500 * SECOND / 1000,
        description="how long a request waits for a new verdict when there is a stale one; `0s`: not at all",
    )
    budget: Budget = Field(default=Budget(), description="questions a second")
    max_verdicts: Annotated[Number, Field(ge=100, le=10_000_000)] = Field(
        default=200_000,
        description="verdicts held in memory for each tenant, about 500 octets each; all are on disk",
        json_schema_extra={"x-unit": "verdicts"},
        examples=[200_000],
    )
    lookup_deadline: Annotated[Duration, AfterValidator(between(100 * SECOND / 1000, 30 * SECOND))] = Field(
        default=2 * SECOND, description="how long a request waits for Intune before the state is `unavailable`"
    )
    poll: Poll = Field(default=Poll(), description="how live sessions are watched")
    reauth_query_interval: Annotated[Duration, _LIFETIME] = Field(
        default=HOUR,
        description="how old a verdict may be when a live session authenticates again; its lifetime may be shorter",
    )
    threads: Annotated[Number, Field(ge=1, le=64)] = Field(
        default=16, description="lookups done at the same time", json_schema_extra={"x-unit": "lookups"}, examples=[16]
    )
    max_waiting: Annotated[Number, Field(ge=1, le=100_000)] = Field(
        default=1000,
        description="lookups that may wait for a thread; more are `unavailable` at once",
        json_schema_extra={"x-unit": "lookups"},
        examples=[1000],
    )
    max_per_nas: Many = Field(
        default=200,
        description="lookups under way for one NAS address, of MACs and of devices each",
        json_schema_extra={"x-unit": "lookups"},
        examples=[200],
    )
    max_per_port: Many = Field(
        default=16,
        description="lookups under way for one wired port, of MACs and of devices each",
        json_schema_extra={"x-unit": "lookups"},
        examples=[16],
    )
