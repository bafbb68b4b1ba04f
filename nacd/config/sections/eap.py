"""The section of ``nacd.yaml`` about EAP-TLS.

Knows: keys, types, bounds and defaults, each with a description for the editor. Refuses to know: what
the rooms call their options (``server/`` translates).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    model_validator,
)
from pydantic_core import PydanticCustomError

from nacd.config.fields import (
    Duration,
    ExistingFile,
    Flag,
    Number,
    SecretField,
    Size,
    Text,
    Texts,
    between,
)
from nacd.config.sections.base import MINUTE, SECOND, Many, Section


def _tls_version(value: object) -> object:
    return str(value) if isinstance(value, float) else value


TlsVersion = Annotated[
    Literal["1.2", "1.3"], BeforeValidator(_tls_version, json_schema_input_type=Literal["1.2", "1.3", 1.2, 1.3])
]


class ClientCa(Section):
    """A certificate authority whose clients may log in, and what its certificates may say."""

    file: ExistingFile = Field(
        description="PEM file with the CA certificate (and its intermediates)", examples=["certs/devices-ca.pem"]
    )
    name: Text | None = Field(
        default=None, description="name in audit records; default: the file's name without ending", examples=["devices"]
    )
    may_assert: tuple[Literal["intune_id", "entra_id"], ...] = Field(
        default=(),
        description="registers its certificates may name a device in: `intune_id`, and `entra_id` for the SAN URIs"
        " that begin as under `identity.entra_forms`; empty: good for login only",
        examples=[["intune_id"], ["intune_id", "entra_id"], []],
    )
    templates: Texts = Field(
        default=(),
        description="only certificates made from these templates (OIDs) may name a device",
        examples=[["1.3.6.1.4.1.311.21.8.1.2.3"]],
    )
    tenant: Text | None = Field(
        default=None,
        description="name of the tenant that judges whoever shows its certificates, at any NAS; absent: the tenant id"
        " in the certificate decides, else the group of the NAS",
        examples=["contoso"],
    )

    @property
    def anchor(self) -> str:
        """The name that identity and audit know this CA by."""
        return self.name or self.file.stem


class Conversations(Section):
    """Bounds on EAP conversations in progress."""

    max_waiting: Many = Field(
        default=20_000,
        description="conversations held at once; what begins beyond that is refused as `overloaded`",
        json_schema_extra={"x-unit": "conversations"},
        examples=[20_000],
    )
    max_handshakes: Annotated[Number, Field(ge=1, le=100_000)] = Field(
        default=2_000,
        description="TLS handshakes in progress, 60 KiB each; those of one NAS address may take three quarters of it",
        json_schema_extra={"x-unit": "handshakes"},
        examples=[2_000],
    )
    memory: Size = Field(
        default=256 << 20,
        json_schema_extra={"default": "256MiB"},
        description="octets that all conversations together may hold; those of one NAS address three quarters of it",
        examples=["256MiB"],
    )
    lifetime: Annotated[Duration, AfterValidator(between(5 * SECOND, 5 * MINUTE))] = Field(
        default=30 * SECOND, description="a conversation that takes longer is dropped"
    )
    max_rounds: Annotated[Number, Field(ge=10, le=1000)] = Field(
        default=100,
        description="packets one conversation may take",
        json_schema_extra={"x-unit": "packets"},
        examples=[100],
    )
    max_per_nas: Many = Field(
        default=10_000,
        description="conversations through one NAS address",
        json_schema_extra={"x-unit": "conversations"},
        examples=[10_000],
    )
    max_per_port: Many = Field(
        default=64,
        description="conversations through one wired port",
        json_schema_extra={"x-unit": "conversations"},
        examples=[64],
    )
    max_per_station: Many = Field(
        default=100,
        description="conversations of one Calling-Station-Id at one NAS address",
        json_schema_extra={"x-unit": "conversations"},
        examples=[100],
    )


class Eap(Section):
    """EAP-TLS, ended here."""

    certificate: ExistingFile = Field(
        description="PEM file: our certificate, then its intermediates; supplicants must trust its root and find our"
        " name in it",
        examples=["certs/server.pem"],
    )
    private_key: SecretField = Field(
        description="reference to our private key (PEM, without passphrase)",
        examples=["file:certs/server.key", "cred:server.key"],
    )
    client_cas: Annotated[tuple[ClientCa, ...], Field(min_length=1)] = Field(
        description="CAs whose clients may log in",
        examples=[[{"file": "certs/devices-ca.pem", "may_assert": ["intune_id"]}]],
    )
    fragment_size: Annotated[Number, Field(ge=100, le=3800)] | None = Field(
        default=None,
        description="octets of one EAP-TLS packet; default and at most: what fits the path MTU",
        json_schema_extra={"x-unit": "octets"},
        examples=[1024],
    )
    path_mtu: Annotated[Number, Field(ge=576, le=9000)] = Field(
        default=1400,
        description="largest UDP datagram we send, so that no NAS sees IP fragments",
        json_schema_extra={"x-unit": "octets"},
        examples=[1400],
    )
    tls_min: TlsVersion = Field(
        default="1.2",
        description="oldest TLS version accepted, in quotes; 1.3 alone shuts out older supplicants",
        examples=["1.2", "1.3"],
    )
    tls_max: TlsVersion = Field(default="1.3", description="newest TLS version offered", examples=["1.3", "1.2"])
    ciphers: Text | None = Field(
        default=None, description="OpenSSL cipher list for TLS 1.2; default: OpenSSL's own", examples=["ECDHE+AESGCM"]
    )
    require_client_auth_eku: Flag = Field(
        default=True, description="refuse client certificates without the clientAuth key usage"
    )
    conversations: Conversations = Field(default=Conversations(), description="bounds on conversations in progress")

    @model_validator(mode="after")
    def _versions(self) -> Eap:
        if self.tls_min > self.tls_max:
            raise PydanticCustomError("nacd", "`tls_min` is newer than `tls_max`")
        return self
