"""The section of ``nacd.yaml`` about Intune: where it is asked, and as which app.

Knows: keys, types, bounds and defaults, each with a description for the editor. Refuses to know: what
the rooms call their options (``server/`` translates).
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

from nacd.config.fields import (
    BinarySecretField,
    Day,
    ExistingFile,
    Guid,
    HttpsUrl,
    ProxyUrl,
    SecretField,
    Text,
    Texts,
    guid,
)
from nacd.config.sections.base import Section


class SecretCredential(Section):
    """A client secret of the app registration."""

    secret: SecretField = Field(
        description="reference to the client secret", examples=["file:secrets/app", "cred:app-secret"]
    )
    expires: Day | None = Field(
        default=None,
        description='the day it expires, in quotes, as in `"2027-05-31"`; nobody but the app registration knows it',
        examples=["2027-05-31"],
    )


class PemCredential(Section):
    """A certificate of the app registration, in PEM files."""

    certificate: ExistingFile = Field(description="PEM file with the app's certificate", examples=["certs/app.pem"])
    private_key: SecretField = Field(
        description="reference to its private key (PEM)", examples=["file:certs/app.key", "cred:app.key"]
    )


class PfxCredential(Section):
    """A certificate of the app registration, in a PFX file."""

    pfx: BinarySecretField = Field(
        description="reference to the PFX (PKCS #12) file", examples=["file:secrets/app.pfx", "cred:app.pfx"]
    )
    passphrase: SecretField | None = Field(
        default=None, description="reference to its passphrase", examples=["cred:app.pfx.passphrase"]
    )


def _managed_identity(value: object) -> str:
    try:
        return "system" if value == "system" else guid(value)
    except ValueError:
        raise ValueError("write `system`, or the client id of a user-assigned identity") from None


class ManagedIdentity(Section):
    """An Azure managed identity: no secret at all."""

    managed_identity: Annotated[str, BeforeValidator(_managed_identity)] = Field(
        description="`system`, or the client id of a user-assigned identity",
        examples=["system", "6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11"],
    )


_CREDENTIALS: Final = {
    "secret": "<secret>",
    "expires": "<secret>",
    "certificate": "<pem>",
    "private_key": "<pem>",
    "pfx": "<pfx>",
    "passphrase": "<pfx>",
    "managed_identity": "<managed>",
}


def _credential_kind(value: Any) -> str | None:
    kinds = {_CREDENTIALS[key] for key in value if key in _CREDENTIALS} if isinstance(value, dict) else set()
    return kinds.pop() if len(kinds) == 1 else None


Credential: TypeAlias = Annotated[
    Annotated[SecretCredential, Tag("<secret>")]
    | Annotated[PemCredential, Tag("<pem>")]
    | Annotated[PfxCredential, Tag("<pfx>")]
    | Annotated[ManagedIdentity, Tag("<managed>")],
    Discriminator(
        _credential_kind,
        custom_error_type="nacd",
        custom_error_message="name one credential: `{secret: ...}`, `{certificate: ..., private_key: ...}`,"
        " `{pfx: ..., passphrase: ...}` or `{managed_identity: ...}`",
    ),
]


def named_tenant(value: str) -> str:
    if value.lower() in ("common", "organizations", "consumers"):
        raise ValueError(f"`{value}` is no tenant: an app asks for one tenant, by its domain or id")
    if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?", value):
        raise ValueError("a tenant is a domain (`contoso.onmicrosoft.com`) or a GUID")
    return value


def _resource(value: str) -> str:
    if not value.endswith("/"):
        raise ValueError(f"the resource keeps its slash at the end: write `{value}/`")
    return value


class Intune(Section):
    """Where Intune is asked, and as which app."""

    cloud: Literal["global", "usgov_high", "usgov_dod", "china", "custom"] = Field(
        default="global", description="which Microsoft cloud the tenant lives in"
    )
    tenant: Annotated[Text, AfterValidator(named_tenant)] = Field(
        description="tenant, by domain or id",
        examples=["contoso.onmicrosoft.com", "11111111-1111-4111-8111-111111111111"],
    )
    tenant_id: Guid | None = Field(
        default=None,
        description="its id, when `tenant` is a domain. A certificate that carries it (Intune writes it into those it"
        " issues) is judged by this tenant, whichever CA signed it, unless that CA is bound to a tenant",
        examples=["11111111-1111-4111-8111-111111111111"],
    )
    groups: Texts = Field(
        default=(),
        description="groups of NASes whose endpoints belong here, when nothing better says so",
        examples=[["campus"]],
    )
    client_id: Guid = Field(
        description="application (client) id of the app registration", examples=["00000000-0000-0000-0000-000000000000"]
    )
    credential: Credential = Field(
        description="how the app proves itself",
        examples=[
            {"certificate": "certs/app.pem", "private_key": "file:certs/app.key"},
            {"secret": "file:secrets/app", "expires": "2027-05-31"},
            {"managed_identity": "system"},
        ],
    )
    next_credential: Credential | None = Field(
        default=None,
        description="a second one, tried when the first is refused: for changing credentials in peace",
        examples=[{"certificate": "certs/app-2028.pem", "private_key": "file:certs/app-2028.key"}],
    )
    source: Literal["nac", "graph"] = Field(
        default="nac", description="who is asked: `nac` (Compliance Retrieval), or `graph` (Microsoft Graph)"
    )
    fallback: Literal["graph"] | None = Field(
        default=None, description="who is asked when `nac` does not answer: `graph`, or nobody"
    )
    endpoint: HttpsUrl | None = Field(
        default=None,
        description="NAC 2.0 address; default: found through Graph",
        examples=[
            "https://fef.amsub0102.manage.microsoft.com/TrafficGateway/TrafficRoutingService/ResourceAccess/ComplianceRetrievalService"
        ],
    )
    allowed_hosts: Texts = Field(
        default=(),
        description="hosts that may be sent a token, beside the cloud's own",
        examples=[["intune-gateway.contoso.com"]],
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
    resource: Annotated[HttpsUrl, AfterValidator(_resource)] | None = Field(
        default=None,
        description="audience of the token, with its slash at the end; for `custom` and `china`",
        examples=["https://api.manage.microsoft.com/"],
    )
    host_suffixes: Texts = Field(
        default=(),
        max_length=1,
        description="ending of hosts that may be discovered; for `cloud: custom`",
        examples=[[".manage.microsoft.com"]],
    )
    portal: HttpsUrl | None = Field(
        default=None,
        description="portal for end users; for `cloud: custom`",
        examples=["https://portal.manage.microsoft.com"],
    )

    @model_validator(mode="after")
    def _whole_cloud(self) -> Intune:
        needed: list[str] = []
        if self.cloud == "custom":
            needed = ["authority", "resource"]
            if not self.endpoint or "graph" in (self.source, self.fallback):
                needed.append("graph")
            if not self.endpoint:
                needed.append("host_suffixes")
        elif self.cloud == "china":
            needed = ["resource"]
        if self.tenant_id and self.known_id != self.tenant_id:
            raise PydanticCustomError("nacd", "`tenant` and `tenant_id` are two different ids: one tenant has one")
        if self.fallback == self.source:
            raise PydanticCustomError("nacd", "`fallback: graph` needs another `source` than `graph`")
        missing = [f"`{name}`" for name in needed if not getattr(self, name)]
        if missing:
            reason = "Microsoft does not publish it" if self.cloud == "china" else "nacd cannot know it"
            raise PydanticCustomError("nacd", f"`cloud: {self.cloud}` needs {', '.join(missing)}: {reason}")
        return self

    @property
    def known_id(self) -> str:
        """The tenant's GUID, lower case, where it was written at all; ``""`` where a domain alone is told."""
        try:
            return guid(self.tenant)
        except ValueError:
            return self.tenant_id or ""
