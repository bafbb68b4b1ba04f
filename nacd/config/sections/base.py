"""What every section of a configuration file has in common.

Knows: that unknown keys are refused and nothing written is repeated in an error. Refuses to know: any key.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
)

from nacd.config.fields import (
    Number,
)

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Section(BaseModel):
    """A mapping whose keys are all known; nothing in an error repeats what was written.

    hints: what to say about keys that are not known here, but that somebody may well write.
    """

    hints: ClassVar[Mapping[str, str]] = {}
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, arbitrary_types_allowed=True)


Many = Annotated[Number, Field(ge=1, le=1_000_000)]
