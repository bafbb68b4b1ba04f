"""``nacd.yaml`` as one value: what an admin may set, with types, bounds and defaults.

Knows: the top of the file, the listener, the NASes, the audit log. Refuses to know: the policy
(``policy_text.py``), and whether two settings far apart fit together (``load.py``).
A key that is absent and has no default is ``None`` here: the server decides what that means.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from nacd.config.fields import (
    AnyPath,
    Duration,
    ExistingFile,
    ExistingFolder,
    Flag,
    IpAddress,
    Listen,
    ListenAddress,
    NetworkField,
    Number,
    Port,
    SecretField,
    Text,
    Texts,
    as_many,
    at_least_one,
    between,
)
from nacd.config.sections.audit.trail import Audit
from nacd.config.sections.base import MINUTE, SECOND, Section
from nacd.config.sections.compliance import ComplianceSettings
from nacd.config.sections.control import Control
from nacd.config.sections.eap import Eap
from nacd.config.sections.identity import Identity
from nacd.config.sections.intune import Intune
from nacd.config.sections.mab import Mab
from nacd.config.sections.overload import Overload
from nacd.config.sections.sessions import Sessions
from nacd.config.yaml import shown

Listens: TypeAlias = Annotated[
    tuple[Listen, ...], BeforeValidator(at_least_one, json_schema_input_type=Listen | list[Listen])
]
Networks: TypeAlias = Annotated[
    tuple[NetworkField, ...], BeforeValidator(at_least_one, json_schema_input_type=NetworkField | list[NetworkField])
]


def place(value: str) -> str:
    if "" in [part.strip() for part in value.split("/")] or re.search(r"\s/|/\s", value):
        raise ValueError(f"{shown(value)} is no place: write names with `/` between, as in `berlin/building-7`")
    return value


Place: TypeAlias = Annotated[Text, AfterValidator(place)]


def _one_worker(value: int) -> int:
    if value != 1:
        raise ValueError(f"`{value}` workers: nacd runs as one process for now, write `1` or leave the key out")
    return value


class Server(Section):
    """Where nacd listens."""

    auth: Listens = Field(
        default=(ListenAddress("0.0.0.0", 1812),),
        description="address or addresses for Access-Requests, `IP:PORT`; a list for several, as for IPv4 and IPv6",
        examples=["0.0.0.0:1812", ["0.0.0.0:1812", "[::]:1812"]],
    )
    accounting: Listens = Field(
        default=(ListenAddress("0.0.0.0", 1813),),
        description="address or addresses for Accounting-Requests, `IP:PORT`; without accounting nacd learns late that"
        " a session is over",
        examples=["0.0.0.0:1813", ["0.0.0.0:1813", "[::]:1813"]],
    )
    metrics: Listen | None = Field(
        default=None,
        description="address for metrics over HTTP, `IP:PORT`; absent: none. There is no password, so keep it on"
        " loopback",
        examples=["127.0.0.1:9812"],
    )
    metrics_per_nas: Flag = Field(
        default=False,
        description="count the requests of each NAS by its name too, of 1,000 NASes at most: four series for each",
    )
    workers: Annotated[Number, AfterValidator(_one_worker)] = Field(
        default=1,
        description="processes that answer; only `1` for now",
        json_schema_extra={"x-unit": "processes"},
        examples=[1],
    )

    @model_validator(mode="after")
    def _apart(self) -> Server:
        seen: set[ListenAddress] = set()
        for address in (*self.auth, *self.accounting):
            if address in seen and address.port:
                raise PydanticCustomError(
                    "nacd", "the address `{address}` is listened on twice", {"address": str(address)}
                )
            seen.add(address)
        return self


class Dynauth(Section):
    """Where this NAS takes CoA-Requests and Disconnect-Requests (RFC 5176)."""

    port: Port | None = Field(
        default=None,
        description="UDP port; default: what this vendor's NASes listen on",
        json_schema_extra={"x-unit": "UDP port"},
        examples=[3799, 1700],
    )
    secret: SecretField | None = Field(
        default=None,
        description="reference to a secret of its own; default: the NAS's",
        examples=["file:secrets/wifi-coa", "cred:wifi-coa"],
    )
    next_secret: SecretField | None = Field(
        default=None,
        description="a second one beside `secret`, valid too while NASes are changed over",
        examples=["file:secrets/wifi-coa-2028"],
    )
    address: IpAddress | None = Field(
        default=None,
        description="where to ask, as for a controller or a proxy; default: where the session's requests came from",
        examples=["10.21.0.2"],
    )
    source: IpAddress | None = Field(
        default=None,
        description="our address that the NAS knows; default: what the route prefers",
        examples=["10.1.0.5"],
    )
    rate: Annotated[Number, Field(ge=1, le=10_000)] = Field(
        default=50,
        description="requests to each address, repeats included; what is more waits, so that a mass change does not"
        " drown a NAS",
        json_schema_extra={"x-unit": "requests a second"},
        examples=[50],
    )
    concurrent: Annotated[Number, Field(ge=1, le=256)] = Field(
        default=8,
        description="requests under way at once, to each address; what is more waits",
        json_schema_extra={"x-unit": "requests"},
        examples=[8],
    )

    @model_validator(mode="after")
    def _next_to_one(self) -> Dynauth:
        if self.next_secret is not None and self.secret is None:
            raise PydanticCustomError(
                "nacd",
                "`next_secret` stands beside a `secret` here: without one, the NAS's own two are used",
            )
        return self

    @model_validator(mode="after")
    def _of_one_family(self) -> Dynauth:
        if self.address and self.source and (":" in self.address) != (":" in self.source):
            raise PydanticCustomError("nacd", "`address` and `source` are of two families: one is IPv4, one is IPv6")
        return self


class Client(Section):
    """One NAS, or many alike: switches, controllers, VPN concentrators."""

    name: Text = Field(description="name in policy and audit records", examples=["campus-switches"])
    network: Networks = Field(
        description="address or network it sends from, or a list of them; the longest match wins, and whoever is in"
        " none is not answered",
        examples=["10.20.0.0/16", "10.9.0.4", ["10.21.0.10", "10.21.0.11"]],
    )
    secret: SecretField = Field(
        description="reference to the RADIUS shared secret; the NAS has the same, 16 random characters or more",
        examples=["file:secrets/campus", "cred:campus", "env:CAMPUS_SECRET"],
    )
    next_secret: SecretField | None = Field(
        default=None,
        description="a second secret, valid beside `secret` while NASes are changed over; each answer is made with the"
        " one that its request was made with",
        examples=["file:secrets/campus-2028", "cred:campus-2028"],
    )
    vendor: Text = Field(
        description="vendor profile: how intentions are put into attributes; `generic` for one that is not among them",
        examples=["cisco-ios", "aruba-cx", "generic"],
    )
    groups: Texts = Field(default=(), description="groups that a rule may ask for", examples=[["campus", "wired"]])
    location: Place | None = Field(
        default=None,
        description="where it stands, from the widest to the narrowest, as in `berlin/building-7`",
        examples=["berlin/building-7"],
    )
    message_authenticator: Literal["require", "auto", "accept"] = Field(
        default="require",
        description="`require` it always; `auto`: once an address has sent it; `accept` requests without",
    )
    authentication: Literal["eap", "done_by_nas"] = Field(
        default="eap",
        description="`done_by_nas`: a VPN concentrator that has authenticated its users itself: no password is checked",
    )
    eap_md5_mab: Flag = Field(default=False, description="this NAS does MAB by EAP-MD5")
    mab_password: Literal["mac", "any"] = Field(default="mac", description="what the password of a MAB request must be")
    probe_users: Texts = Field(
        default=(),
        description="user names of the NAS's own health probes; what they ask is answered with a Reject, which says"
        " that nacd is there",
        examples=[["asa-health-check"]],
    )
    timeout: Annotated[Duration, AfterValidator(between(SECOND, MINUTE))] = Field(
        default=5 * SECOND,
        description="how long this NAS waits before it repeats a request; what is older is not worked on",
    )
    dynauth: Dynauth | None = Field(default=None, description="where sessions can be changed; absent: they cannot")

    @model_validator(mode="after")
    def _reachable(self) -> Client:
        if self.dynauth is None or not self.dynauth.source or self.dynauth.address:
            return self
        if (6 if ":" in self.dynauth.source else 4) not in {network.version for network in self.network}:
            raise PydanticCustomError("nacd", "`dynauth.source` and `network` are of two families: IPv4 and IPv6")
        return self


class Actions(Section):
    """The service that syncs devices and notifies their users (`nacd actions`), as the daemon sees it."""

    socket: AnyPath = Field(
        description="path of its Unix socket; the same as `service.socket` in actions.yaml",
        examples=["/run/nacd-actions/actions.sock"],
    )


ONLY_TENANT: Final = "intune"
"""The name of the tenant of a configuration that has one ``intune`` section."""


class Settings(Section):
    """Everything in ``nacd.yaml``. Relative paths count from the folder of the file."""

    server: Server = Field(default=Server(), description="where nacd listens")
    clients: Annotated[tuple[Client, ...], Field(min_length=1)] = Field(description="the NASes")
    eap: Eap | None = Field(default=None, description="EAP-TLS; absent: EAP is refused")
    identity: Identity = Field(default=Identity(), description="what names an endpoint")
    intune: Intune | None = Field(default=None, description="Intune; absent: compliance is never asked")
    tenants: Mapping[Text, Intune] = Field(
        default={},
        description="instead of `intune`, for several tenants: each by a name of its own",
        examples=[
            {
                "contoso": {
                    "tenant": "contoso.onmicrosoft.com",
                    "client_id": "00000000-0000-0000-0000-000000000000",
                    "credential": {"managed_identity": "system"},
                    "groups": ["campus"],
                }
            }
        ],
    )
    compliance: ComplianceSettings = Field(default=ComplianceSettings(), description="how verdicts are kept")
    policy: ExistingFile = Field(
        description="the policy file; policy-cases.yaml is looked for beside it", examples=["policy.yaml"]
    )
    shadow: AnyPath | None = Field(
        default=None,
        description="a policy file that is evaluated beside the live one on real logins, without any effect (`nacd"
        " shadow report`); whatever is wrong with it stops nothing",
        examples=["policy-next.yaml"],
    )
    audit: Audit = Field(description="the audit log")
    sessions: Sessions = Field(default=Sessions(), description="how long sessions are kept, and how they are changed")
    control: Control = Field(default=Control(), description="who may give orders to the running daemon")
    mab: Mab = Field(default=Mab(), description="what endpoints that come by their MAC alone may do")
    actions: Actions | None = Field(
        default=None, description="who carries out `on_quarantine` of profiles; absent: no profile may have it"
    )
    overload: Overload = Field(default=Overload(), description="what happens when more comes in than can be done")
    state: AnyPath = Field(
        description="folder for what must outlive a restart: verdicts, sessions, orders; nacd makes it",
        examples=["/var/lib/nacd"],
    )
    dictionaries: Annotated[
        tuple[ExistingFolder, ...],
        BeforeValidator(as_many, json_schema_input_type=ExistingFolder | list[ExistingFolder]),
    ] = Field(
        default=(),
        description="folders with more RADIUS dictionaries, in FreeRADIUS's syntax",
        examples=[["dictionaries"]],
    )

    @model_validator(mode="after")
    def _one_way_to_name_tenants(self) -> Settings:
        if self.intune is not None and self.tenants:
            raise PydanticCustomError("nacd", "`intune` and `tenants` exclude each other: move `intune` under a name")
        return self

    @property
    def tenant_sections(self) -> Mapping[str, Intune]:
        """Every tenant by its name; empty when nobody is asked about compliance."""
        return {ONLY_TENANT: self.intune} if self.intune is not None else self.tenants
