"""How an admin bounds an age, a version, and what is left of something: a mapping with one of two keys.

Knows: the spelling of each. Refuses to know: what is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, TypeAlias

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from nacd.config.fields import Duration, Text, between
from nacd.config.sections.base import DAY, SECOND, Section
from nacd.config.yaml import shown

_ONE_KEY = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})
AgeLimit: TypeAlias = Annotated[Duration, AfterValidator(between(SECOND, 3650 * DAY))]


def _age_mapping(value: object) -> object:
    if not isinstance(value, dict):
        raise ValueError("write `{at_most: 4h}` or `{over: 4h}`")  # noqa: TRY004 - what pydantic collects
    return value


class Age(Section):
    """How long ago: one of the two."""

    model_config = _ONE_KEY
    hints: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("max", "below", "under", "less_than", "within"), "write `at_most`"
    ) | dict.fromkeys(("min", "above", "more_than", "older_than", "at_least"), "write `over`")
    at_most: AgeLimit | None = Field(default=None, description="this long ago or less, as in `4h`", examples=["4h"])
    over: AgeLimit | None = Field(default=None, description="longer ago than this, as in `4h`", examples=["4h"])

    @model_validator(mode="after")
    def _one(self) -> Age:
        if (self.at_most is None) == (self.over is None):
            raise PydanticCustomError("nacd", "write one of `at_most` and `over`, as in `{at_most: 4h}`")
        return self


def _version(value: str) -> str:
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9}){0,7}", value):
        raise ValueError(f"{shown(value)} is no version: write numbers and dots, as in `10.0.19045`")
    return value


def _version_mapping(value: object) -> object:
    if not isinstance(value, dict):
        raise ValueError('write `{at_least: "10.0.19045"}` or `{below: "10.0.19045"}`')  # noqa: TRY004
    return value


VersionField: TypeAlias = Annotated[Text, AfterValidator(_version)]


class VersionBound(Section):
    """A version and what is not lower, or what is."""

    model_config = _ONE_KEY
    hints: ClassVar[Mapping[str, str]] = {"min": "write `at_least`", "at_most": "write `below` and the next version"}
    at_least: VersionField | None = Field(
        default=None, description='this version or a later one, as in `"10.0.19045"`', examples=["10.0.19045"]
    )
    below: VersionField | None = Field(
        default=None, description='earlier than this version, as in `"10.0.19045"`', examples=["10.0.19045"]
    )

    @model_validator(mode="after")
    def _one(self) -> VersionBound:
        if (self.at_least is None) == (self.below is None):
            message = 'write one of `at_least` and `below`, as in `{at_least: "10.0.19045"}`'
            raise PydanticCustomError("nacd", message)
        return self


def _left_mapping(value: object) -> object:
    if not isinstance(value, dict):
        raise ValueError("write `{at_least: 7d}` or `{below: 7d}`")  # noqa: TRY004 - what pydantic collects
    return value


class Left(Section):
    """How long something still lasts: one of the two."""

    model_config = _ONE_KEY
    hints: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("min", "over", "more_than"), "write `at_least`"
    ) | dict.fromkeys(("max", "at_most", "under", "less_than", "within"), "write `below`")
    at_least: AgeLimit | None = Field(default=None, description="this long or longer, as in `7d`", examples=["7d"])
    below: AgeLimit | None = Field(default=None, description="less than this, as in `7d`", examples=["7d"])

    @model_validator(mode="after")
    def _one(self) -> Left:
        if (self.at_least is None) == (self.below is None):
            raise PydanticCustomError("nacd", "write one of `at_least` and `below`, as in `{at_least: 7d}`")
        return self


AgeBound: TypeAlias = Annotated[Age, BeforeValidator(_age_mapping)]
Bound: TypeAlias = Annotated[VersionBound, BeforeValidator(_version_mapping)]
LeftBound: TypeAlias = Annotated[Left, BeforeValidator(_left_mapping)]
