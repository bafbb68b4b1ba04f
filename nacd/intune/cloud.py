"""Microsoft's clouds, and which hosts may be sent a token.

Knows: the names that move together in each cloud, the scopes made of them, the host allow-list.
Refuses to know: the network. Source: Microsoft's national cloud and Intune endpoint pages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum

INTUNE_APP_ID = "0000000a-0000-0000-c000-000000000000"

_ROOT = re.compile(r"https://[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*(?::[0-9]{1,5})?")
_SUFFIX = re.compile(r"(?:\.[a-z0-9-]+){2,}")
_LISTED = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::[0-9]{1,5})?")
# Stricter than any URL parser, so that no two of them can read a different host out of it: no
# userinfo, no backslash, no blank, no fragment, no IPv6 literal.
_URL = re.compile(
    r"https://(?P<host>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)*)(?P<query>\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?"
)


class Audience(StrEnum):
    """Whom a token is for."""

    GRAPH = "graph"
    INTUNE = "intune"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """One cloud; its values belong together, a token of one cloud is refused by another.

    login, graph: roots ``https://host[:port]``. resource: the audience of Intune tokens, with its
    trailing slash (the scope then has two). host_suffix: what a discovered Intune host must end
    in, ``""`` = only hosts the operator listed. portal: where users are sent. app_id: Intune's own
    application id, under which Graph lists its endpoints.
    """

    name: str
    login: str
    graph: str
    resource: str
    host_suffix: str
    portal: str
    app_id: str = INTUNE_APP_ID

    def scope(self, audience: Audience) -> str:
        """What to ask the login service for."""
        return f"{self.target(audience)}/.default"

    def target(self, audience: Audience) -> str:
        """The audience itself, as managed identities want it: no ``/.default``."""
        return self.graph if audience is Audience.GRAPH else self.resource


_PUBLIC = Cloud(
    name="global",
    login="https://login.microsoftonline.com",
    graph="https://graph.microsoft.com",
    resource="https://api.manage.microsoft.com/",
    host_suffix=".manage.microsoft.com",
    portal="portal.manage.microsoft.com",
)
_HIGH = Cloud(
    name="usgov_high",
    login="https://login.microsoftonline.us",
    graph="https://graph.microsoft.us",
    resource="https://api.manage.microsoft.us/",
    host_suffix=".manage.microsoft.us",
    portal="portal.manage.microsoft.us",
)
_CHINA = Cloud(
    name="china",
    login="https://login.partner.microsoftonline.cn",
    graph="https://microsoftgraph.chinacloudapi.cn",
    resource="",  # Microsoft publishes none; the operator must know it
    host_suffix=".manage.microsoftonline.cn",
    portal="portal.manage.microsoftonline.cn",
)
_CUSTOM = Cloud(name="custom", login="", graph="", resource="", host_suffix="", portal="")
CLOUDS: Mapping[str, Cloud] = {
    "global": _PUBLIC,
    "usgov_high": _HIGH,
    "usgov_dod": replace(_HIGH, name="usgov_dod", graph="https://dod-graph.microsoft.us"),
    "china": _CHINA,
    "custom": _CUSTOM,
}


def cloud(name: str, overrides: Mapping[str, str] | None = None) -> Cloud:
    """The cloud of this name with some of its values replaced; ValueError, in words, if one is missing or bad."""
    known = CLOUDS.get(name)
    if known is None:
        raise ValueError(f"`{name}` is no cloud; use one of {', '.join(CLOUDS)}")
    allowed = {field.name for field in fields(Cloud)} - {"name"}
    for key in overrides or {}:
        if key not in allowed:
            raise ValueError(f"a cloud has no `{key}`; it has {', '.join(sorted(allowed))}")
    chosen = replace(known, **dict(overrides or {}))
    for key, value in (("login", chosen.login), ("graph", chosen.graph)):
        if not _ROOT.fullmatch(value):
            raise ValueError(f"cloud `{name}` needs `{key}` as https://host, it is `{value}`")
    if not chosen.resource:
        raise ValueError(f"cloud `{name}` needs `resource`: the audience of intune's tokens, with its trailing slash")
    if chosen.host_suffix and not _SUFFIX.fullmatch(chosen.host_suffix):
        raise ValueError(f"`host_suffix` must look like .manage.example.com, it is `{chosen.host_suffix}`")
    return chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """Who may be sent a token: hosts under ``suffix`` at port 443, and those listed as ``host`` or ``host:port``."""

    suffix: str = ""
    listed: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for entry in self.listed:
            if not _LISTED.fullmatch(entry):
                raise ValueError(f"`{entry}` is no host and no host:port, in lower case")

    def refusal(self, url: str) -> str:
        """Why no token may be sent to this URL, ``""`` if it may."""
        match = _URL.fullmatch(url)
        if match is None:
            return f"`{_shown(url)}` is not a plain https address"
        if any(segment in (".", "..") for segment in match["path"].split("/")):
            return f"`{_shown(url)}` has a path that climbs"
        host, port = match["host"].lower(), int(match["port"] or 443)
        if f"{host}:{port}" in self.listed or (port == 443 and host in self.listed):
            return ""
        if not self.suffix or not host.endswith(self.suffix):
            return f"`{host}` is not a host of this cloud and not listed under allowed hosts"
        if port != 443:
            return f"`{host}:{port}` is not at port 443 and not listed under allowed hosts"
        return ""


def netloc(url: str) -> str:
    """``host`` or ``host:port`` of an https address, lower case, ``""`` if it is none."""
    match = _URL.fullmatch(url)
    if match is None:
        return ""
    port = match["port"]
    return match["host"].lower() + (f":{port}" if port and port != "443" else "")


def _shown(url: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in url[:120])
