"""``actions.yaml`` as one value: what the device actions may do, as which app, and who may ask the small service.

Knows: keys, types, bounds and defaults, each with a description for the editor. Refuses to know: how any of it is
done (``actions/``), and ``nacd.yaml``: the two files share neither an app registration nor a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from nacd.config.fields import (
    AnyPath,
    Duration,
    ExistingFile,
    Guid,
    HttpsUrl,
    Number,
    ProxyUrl,
    Text,
    at_least_one,
    between,
    text,
)
from nacd.config.sections.base import HOUR, MINUTE, Section
from nacd.config.sections.intune import Credential

ONLY_TENANT: Final = "intune"
"""The name of the tenant of a file that has one ``intune`` section; the daemon calls it so too."""
LONGEST_SOCKET_PATH: Final = 107
"""Octets of a Unix socket's address (unix(7)), without the closing zero."""


def _tenant(value: str) -> str:
    if value.lower() in ("common", "organizations", "consumers") or not re.fullmatch(r"[A-Za-z0-9.-]+", value):
        raise ValueError("a tenant is a domain (`contoso.onmicrosoft.com`) or a GUID")
    return value


class ActionApp(Section):
    """One tenant, and the app registration for actions in it. Not the one in ``nacd.yaml``: that may only read."""

    hints: ClassVar[Mapping[str, str]] = {
        "endpoint": "actions go through Microsoft Graph, nothing is discovered",
        "resource": "actions go through Microsoft Graph: set `graph` for a cloud of your own",
        "source": "actions go through Microsoft Graph alone",
    }
    cloud: Literal["global", "usgov_high", "usgov_dod", "china", "custom"] = Field(
        default="global", description="which Microsoft cloud the tenant lives in"
    )
    tenant: Annotated[Text, AfterValidator(_tenant)] = Field(
        description="tenant, by domain or id", examples=["contoso.onmicrosoft.com"]
    )
    client_id: Guid = Field(
        description="application (client) id of the app registration for actions",
        examples=["00000000-0000-0000-0000-000000000000"],
    )
    credential: Credential = Field(
        description="how that app proves itself; unreadable to the daemon's user",
        examples=[
            {"certificate": "certs/actions.pem", "private_key": "file:secrets/actions.key"},
            {"secret": "file:secrets/actions"},
        ],
    )
    next_credential: Credential | None = Field(
        default=None,
        description="a second one, tried when the first is refused: for changing credentials in peace",
        examples=[{"secret": "file:secrets/actions-2028"}],
    )
    ca_file: ExistingFile | None = Field(
        default=None, description="PEM file of CAs to trust, for a proxy that opens TLS", examples=["certs/roots.pem"]
    )
    proxy: ProxyUrl | None = Field(
        default=None,
        description="HTTP proxy, as in `http://proxy.contoso.com:3128`",
        examples=["http://proxy.contoso.com:3128"],
    )
    authority: HttpsUrl | None = Field(
        default=None, description="login authority; for `cloud: custom`", examples=["https://login.microsoftonline.com"]
    )
    graph: HttpsUrl | None = Field(
        default=None, description="Microsoft Graph root; for `cloud: custom`", examples=["https://graph.microsoft.com"]
    )

    @model_validator(mode="after")
    def _whole_cloud(self) -> ActionApp:
        missing = [f"`{name}`" for name in ("authority", "graph") if not getattr(self, name)]
        if self.cloud == "custom" and missing:
            raise PydanticCustomError("nacd", f"`cloud: custom` needs {', '.join(missing)}: nacd cannot know it")
        return self


class ActionAudit(Section):
    """The audit log of actions: a file of its own."""

    file: AnyPath = Field(
        description="JSON lines are appended to this file; without a record nothing is done",
        examples=["/var/log/nacd-actions/audit.jsonl"],
    )


def _at_most(longest: int) -> Callable[[str], str]:
    def check(value: str) -> str:
        if len(value) > longest:
            raise ValueError(f"this text has {len(value)} characters, the Company Portal shows {longest}")
        return value

    return check


class Notification(Section):
    """What the Company Portal tells the user when nothing else is said."""

    title: Annotated[Text, AfterValidator(_at_most(50))] = Field(
        default="Your device has no network access",
        description="title, at most 50 characters",
        examples=["Your device has no network access"],
    )
    text: Annotated[Text, AfterValidator(_at_most(250))] = Field(
        default="It does not meet the rules of your organization. Open the Company Portal to see why.",
        description="text, at most 250 characters; `nacd device notify --text` may say more",
        examples=["Open the Company Portal to see why."],
    )


def _account(value: object) -> str | int:
    """A user or group: a name, or a number for one that has no name."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**32 - 1:
        return value
    return text(value)


Account: TypeAlias = Annotated[
    str | int, PlainValidator(_account), WithJsonSchema({"type": ["string", "integer"], "examples": ["nacd"]})
]
Accounts: TypeAlias = Annotated[
    tuple[Account, ...], BeforeValidator(at_least_one, json_schema_input_type=Account | list[Account])
]


class Service(Section):
    """The small service, ``nacd actions``: it takes `sync` and `notify` from the daemon, and nothing else."""

    socket: AnyPath = Field(
        description="Unix socket it listens on; the daemon's configuration names the same path",
        examples=["/run/nacd-actions/actions.sock"],
    )
    group: Account | None = Field(
        default=None,
        description="group that may reach the socket; default: the service's own",
        examples=["nacd-actions"],
    )
    senders: Accounts = Field(
        default=("nacd",),
        description="accounts that may ask: the daemon's; anybody else is refused and recorded",
        examples=[["nacd"]],
    )
    state: AnyPath = Field(
        description="folder where it remembers what was asked when, so that a restart forgets nothing",
        examples=["/var/lib/nacd-actions"],
    )
    once_per: Annotated[Duration, AfterValidator(between(5 * MINUTE, 24 * HOUR))] = Field(
        default=HOUR, description="each device is synced at most once, and notified at most once, in this time"
    )
    rate: Annotated[Number, Field(ge=1, le=50)] = Field(
        default=5,
        description="actions a second, of all devices",
        json_schema_extra={"x-unit": "actions a second"},
        examples=[5],
    )
    max_waiting: Annotated[Number, Field(ge=1, le=10_000)] = Field(
        default=256,
        description="requests that wait for their turn; more are refused",
        json_schema_extra={"x-unit": "requests"},
        examples=[256],
    )
    max_devices: Annotated[Number, Field(ge=10, le=100_000)] = Field(
        default=20_000,
        description="actions remembered at once; when all are younger than `once_per`, more are refused",
        json_schema_extra={"x-unit": "actions"},
        examples=[20_000],
    )

    @model_validator(mode="after")
    def _reachable(self) -> Service:
        if len(str(self.socket).encode()) > LONGEST_SOCKET_PATH:
            raise PydanticCustomError("nacd", f"the path of `socket` is longer than {LONGEST_SOCKET_PATH} octets")
        return self


class ActionSettings(Section):
    """Everything in ``actions.yaml``. Relative paths count from the folder of the file."""

    intune: ActionApp | None = Field(default=None, description="the tenant, and the app registration for actions in it")
    tenants: Mapping[Text, ActionApp] = Field(
        default={},
        description="instead of `intune`, for several tenants: each by its name in `nacd.yaml`",
        examples=[
            {
                "contoso": {
                    "tenant": "contoso.onmicrosoft.com",
                    "client_id": "00000000-0000-0000-0000-000000000000",
                    "credential": {"secret": "file:secrets/actions"},
                }
            }
        ],
    )
    audit: ActionAudit = Field(description="the audit log of actions")
    notify: Notification = Field(default=Notification(), description="what a user is told when nothing else is said")
    service: Service | None = Field(
        default=None, description="the small service `nacd actions`; absent: actions come from the command line alone"
    )

    @model_validator(mode="after")
    def _one_way_to_name_tenants(self) -> ActionSettings:
        if self.intune is not None and self.tenants:
            raise PydanticCustomError("nacd", "`intune` and `tenants` exclude each other: move `intune` under a name")
        if self.intune is None and not self.tenants:
            raise PydanticCustomError("nacd", "`intune` is missing: the tenant, and the app registration for actions")
        return self

    @property
    def apps(self) -> Mapping[str, ActionApp]:
        """Every tenant by its name; never empty."""
        return {ONLY_TENANT: self.intune} if self.intune is not None else self.tenants
