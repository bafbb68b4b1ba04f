"""``audit.forward:`` in ``nacd.yaml``: the machines that get copies of the records.

Knows: keys, types, bounds and defaults of one destination, and what of them fits together. Refuses to know: how
anything is sent.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PlainValidator, model_validator
from pydantic_core import PydanticCustomError

from nacd.config.fields import (
    Duration,
    ExistingFile,
    Flag,
    HttpUrl,
    Number,
    SecretField,
    Size,
    SomeTexts,
    Text,
    between,
    text,
    told,
)
from nacd.config.sections.base import HOUR, MINUTE, SECOND, Section
from nacd.config.yaml import shown

MIB: Final = 1 << 20
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_EVENTS: Final = re.compile(r"[a-z0-9_*]+(\.[a-z0-9_*]+)*")
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_SENDABLE: Final = re.compile(r"[!-~]([ -~]*[!-~])?")
_UNSENDABLE: Final = "cannot be sent in an HTTP header: it has to be one line of ASCII"
_PORTS: Final[Mapping[str, int]] = {"syslog+tls": 6514, "syslog+tcp": 0, "syslog+udp": 514, "https": 443, "http": 80}
_LONGEST_DATAGRAM: Final = 65_507
"""Octets that fit over IPv4: one that is longer is never sent, and whatever comes after it would wait for ever."""
_MOST_BULK: Final = 2_000
"""Records whose answer of `_bulk`, a few hundred octets for each, is never longer than what is read of an answer."""
_WANTED: Final = "`syslog+tls://HOST:6514`, `syslog+tcp://HOST:PORT`, `syslog+udp://HOST:514` or `https://HOST/PATH`"


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(f"{shown(value)} is no name of a destination: small letters, digits, `-` and `_`, 40 at most")
    return value


def _events(value: tuple[str, ...]) -> tuple[str, ...]:
    for each in value:
        if not _EVENTS.fullmatch(each):
            raise ValueError(f"{shown(each)} names no events: write as in `access.*` or `session.ended`")
    return value


def _size(value: int) -> int:
    if not 16 * 1024 <= value <= 16 * MIB:
        raise ValueError("a batch has `16KiB` to `16MiB`")
    return value


def _header(value: str) -> str:
    if not _TOKEN.fullmatch(value):
        raise ValueError(f"{shown(value)} is no name of an HTTP header")
    return value


def forward_url(value: object) -> str:
    """Where to send to. Raises ValueError, in words."""
    written = text(value)
    try:
        parts = urlsplit(written)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise ValueError(f"a URL is wanted here: {_WANTED}") from None
    if parts.scheme not in _PORTS:
        raise ValueError(f"nothing is sent over `{parts.scheme or written}`: write {_WANTED}")
    if not host or re.search(r"\s", written):
        raise ValueError(f"this URL names no host: write {_WANTED}")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL here carries no user name and no password: see `http.login`")
    if parts.scheme == "http" and not is_here(host):
        raise ValueError("records do not leave this machine over `http`: write `https`")
    if parts.scheme.startswith("syslog") and (parts.path not in ("", "/") or parts.query or parts.fragment):
        raise ValueError("a syslog URL is a host and a port, nothing behind them")
    if not port and not _PORTS[parts.scheme]:
        raise ValueError(f"this URL has no port, and `{parts.scheme}` has no usual one")
    return written


def is_here(host: str) -> bool:
    """Whether what is sent there stays on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


ForwardUrl: TypeAlias = Annotated[
    str, PlainValidator(forward_url), told("URL", pattern=r"^(syslog\+(tls|tcp|udp)|https?)://.+")
]
HeaderName: TypeAlias = Annotated[Text, AfterValidator(_header)]


class Batch(Section):
    """How much is sent at once."""

    records: Annotated[Number, Field(ge=1, le=10_000)] = Field(
        default=500,
        description="records at most; 2000 with `http.body: bulk`",
        json_schema_extra={"x-unit": "records"},
        examples=[500],
    )
    size: Annotated[Size, AfterValidator(_size)] = Field(
        default=MIB,
        json_schema_extra={"default": "1MiB"},
        description="octets of records at most, `16KiB` to `16MiB`",
        examples=["1MiB"],
    )


class Syslog(Section):
    """What a message looks like (RFC 5424), and when it counts as taken."""

    facility: Literal[
        "authpriv", "auth", "audit", "daemon", "user",
        "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
    ] = Field(default="authpriv", description="facility of each message")  # fmt: skip
    hostname: Text | None = Field(
        default=None, description="HOSTNAME of each message; default: this machine's", examples=["nac1.example.net"]
    )
    enterprise: Annotated[Number, Field(ge=1, le=2**32 - 1)] = Field(
        default=32473,
        description="private enterprise number of the structured data; 32473 is the one for examples (RFC 5612)",
        json_schema_extra={"x-unit": "number"},
        examples=[32473],
    )
    framing: Literal["octets", "lines"] = Field(
        default="octets",
        description="how messages are told apart over TCP: `octets` (their length before each, RFC 6587 section"
        " 3.4.1) or `lines`; TLS always counts octets (RFC 5425)",
    )
    longest: Annotated[Number, Field(ge=2_048, le=1_048_576)] | None = Field(
        default=None,
        description="longest message; a longer one is cut and says so. Default: 8192 over UDP, where"
        " 65507 is the most, else 65536",
        json_schema_extra={"x-unit": "octets"},
        examples=[65536],
    )
    confirm: Annotated[Duration, AfterValidator(between(SECOND, HOUR))] = Field(
        default=30 * SECOND,
        description="how often a connection is ended in good order and begun anew: that its far end has read everything"
        " is known only then, syslog has no other answer",
    )
    resend: Annotated[Duration, AfterValidator(between(0 * SECOND, HOUR))] = Field(
        default=10 * SECOND,
        description="what was read this recently is sent again when a connection breaks: the far end may have died with"
        " it in its memory",
    )


class Login(Section):
    """How nacd proves itself: one header with a secret."""

    header: HeaderName = Field(default="Authorization", description="name of the header", examples=["Authorization"])
    scheme: Literal["Bearer", "Splunk", "ApiKey", "Basic", ""] = Field(
        default="Bearer",
        description="word before the secret; `Splunk` for its HTTP Event Collector, `ApiKey` for Elasticsearch,"
        " `Basic` together with `user`, empty for none",
    )
    user: Text | None = Field(default=None, description="user name, for `scheme: Basic`", examples=["nacd"])
    secret: SecretField = Field(description="token or password", examples=["cred:siem"])

    @model_validator(mode="after")
    def _whole(self) -> Login:
        if (self.scheme == "Basic") != (self.user is not None):
            raise PydanticCustomError("nacd", "`scheme: Basic` and `user` belong together")
        # `Basic` is sent in Base64. What cannot stand in a header would be found out when the first record is sent.
        if self.scheme != "Basic" and not _SENDABLE.fullmatch(self.secret.reveal().strip().decode("utf-8", "replace")):
            raise PydanticCustomError("nacd", f"the `secret` of a login {_UNSENDABLE}")
        return self


def _headers(value: Mapping[str, str]) -> Mapping[str, str]:
    for name, said in value.items():
        if not _SENDABLE.fullmatch(said):
            raise ValueError(f"the value of header {shown(name)} {_UNSENDABLE}")
    return value


class Http(Section):
    """How a batch is posted."""

    body: Literal["ndjson", "array", "hec", "bulk"] = Field(
        default="ndjson",
        description="`ndjson`: an event a line; `array`: one JSON list; `hec`: Splunk's `/services/collector/event`;"
        " `bulk`: Elasticsearch's `_bulk`, where no record is twice",
    )
    gzip: Flag = Field(default=False, description="compress what is sent")
    login: Login | None = Field(
        default=None, description="how nacd proves itself", examples=[{"scheme": "Splunk", "secret": "cred:hec"}]
    )
    headers: Annotated[Mapping[HeaderName, Text], AfterValidator(_headers)] = Field(
        default={}, description="more headers, nothing secret", examples=[{"X-Tenant": "campus"}]
    )
    proxy: HttpUrl | None = Field(
        default=None,
        description="HTTP proxy, as in `http://proxy.example.net:3128`; the environment names none",
        examples=["http://proxy.example.net:3128"],
    )


class Destination(Section):
    """One machine that gets copies. Every checkpoint goes to it, whatever else it asked for."""

    hints: ClassVar[Mapping[str, str]] = {
        "token": "write `http: {login: {secret: ...}}`",
        "protocol": "it is part of `url`: `syslog+tls://HOST:6514`",
        "host": "it is part of `url`: `syslog+tls://HOST:6514`",
        "port": "it is part of `url`: `syslog+tls://HOST:6514`",
    }
    name: Annotated[Text, AfterValidator(_name)] = Field(
        description="its name in records, metrics and `nacd audit forward`", examples=["siem"]
    )
    url: ForwardUrl = Field(
        description=f"where to send to: {_WANTED}",
        examples=["syslog+tls://siem.example.net:6514", "https://splunk.example.net:8088/services/collector/raw"],
    )
    format: Literal["nacd", "ocsf", "ecs", "cef"] = Field(
        default="nacd",
        description="`nacd` (records as they lie, so that their links can be checked), `ocsf`, `ecs` or `cef`",
    )
    events: Annotated[SomeTexts, AfterValidator(_events)] = Field(
        default=("*",), description="events it gets, by their names", examples=[["access.*", "session.*"]]
    )
    min_severity: Literal["information", "warning", "error"] = Field(
        default="information", description="least severity it gets"
    )
    start: Literal["oldest", "now"] = Field(
        default="oldest",
        description="where it begins when it is new: with the `oldest` record there is, or from now on",
    )
    batch: Batch = Field(default=Batch(), description="how much is sent at once")
    pace: Annotated[Number, Field(ge=1, le=100_000)] = Field(
        default=5_000,
        description="records a second at most, so that a backlog does not eat a core",
        json_schema_extra={"x-unit": "records a second"},
        examples=[5_000],
    )
    timeout: Annotated[Duration, AfterValidator(between(SECOND, 10 * MINUTE))] = Field(
        default=10 * SECOND, description="how long one step (connect, send, answer) may take"
    )
    down_after: Annotated[Duration, AfterValidator(between(SECOND, 24 * HOUR))] = Field(
        default=MINUTE, description="it is recorded that a destination takes nothing after this time"
    )
    when_refused: Literal["set_aside", "wait"] = Field(
        default="set_aside",
        description="a record that is refused by itself (too long, not understood): pass over it and record that, or"
        " `wait` until it is taken",
    )
    ca_file: ExistingFile | None = Field(
        default=None, description="PEM file of CAs to trust; default: the system's", examples=["certs/siem-ca.pem"]
    )
    certificate: ExistingFile | None = Field(
        default=None,
        description="PEM file with nacd's own certificate, where one is asked for",
        examples=["certs/forward.pem"],
    )
    private_key: SecretField | None = Field(
        default=None, description="key of that certificate (PEM)", examples=["file:certs/forward.key"]
    )
    syslog: Syslog = Field(default=Syslog(), description="for syslog URLs")
    http: Http = Field(default=Http(), description="for HTTP URLs")

    @property
    def scheme(self) -> str:
        return urlsplit(self.url).scheme

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or _PORTS[self.scheme]

    @property
    def in_clear(self) -> bool:
        """Whether records leave this machine readable for whoever is on the way."""
        return self.scheme in ("syslog+tcp", "syslog+udp") and not is_here(self.host)

    @model_validator(mode="after")
    def _fits(self) -> Destination:
        over_http = self.scheme.startswith("http")
        for name, fits in (("syslog", not over_http), ("http", over_http)):
            if name in self.model_fields_set and not fits:
                raise PydanticCustomError("nacd", f"`{name}` does not belong to `{self.scheme}`")
        if self.scheme == "syslog+udp" and (self.syslog.longest or 0) > _LONGEST_DATAGRAM:
            raise PydanticCustomError("nacd", f"`syslog.longest`: a datagram holds {_LONGEST_DATAGRAM} octets at most")
        encrypted = self.scheme in ("syslog+tls", "https")
        for name in ("ca_file", "certificate", "private_key"):
            if getattr(self, name) is not None and not encrypted:
                raise PydanticCustomError("nacd", f"`{name}` does not belong to `{self.scheme}`: nothing is encrypted")
        if (self.certificate is None) != (self.private_key is None):
            raise PydanticCustomError("nacd", "`certificate` and `private_key` belong together")
        if over_http and self.http.body == "bulk" and self.batch.records > _MOST_BULK:
            raise PydanticCustomError("nacd", f"`batch.records` is {_MOST_BULK} at most with `body: bulk`")
        if self.format == "cef" and over_http and self.http.body != "ndjson":
            raise PydanticCustomError("nacd", "`format: cef` is no JSON: only `body: ndjson` (lines) can hold it")
        return self


def _named_once(value: tuple[Destination, ...]) -> tuple[Destination, ...]:
    names = [each.name for each in value]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two destinations are called {shown(twice[0])}")
    return value


Destinations: TypeAlias = Annotated[tuple[Destination, ...], Field(max_length=16), AfterValidator(_named_once)]
