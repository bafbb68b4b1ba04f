"""The types of single settings: text in, a checked value out, an error in words.

Knows: how an admin writes a duration, an address, a network, a MAC, a file. Refuses to know: which
setting it is reading. Files and secrets are found through ``Surroundings``, the validation context.
Every type carries its JSON Schema, so that an editor offers what nacd accepts.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Final, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, PlainValidator, Strict, ValidationInfo, WithJsonSchema

from nacd.config import secrets
from nacd.config.yaml import shown
from nacd.errors import Problem
from nacd.values import Secret

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a setting may refer to, and what was found on the way.

    folder: what relative paths count from. notes: remarks on secrets. problems: of other files.
    """

    folder: Path
    environment: Mapping[str, str]
    notes: list[tuple[Secret, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def surroundings(info: ValidationInfo) -> Surroundings:
    if not isinstance(info.context, Surroundings):
        raise TypeError("settings are read with their surroundings as context")
    return info.context


def told(kind: str, *usual: str, **more: object) -> WithJsonSchema:
    """The JSON Schema of a text. kind: what people call it. usual: what such texts look like."""
    return WithJsonSchema({"type": "string", "x-type": kind, **({"x-usual": [*usual]} if usual else {}), **more})


# -- plain words and numbers ----------------------------------------------------------------

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def text(value: object) -> str:
    """One line of text, not empty, no longer than an attribute can hold (253 octets)."""
    if not isinstance(value, str):
        raise ValueError(_not_text(value))  # noqa: TRY004 - a ValueError is what pydantic collects
    if not value.strip():
        raise ValueError("this text is empty")
    if value != value.strip():
        raise ValueError(f"{shown(value)} begins or ends with white space")
    if _CONTROL.search(value):
        raise ValueError("this text holds a control character or a line break")
    if len(value.encode()) > 253:
        raise ValueError("this text is longer than 253 octets")
    return value


def _not_text(value: object) -> str:
    if isinstance(value, bool | int | float):
        shape = "a boolean" if isinstance(value, bool) else "a number"
        word = str(value).lower() if isinstance(value, bool) else str(value)
        return f'`{word}` is {shape} and text is wanted: write `"{word}"`'
    return "text is wanted here, not a list" if isinstance(value, tuple) else "text is wanted here, not a mapping"


Text: TypeAlias = Annotated[str, PlainValidator(text), WithJsonSchema({"type": "string", "minLength": 1})]
Flag: TypeAlias = Annotated[bool, Strict()]
Number: TypeAlias = Annotated[int, Strict()]


def as_many(value: object) -> object:
    """One value or a list of them, as a tuple."""
    return value if isinstance(value, tuple) else (value,)


def at_least_one(value: object) -> object:
    """The same where an empty list would say nothing."""
    if value == ():
        raise ValueError("this list is empty: name something, or leave the key out")
    return as_many(value)


Texts: TypeAlias = Annotated[tuple[Text, ...], BeforeValidator(as_many, json_schema_input_type=Text | list[Text])]
SomeTexts: TypeAlias = Annotated[
    tuple[Text, ...], BeforeValidator(at_least_one, json_schema_input_type=Text | list[Text])
]


# -- durations and sizes --------------------------------------------------------------------

_DURATION = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s)?(?:(\d{1,8})ms)?", re.ASCII)
DURATION_PATTERN: Final = r"^(?=\d)(\d{1,4}d)?(\d{1,5}h)?(\d{1,6}m)?(\d{1,8}s)?(\d{1,8}ms)?$"


def duration(value: object) -> timedelta:
    """``4h15m``, ``90s``, ``500ms``, ``7d``: numbers with units, largest first."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f"`{value}` has no unit: write `{value}s`, `{value}m` or `{value}h`")  # noqa: TRY004
    match = _DURATION.fullmatch(value) if isinstance(value, str) and value else None
    if match is None:
        written = f"{shown(value)} is no duration" if isinstance(value, str) else "a duration is wanted here"
        raise ValueError(f"{written}: write numbers with units, as in `90s`, `5m`, `4h15m`, `7d`")
    days, hours, minutes, seconds, milliseconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds, milliseconds=milliseconds)


def written(value: timedelta) -> str:
    """A duration as an admin would write it; the reverse of ``duration``."""
    rest = value // timedelta(milliseconds=1)
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


@dataclass(frozen=True, slots=True)
class between:  # noqa: N801 - reads as the function that it is used as; the schema tells its bounds
    """Whether a duration is in these bounds; both belong to them."""

    low: timedelta
    high: timedelta

    def __call__(self, value: timedelta) -> timedelta:
        if not self.low <= value <= self.high:
            raise ValueError(f"this duration is outside `{written(self.low)}` to `{written(self.high)}`")
        return value


Duration: TypeAlias = Annotated[
    timedelta, PlainValidator(duration), told("time", "90s", "5m", "4h15m", "7d", pattern=DURATION_PATTERN)
]

_SIZE = re.compile(r"([1-9]\d{0,8})(KiB|MiB|GiB)", re.ASCII)
_SIZES: Final = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def size(value: object) -> int:
    """``256MiB``, in octets."""
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("a size is a number with a unit: `KiB`, `MiB` or `GiB`, as in `256MiB`")
    return int(match.group(1)) * _SIZES[match.group(2)]


Size: TypeAlias = Annotated[int, PlainValidator(size), told("size", pattern=r"^[1-9]\d{0,8}(KiB|MiB|GiB)$")]


# -- addresses ------------------------------------------------------------------------------


class ListenAddress(NamedTuple):
    """Where to listen. host: an IP address; port 0 is any free port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


_ADDRESS = re.compile(r"(?:\[([0-9A-Fa-f:.%\w]+)\]|([^:\[\]]+)):(\d{1,5})", re.ASCII)


def listen_address(value: object) -> ListenAddress:
    """``0.0.0.0:1812`` or ``[::]:1812``."""
    wanted = "write `IP:PORT`, for IPv6 `[IP]:PORT`"
    match = _ADDRESS.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{shown(value)} has no port or no address: {wanted}" if isinstance(value, str) else wanted)
    host, port = match.group(1) or match.group(2), int(match.group(3))
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise ValueError(f"{shown(host)} is no IP address: {wanted}") from None
    if (address.version == 6) != bool(match.group(1)):
        raise ValueError(f"{shown(host)} in the wrong kind of brackets: {wanted}")
    if port > 65535:
        raise ValueError(f"port `{port}` is above 65535")
    return ListenAddress(str(address), port)


Listen: TypeAlias = Annotated[ListenAddress, PlainValidator(listen_address), told("`IP:PORT`", "0.0.0.0:1812")]


def network(value: object) -> Network:
    """``10.20.0.0/16``, ``10.9.0.4``, ``2001:db8::/32``."""
    if not isinstance(value, str):
        raise ValueError("an address or a network is wanted here, as in `10.20.0.0/16`")  # noqa: TRY004
    try:
        found = ipaddress.ip_network(value)
    except ValueError:
        try:
            loose = ipaddress.ip_network(value, strict=False)
        except ValueError:
            raise ValueError(f"{shown(value)} is no address and no network: write as in `10.20.0.0/16`") from None
        message = f"{shown(value)} is an address inside a network: write `{loose}`, or the address without its mask"
        raise ValueError(message) from None
    if isinstance(found, ipaddress.IPv6Network):
        if found.network_address.scope_id:
            raise ValueError(f"{shown(value)} names an interface: leave out `%` and what follows")
        if found.network_address.ipv4_mapped:
            raise ValueError(f"{shown(value)} is an IPv4 address in IPv6 clothes: write it as IPv4")
    return found


NetworkField: TypeAlias = Annotated[
    Network, PlainValidator(network), told("address or network", "10.20.0.0/16", "10.9.0.4")
]


def ip_address(value: object) -> str:
    """One machine's address, ``10.9.0.4`` or ``2001:db8::4``."""
    try:
        found = ipaddress.ip_address(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError(f"{shown(value) if isinstance(value, str) else 'this'} is no IP address") from None
    if isinstance(found, ipaddress.IPv6Address) and (found.scope_id or found.ipv4_mapped):
        raise ValueError(
            f"{shown(str(value))} is an address with an interface, or IPv4 in IPv6 clothes: write it plain"
        )
    if found.is_unspecified or found.is_multicast:
        raise ValueError(f"{shown(str(value))} is no address of one machine")
    return str(found)


IpAddress: TypeAlias = Annotated[str, PlainValidator(ip_address), told("IP address")]


# -- names of things ------------------------------------------------------------------------

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def guid(value: object) -> str:
    """A GUID, lower case with hyphens."""
    if not isinstance(value, str) or not _GUID.fullmatch(value.lower()):
        raise ValueError("a GUID is wanted here, as in `6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11`")
    return value.lower()


Guid: TypeAlias = Annotated[str, PlainValidator(guid), told("GUID", format="uuid")]


def day(value: object) -> date:
    """A calendar day, ``2027-05-31``."""
    try:
        return date.fromisoformat(value if isinstance(value, str) and len(value) == 10 else "")
    except ValueError:
        raise ValueError('a day is wanted here, in quotes, as in `"2027-05-31"`') from None


Day: TypeAlias = Annotated[date, PlainValidator(day), told("day", format="date")]

_SEPARATORS = re.compile(r"[-:.]")
_HEX12 = re.compile(r"[0-9A-F]{12}")


def mac(value: object) -> str:
    """A MAC in any usual spelling, as ``AA-BB-CC-DD-EE-FF``."""
    digits = _SEPARATORS.sub("", value).upper() if isinstance(value, str) else ""
    if not _HEX12.fullmatch(digits):
        said = shown(value) if isinstance(value, str) else f"`{value}`" if isinstance(value, int) else "this"
        raise ValueError(f"{said} is no MAC address: write as in `AA-BB-CC-DD-EE-FF`, in quotes if it is all digits")
    return "-".join(digits[at : at + 2] for at in range(0, 12, 2))


def mac_pattern(value: object) -> str:
    """A whole MAC, or its beginning and ``*`` (``AA-BB-CC-*``)."""
    if not isinstance(value, str) or not value.endswith("*"):
        return mac(value)
    digits = _SEPARATORS.sub("", value[:-1]).upper()
    if not re.fullmatch(r"[0-9A-F]{0,11}", digits):
        raise ValueError(f"{shown(value)} is no MAC pattern: write its beginning and one `*`, as in `AA-BB-CC-*`")
    pairs = "-".join(digits[at : at + 2] for at in range(0, len(digits), 2))
    return f"{pairs}-*" if digits and len(digits) % 2 == 0 else f"{pairs}*"


MacPattern: TypeAlias = Annotated[str, PlainValidator(mac_pattern), told("MAC, or its beginning and `*`", "AA-BB-CC-*")]


def https_url(value: object) -> str:
    return _url(value, ("https",), "`https://HOST/...`")


def any_http_url(value: object) -> str:
    return _url(value, ("http", "https"), "`http://HOST:PORT` or `https://HOST:PORT`")


def proxy_url(value: object) -> str:
    return _url(value, ("http",), "`http://HOST:PORT` (nacd speaks tls through this proxy, not to it)")


def _url(value: object, schemes: tuple[str, ...], wanted: str) -> str:
    try:
        parts = urlsplit(text(value))
        _ = parts.port
    except ValueError:
        raise ValueError(f"a URL is wanted here: {wanted}") from None
    if parts.scheme not in schemes or not parts.hostname or re.search(r"\s", parts.netloc):
        raise ValueError(f"a URL is wanted here: {wanted}")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL here carries no user name and no password")
    return str(value)


HttpsUrl: TypeAlias = Annotated[str, PlainValidator(https_url), told("URL", pattern="^https://")]
HttpUrl: TypeAlias = Annotated[str, PlainValidator(any_http_url), told("URL", pattern="^https?://")]
ProxyUrl: TypeAlias = Annotated[str, PlainValidator(proxy_url), told("URL", pattern="^http://")]


# -- files and secrets ----------------------------------------------------------------------


def _file(value: object, info: ValidationInfo) -> Path:
    path = _path(value, info)
    if path.is_dir():
        raise ValueError(f"{shown(str(value))} is a folder, a file is wanted")
    if path.exists() and not path.is_file():
        raise ValueError(f"{shown(str(value))} is a pipe, a device or a socket, a file is wanted")
    if not path.is_file():
        raise ValueError(f"the file {shown(str(value))} does not exist (looked for `{path}`)")
    if not os.access(path, os.R_OK):
        raise ValueError(f"the file {shown(str(value))} cannot be read by this user")
    return path


def _folder(value: object, info: ValidationInfo) -> Path:
    path = _path(value, info)
    if not path.is_dir():
        raise ValueError(f"the folder {shown(str(value))} does not exist (looked for `{path}`)")
    return path


def _path(value: object, info: ValidationInfo) -> Path:
    written = text(value)
    if written.startswith(("file:", "env:", "cred:")):
        raise ValueError("a path is wanted here, without `file:`, `env:` or `cred:`")
    if written.startswith("~"):
        raise ValueError("`~` means nothing to a daemon: write the whole path")
    return surroundings(info).folder / written


def _secret(value: object, info: ValidationInfo) -> Secret:
    around = surroundings(info)
    found = secrets.resolve(value, folder=around.folder, environment=around.environment)
    if found.note:
        around.notes.append((found.secret, found.note))
    return found.secret


def _exact_secret(value: object, info: ValidationInfo) -> Secret:
    around = surroundings(info)
    found = secrets.resolve(value, folder=around.folder, environment=around.environment, exact=True)
    if found.note:
        around.notes.append((found.secret, found.note))
    return found.secret


ExistingFile: TypeAlias = Annotated[Path, PlainValidator(_file), told("file", minLength=1)]
ExistingFolder: TypeAlias = Annotated[Path, PlainValidator(_folder), told("folder", minLength=1)]
AnyPath: TypeAlias = Annotated[Path, PlainValidator(_path), told("path", minLength=1)]
_SECRET_SCHEMA: Final = told(
    "secret", "file:secrets/campus", "cred:campus", "env:CAMPUS_SECRET", pattern="^(file|env|cred):.+"
)
SecretField: TypeAlias = Annotated[Secret, PlainValidator(_secret), _SECRET_SCHEMA]
BinarySecretField: TypeAlias = Annotated[Secret, PlainValidator(_exact_secret), _SECRET_SCHEMA]
Port: TypeAlias = Annotated[int, Strict(), Field(ge=1, le=65535)]
