"""``audit:`` in ``nacd.yaml``: where records go, how surely, and for how long.

Knows: the file, what happens when it takes nothing, when it is full, who vouches for it. Refuses to know: what a record
says.
"""

from __future__ import annotations

from datetime import timedelta
from os.path import realpath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from nacd.config.fields import AnyPath, Duration, Flag, Number, between
from nacd.config.sections.audit.forwarding import Destinations
from nacd.config.sections.audit.keys import SigningKeyField
from nacd.config.sections.audit.limits import DurationOrNever, SizeOrNever
from nacd.config.sections.audit.privacy import Privacy
from nacd.config.sections.base import DAY, MINUTE, SECOND, Section

_MIB = 1 << 20
_TEN_YEARS = 3660 * DAY


def _big_enough(value: int | None) -> int | None:
    if value is not None and value < _MIB:
        raise ValueError("a file of less than `1MiB` is full all the time")
    return value


def _long_enough(value: timedelta | None) -> timedelta | None:
    return between(MINUTE, _TEN_YEARS)(value) if value is not None else None


class Rotate(Section):
    """When the live file is full: it gets a name of its own, and a new one begins."""

    size: Annotated[SizeOrNever, AfterValidator(_big_enough)] = Field(
        default=256 * _MIB,
        json_schema_extra={"default": "256MiB"},
        description="full at this size; `never`: size does not matter",
        examples=["256MiB"],
    )
    every: Annotated[DurationOrNever, AfterValidator(_long_enough)] = Field(
        default=DAY,
        json_schema_extra={"default": "1d"},
        description="full at this age, if anything stands in it; `never`: age does not matter, as where logrotate does"
        " it all",
        examples=["1d"],
    )


class Keep(Section):
    """How long full files are kept. What is deleted is recorded first."""

    age: Annotated[DurationOrNever, AfterValidator(_long_enough)] = Field(
        alias="for",
        default=400 * DAY,
        json_schema_extra={"default": "400d"},
        description="full files are deleted when their last record is older; `never`: age deletes nothing",
        examples=["400d"],
    )
    size: Annotated[SizeOrNever, AfterValidator(_big_enough)] = Field(
        default=None,
        json_schema_extra={"default": "never"},
        description="the oldest full files are deleted when all together are larger, as they lie on the disk",
        examples=["50GiB"],
    )


class Checkpoint(Section):
    """How often a record says how far the trail has come, for whoever checks it later."""

    records: Annotated[Number, Field(ge=1, le=1_000_000)] = Field(
        default=10_000,
        description="after so many records",
        json_schema_extra={"x-unit": "records"},
        examples=[10_000],
    )
    every: Annotated[Duration, AfterValidator(between(SECOND, DAY))] = Field(
        default=MINUTE, description="and after this time, if anything was recorded in it"
    )


class Audit(Section):
    """The audit log."""

    file: AnyPath = Field(
        description="JSON lines are appended to this file, each tied to the one before. Without a record no Accept"
        " leaves (see `when_full`)",
        examples=["/var/log/nacd/audit.jsonl"],
    )
    when_full: Literal["refuse", "continue"] = Field(
        default="refuse", description="when no record can be written: `refuse` access, or `continue` without records"
    )
    warn_at_percent: Annotated[Number, Field(ge=1, le=99)] = Field(
        default=80,
        description="warn when the disk under the log is this full",
        json_schema_extra={"x-unit": "percent"},
        examples=[80],
    )
    sync: Literal["batch", "each"] = Field(
        default="batch",
        description="`batch`: records are carried to the disk every `sync_every`, and a power cut may take the last of"
        " them with it (a crash of nacd takes none); `each`: before the answer they speak of leaves, which waits for"
        " the disk",
    )
    sync_every: Annotated[Duration, AfterValidator(between(timedelta(milliseconds=10), MINUTE))] = Field(
        default=SECOND, description="for `batch`: how long at most a record waits for the disk"
    )
    rotate: Rotate = Field(default=Rotate(), description="when a new file begins")
    keep: Keep = Field(default=Keep(), description="how long full files are kept")
    compress: Flag = Field(default=True, description="full files are compressed; `zcat` reads them")
    checkpoint: Checkpoint = Field(default=Checkpoint(), description="how often the trail is vouched for")
    key: SigningKeyField | None = Field(
        default=None,
        description="reference to the Ed25519 key that signs checkpoints; absent: they are not signed, and whoever"
        " can write the file can make it anew",
        examples=["file:secrets/audit.key", "cred:audit-key"],
    )
    previous_key: SigningKeyField | None = Field(
        default=None,
        description="the key before, so that it vouches for the one that follows it; needed until nacd has been"
        " reloaded or restarted once",
        examples=["file:secrets/audit-2027.key"],
    )
    anchors: AnyPath | None = Field(
        default=None,
        description="a file of another account that gets each checkpoint; nacd can append to it and never makes it",
        examples=["/var/log/nacd-anchors/anchors.jsonl"],
    )
    forward: Destinations = Field(default=(), description="machines that get copies of the records")
    privacy: Privacy = Field(default=Privacy(), description="names that are not written into records")

    @model_validator(mode="after")
    def _previous_of_one(self) -> Audit:
        if self.previous_key is not None and self.key is None:
            raise PydanticCustomError("nacd", "`previous_key` is followed by no `key`")
        return self

    @model_validator(mode="after")
    def _anchors_elsewhere(self) -> Audit:
        if self.anchors is not None and realpath(self.anchors) == realpath(self.file):
            raise PydanticCustomError(
                "nacd", "`anchors` is the audit file itself: name another file, one that another account owns"
            )
        return self
