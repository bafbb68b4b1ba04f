"""The sections of ``nacd.yaml`` about people and their devices: EAP, identity, Intune, compliance.

Knows: keys, types, bounds and defaults, each with a description for the editor. Refuses to know: what
the rooms call their options (``server/`` translates).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from nacd.config import mac_list
from nacd.config.fields import (
    BinarySecretField,
    Duration,
    ExistingFile,
    Flag,
    Guid,
    HttpsUrl,
    HttpUrl,
    Number,
    SecretField,
    Size,
    Text,
    Texts,
    between,
    guid,
    mac,
    surroundings,
    text,
)

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Section(BaseModel):
    """A mapping whose keys are all known; nothing in an error repeats what was written.

    hints: what to say about keys that are not known here, but that somebody may well write.
    """

    hints: ClassVar[Mapping[str, str]] = {}
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, arbitrary_types_allowed=True)


# -- eap ------------------------------------------------------------------------------------


def _tls_version(value: object) -> object:
    return str(value) if isinstance(value, float) else value


TlsVersion = Annotated[
    Literal["1.2", "1.3"], BeforeValidator(_tls_version, json_schema_input_type=Literal["1.2", "1.3", 1.2, 1.3])
]


class ClientCa(Section):
    """A certificate authority whose clients may log in, and what its certificates may say."""

    file: ExistingFile = Field(description="PEM file with the CA certificate (and its intermediates)")
    name: Text | None = Field(
        default=None, description="name in audit records; default: the file's name without ending"
    )
    may_assert: tuple[Literal["intune_id", "entra_id"], ...] = Field(
        default=(),
        description="registers its certificates may name a device in: `intune_id`, and `entra_id` for the SAN URIs"
        " that begin as under `identity.entra_forms`; empty: good for login only",
    )
    templates: Texts = Field(
        default=(), description="only certificates made from these templates (OIDs) may name a device"
    )
    tenant: Text | None = Field(default=None, description="the Intune tenant this CA belongs to, for the record")

    @property
    def anchor(self) -> str:
        """The name that identity and audit know this CA by."""
        return self.name or self.file.stem


Many = Annotated[Number, Field(ge=1, le=1_000_000)]


class Conversations(Section):
    """Bounds on EAP conversations in progress."""

    max_waiting: Many = Field(default=20_000, description="conversations held at once")
    max_handshakes: Annotated[Number, Field(ge=1, le=100_000)] = Field(
        default=2_000, description="TLS handshakes in progress, 60 KiB each"
    )
    memory: Size = Field(
        default=256 << 20,
        json_schema_extra={"default": "256MiB"},
        description="octets that all conversations together may hold",
    )
    lifetime: Annotated[Duration, AfterValidator(between(5 * SECOND, 5 * MINUTE))] = Field(
        default=30 * SECOND, description="a conversation that takes longer is dropped"
    )
    max_rounds: Annotated[Number, Field(ge=10, le=1000)] = Field(
        default=100, description="packets one conversation may take"
    )
    max_per_nas: Many = Field(default=10_000, description="conversations through one NAS address")
    max_per_port: Many = Field(default=64, description="conversations through one wired port")
    max_per_station: Many = Field(default=100, description="conversations of one Calling-Station-Id at one NAS address")


class Eap(Section):
    """EAP-TLS, ended here."""

    certificate: ExistingFile = Field(description="PEM file: our certificate, then its intermediates")
    private_key: SecretField = Field(description="reference to our private key (PEM, without passphrase)")
    client_cas: Annotated[tuple[ClientCa, ...], Field(min_length=1)] = Field(description="CAs whose clients may log in")
    fragment_size: Annotated[Number, Field(ge=100, le=3800)] | None = Field(
        default=None, description="octets of one EAP-TLS packet; default and at most: what fits the path MTU"
    )
    path_mtu: Annotated[Number, Field(ge=576, le=9000)] = Field(
        default=1400, description="largest UDP datagram we send, so that no NAS sees IP fragments"
    )
    tls_min: TlsVersion = Field(default="1.2", description="oldest TLS version accepted")
    tls_max: TlsVersion = Field(default="1.3", description="newest TLS version offered")
    ciphers: Text | None = Field(default=None, description="OpenSSL cipher list for TLS 1.2; default: OpenSSL's own")
    require_client_auth_eku: Flag = Field(
        default=True, description="refuse client certificates without the clientAuth key usage"
    )
    conversations: Conversations = Field(default=Conversations(), description="bounds on conversations in progress")

    @model_validator(mode="after")
    def _versions(self) -> Eap:
        if self.tls_min > self.tls_max:
            raise PydanticCustomError("nacd", "`tls_min` is newer than `tls_max`")
        return self


# -- identity -------------------------------------------------------------------------------


def _guid_pattern(value: object) -> str:
    """A regular expression with the group ``guid``; short, so that reading a name stays cheap."""
    if not isinstance(value, str) or not value:
        raise ValueError("a regular expression with a group `(?P<guid>...)` is wanted here")
    if len(value) > 200:
        raise ValueError("this pattern is longer than 200 characters")
    try:
        compiled = re.compile(value)
    except (re.error, OverflowError, RecursionError) as wrong:
        raise ValueError(f"this pattern is no regular expression: {wrong}") from None
    if "guid" not in compiled.groupindex:
        raise ValueError("this pattern has no group `(?P<guid>...)` that says where the device id stands")
    if re.search(r"[*+}]\)?\s*\)[*+{]", value):
        raise ValueError("this pattern repeats a repetition, which can take for ever: write it flat")
    return value


GuidPattern = Annotated[str, AfterValidator(_guid_pattern)]


class VpnIdentity(Section):
    """How a VPN concentrator may name a device beside AnyConnect's own attributes."""

    bare_guid: Flag = Field(
        default=False, description="take a bare GUID in `mdm-tlv=device-uid` for an Intune device id"
    )
    user_name_pattern: GuidPattern | None = Field(
        default=None, description="regular expression over User-Name with a group `(?P<guid>...)`"
    )
    class_pattern: GuidPattern | None = Field(
        default=None, description="regular expression over Class with a group `(?P<guid>...)`"
    )


def _shared_macs(value: object, info: ValidationInfo) -> frozenset[str]:
    """MACs as they stand, and those of the list files named."""
    found: set[str] = set()
    for item in value if isinstance(value, tuple) else (value,):
        word = text(item)
        if not re.search(r"[./]", word) or re.fullmatch(r"[0-9A-Fa-f]{4}(\.[0-9A-Fa-f]{4}){2}", word):
            found.add(mac(word))
            continue
        listed = mac_list.read(surroundings(info).folder / word)
        found |= listed.macs
        surroundings(info).problems.extend(listed.problems)
    return frozenset(found)


SharedMacs: TypeAlias = Annotated[
    frozenset[str],
    PlainValidator(_shared_macs),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


class Identity(Section):
    """Which sources name an endpoint, in which order."""

    order: Annotated[tuple[Literal["certificate", "vpn", "mac"], ...], Field(min_length=1)] = Field(
        default=("certificate", "vpn", "mac"), description="sources, best first; one left out is never used"
    )
    cn_as_guid: Flag = Field(default=False, description="take a common name that is a GUID for an Intune device id")
    entra_forms: Texts = Field(
        default=(), description="beginnings of SAN URIs whose GUID is an Entra device id, as in `AADDeviceId://`"
    )
    vpn: VpnIdentity = Field(default=VpnIdentity(), description="more ways for a VPN concentrator to name a device")
    random_macs: Literal["ignore", "ask"] = Field(
        default="ignore", description="whether Intune is asked about locally administered (random) MACs"
    )
    shared_macs: SharedMacs = Field(
        default=frozenset(),
        description="MACs of docks and adapters, a list or the name of a list file: never asked about",
    )

    @model_validator(mode="after")
    def _once(self) -> Identity:
        if len(set(self.order)) != len(self.order):
            raise PydanticCustomError("nacd", "`order` names a source twice")
        return self


# -- intune ---------------------------------------------------------------------------------


class SecretCredential(Section):
    """A client secret of the app registration."""

    secret: SecretField = Field(description="reference to the client secret")


class PemCredential(Section):
    """A certificate of the app registration, in PEM files."""

    certificate: ExistingFile = Field(description="PEM file with the app's certificate")
    private_key: SecretField = Field(description="reference to its private key (PEM)")


class PfxCredential(Section):
    """A certificate of the app registration, in a PFX file."""

    pfx: BinarySecretField = Field(description="reference to the PFX (PKCS #12) file")
    passphrase: SecretField | None = Field(default=None, description="reference to its passphrase")


def _managed_identity(value: object) -> str:
    try:
        return "system" if value == "system" else guid(value)
    except ValueError:
        raise ValueError("write `system`, or the client id of a user-assigned identity") from None


class ManagedIdentity(Section):
    """An Azure managed identity: no secret at all."""

    managed_identity: Annotated[str, BeforeValidator(_managed_identity)] = Field(
        description="`system`, or the client id of a user-assigned identity"
    )


_CREDENTIALS: Final = {
    "secret": "<secret>",
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


def _tenant(value: str) -> str:
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
    tenant: Annotated[Text, AfterValidator(_tenant)] = Field(description="tenant, by domain or id")
    client_id: Guid = Field(description="application (client) id of the app registration")
    credential: Credential = Field(description="how the app proves itself")
    endpoint: HttpsUrl | None = Field(default=None, description="NAC 2.0 address; default: found through Graph")
    allowed_hosts: Texts = Field(default=(), description="hosts that may be sent a token, beside the cloud's own")
    ca_file: ExistingFile | None = Field(
        default=None, description="PEM file of CAs to trust, for a proxy that opens TLS"
    )
    proxy: HttpUrl | None = Field(default=None, description="HTTP proxy, as in `http://proxy.contoso.com:3128`")
    authority: HttpsUrl | None = Field(default=None, description="login authority; for `cloud: custom`")
    graph: HttpsUrl | None = Field(default=None, description="Microsoft Graph root; for `cloud: custom`")
    resource: Annotated[HttpsUrl, AfterValidator(_resource)] | None = Field(
        default=None, description="audience of the token, with its slash at the end; for `custom` and `china`"
    )
    host_suffixes: Texts = Field(
        default=(), max_length=1, description="ending of hosts that may be discovered; for `cloud: custom`"
    )
    portal: HttpsUrl | None = Field(default=None, description="portal for end users; for `cloud: custom`")

    @model_validator(mode="after")
    def _whole_cloud(self) -> Intune:
        needed: list[str] = []
        if self.cloud == "custom":
            needed = ["authority", "resource"] if self.endpoint else ["authority", "resource", "graph", "host_suffixes"]
        elif self.cloud == "china":
            needed = ["resource"]
        missing = [f"`{name}`" for name in needed if not getattr(self, name)]
        if missing:
            reason = "Microsoft does not publish it" if self.cloud == "china" else "nacd cannot know it"
            raise PydanticCustomError("nacd", f"`cloud: {self.cloud}` needs {', '.join(missing)}: {reason}")
        return self


# -- compliance -----------------------------------------------------------------------------

_LIFETIME = AfterValidator(between(SECOND, 7 * DAY))


class Lifetimes(Section):
    """How long a verdict counts as fresh."""

    compliant: Annotated[Duration, _LIFETIME] = Field(default=HOUR, description="lifetime of `compliant`")
    noncompliant: Annotated[Duration, _LIFETIME] = Field(default=5 * MINUTE, description="lifetime of `noncompliant`")
    not_managed: Annotated[Duration, _LIFETIME] = Field(default=5 * MINUTE, description="lifetime of `not_managed`")
    unknown: Annotated[Duration, _LIFETIME] = Field(default=2 * MINUTE, description="lifetime of `unknown`")


class Poll(Section):
    """How live sessions are watched."""

    interval: Annotated[Duration, AfterValidator(between(SECOND, DAY))] = Field(
        default=5 * MINUTE, description="how often the devices of live sessions are asked about"
    )
    bulk: Annotated[Duration, AfterValidator(between(MINUTE, 7 * DAY))] = Field(
        default=4 * HOUR + 15 * MINUTE, description="how often the whole list of devices is fetched"
    )


class ComplianceSettings(Section):
    """How verdicts are kept, and how long an answer may take."""

    lifetimes: Lifetimes = Field(default=Lifetimes(), description="how long each verdict counts as fresh")
    stale_for: Annotated[Duration, AfterValidator(between(0 * SECOND, 30 * DAY))] = Field(
        default=DAY, description="how long after that it may still be used while Intune cannot be asked"
    )
    lookup_deadline: Annotated[Duration, AfterValidator(between(100 * SECOND / 1000, 30 * SECOND))] = Field(
        default=2 * SECOND, description="how long a request waits for Intune before the state is `unavailable`"
    )
    poll: Poll = Field(default=Poll(), description="how live sessions are watched")
    threads: Annotated[Number, Field(ge=1, le=64)] = Field(default=16, description="lookups done at the same time")
    max_waiting: Annotated[Number, Field(ge=1, le=100_000)] = Field(
        default=1000, description="lookups that may wait for a thread; more are `unavailable` at once"
    )
    max_per_nas: Many = Field(
        default=200, description="lookups under way for one NAS address, of MACs and of devices each"
    )
    max_per_port: Many = Field(
        default=16, description="lookups under way for one wired port, of MACs and of devices each"
    )
