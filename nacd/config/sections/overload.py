"""The section of ``nacd.yaml`` about more work than can be done.

Knows: keys, bounds and defaults. Refuses to know: how work is queued (``overload/``, ``server/``).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from nacd.config.fields import Duration, Number, Size, between
from nacd.config.sections.base import HOUR, MINUTE, SECOND, Section


class Failing(Section):
    """Endpoints that are refused in a loop."""

    refusals: Annotated[Number, Field(ge=2, le=1000)] = Field(
        default=10,
        description="so many in a row within the window, and the endpoint is answered from memory",
        json_schema_extra={"x-unit": "refusals"},
        examples=[10],
    )
    within: Annotated[Duration, AfterValidator(between(5 * SECOND, HOUR))] = Field(
        default=MINUTE, description="the window they are counted in"
    )
    hold: Annotated[Duration, AfterValidator(between(SECOND, 10 * MINUTE))] = Field(
        default=30 * SECOND, description="how long it is refused from memory before it may try again"
    )


class Overload(Section):
    """What waits, who may begin how often, and who is answered from memory."""

    max_requests: Annotated[Number, Field(ge=10, le=1_000_000)] = Field(
        default=10_000,
        description="requests that wait to be worked on; new logins may take three quarters of it",
        json_schema_extra={"x-unit": "requests"},
        examples=[10_000],
    )
    memory: Size = Field(
        default=16 << 20,
        json_schema_extra={"default": "16MiB"},
        description="octets of the requests that wait",
        examples=["16MiB"],
    )
    max_per_nas: Annotated[Number, Field(ge=1, le=1_000_000)] = Field(
        default=3_000,
        description="requests of one NAS address that wait: new logins, accounting, and what goes on, each by itself",
        json_schema_extra={"x-unit": "requests"},
        examples=[3_000],
    )
    port_rate: Annotated[Number, Field(ge=1, le=10_000)] = Field(
        default=10,
        description="new logins a second through one wired port; more are refused",
        json_schema_extra={"x-unit": "logins a second"},
        examples=[10],
    )
    port_burst: Annotated[Number, Field(ge=1, le=100_000)] = Field(
        default=100,
        description="new logins at once through one port after a quiet time",
        json_schema_extra={"x-unit": "logins"},
        examples=[100],
    )
    failing: Failing = Field(default=Failing(), description="endpoints that are refused in a loop")
    reject_delay: Annotated[Duration, AfterValidator(between(timedelta(0), 5 * SECOND))] = Field(
        default=SECOND, description="how long a refusal from memory is held back, so that loops turn slowly"
    )
