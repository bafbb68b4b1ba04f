"""The section of ``nacd.yaml`` about endpoints that come by their MAC alone.

Knows: keys, bounds and defaults, each with a description for the editor. Refuses to know: what is in the inventory
(``nacd mab``), and what a rule makes of it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from nacd.config.fields import Duration, between
from nacd.config.sections.base import DAY, Section

HOUR = timedelta(hours=1)


class Mab(Section):
    """What a MAC that proves nothing may do."""

    managed_devices: Literal["refuse", "allow"] = Field(
        default="refuse",
        description="`refuse` MAB where nacd knows the MAC by the certificate of a device, though a rule would let it"
        " in; `allow`: the rule decides",
    )
    managed_for: Annotated[Duration, AfterValidator(between(HOUR, 365 * DAY))] = Field(
        default=30 * DAY,
        description="how long after its last login with a certificate a MAC counts as that of a device",
        examples=["30d"],
    )
    two_ports: Literal["alarm", "ignore"] = Field(
        default="alarm",
        description="`alarm`: a record, a warning and a metric when one MAC is on two ports at once by MAB",
    )
