"""The section of ``nacd.yaml`` about the door for people: the socket of `nacd sessions`, `nacd coa` and their like.

Knows: who is named for what. Refuses to know: whether this machine has such users (``server/`` asks the kernel), and
what each order needs.
"""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema

from nacd.config.fields import AnyPath, as_many, text
from nacd.config.sections.base import Section
from nacd.config.yaml import shown

_MEMBER = re.compile(r"@?[A-Za-z0-9_][A-Za-z0-9_.\\@+-]{0,254}\$?", re.ASCII)
"""What useradd(8) allows, and what directory services make of it (``alex@contoso.com``, ``CONTOSO\\alex``)."""


def member(value: object) -> str:
    """A user of this machine, or ``@`` and a group."""
    word = text(value)
    if not _MEMBER.fullmatch(word):
        raise ValueError(f'{shown(word)} is no name of a user: write `alex`, or `"@netops"` for a group')
    return word


Members: TypeAlias = Annotated[
    tuple[
        Annotated[str, PlainValidator(member), WithJsonSchema({"type": "string", "examples": ["alex", "@netops"]})],
        ...,
    ],
    BeforeValidator(as_many, json_schema_input_type=str | list[str]),
]


class Control(Section):
    """Who may give orders to the running daemon. root and its own user may do everything."""

    socket: AnyPath | None = Field(
        default=None,
        description="its socket, as in `/run/nacd/control.sock`; default: `control.sock` in the state folder, which"
        " users other than root may not be able to enter",
        examples=["/run/nacd/control.sock"],
    )
    read: Members = Field(
        default=(),
        description='users and groups (`"@netops"`) that may look at sessions, overrides and what is held',
        examples=[["@operators"]],
    )
    coa: Members = Field(
        default=(),
        description="those that may also have sessions changed: ask a NAS, quarantine, block, release what is held",
        examples=[["@netops"]],
    )
    config: Members = Field(
        default=(),
        description="those that may also let somebody in against the policy (`nacd allow`)",
        examples=[["alex"]],
    )
    helpdesk: Members = Field(
        default=(),
        description="those that may keep the inventory of MACs (`nacd mab`), nothing else; those of `config` may too",
        examples=[["@helpdesk"]],
    )
