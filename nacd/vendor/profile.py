"""An authorization profile: a named set of intentions, in no vendor's words.

Knows: which intentions there are and what makes each value sound for every vendor. Refuses to
know: attributes and vendor limits (``model.py``, ``render.py``), YAML and file positions (``config/``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from nacd.values import NO_VLANS, Attribute, VlanList
from nacd.vendor.fill import LONGEST

INTENTIONS: Final = ("vlan", "voice_vlan", "acl", "dacl", "redirect", "sgt", "role", "group_policy", "session_timeout")
"""Every intention, in the order in which its attributes stand in a reply."""

PORTS_OWN: Final = "*"
"""Stands for the voice VLAN that is set on the port, whichever that is."""

VLAN_IDS: Final = range(1, 4095)
"""IEEE 802.1Q numbers a port can be given (RFC 3580 section 3.31)."""

SGTS: Final = range(2, 65520)
"""Security group tags free to assign: 0 is *unknown*, 1 and the top sixteen are reserved."""

SESSION_TIMEOUTS_S: Final = range(1, 2**31)

ON_QUARANTINE: Final = ("sync", "notify")
"""What may be asked of Intune when a device gets this profile; no attribute of the reply."""

OWN_ATTRIBUTES: Final = frozenset(
    {
        "CHAP-Password",
        "Chargeable-User-Identity",
        "EAP-Key-Name",
        "EAP-Message",
        "Message-Authenticator",
        "MS-MPPE-Recv-Key",
        "MS-MPPE-Send-Key",
        "Proxy-State",
        "Session-Timeout",
        "State",
        "Termination-Action",
        "User-Password",
        "Vendor-Specific",
    }
)
"""Attributes that nacd sets by itself (or that no Accept may carry): never under ``attributes:``."""

_OWN_IN_ANY_CASE = frozenset(name.lower() for name in OWN_ATTRIBUTES)
_URL_CHARACTERS = re.compile(r"[!#-&(-;=?-\[\]_a-z~]+")
"""RFC 3986 characters; white space, quotes and angle brackets would end the URL in a NAS's parser."""
_FACT = re.compile(r"\{([^{}]*)\}")
_HOST_ENDS = re.compile(r"^[^/?#]*//[^/?#]*")
_ANYBODYS: Final = "session"
"""The one fact that a NAS words as it likes: `..` would be a step up in a path, however it is encoded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """Send the endpoint's browser to ``url``; ``acl`` names what is redirected, ``""`` = not named.

    The url may name facts of the request in braces, behind its host: see ``fill.LONGEST``.
    Raises ValueError for what is no plain http or https URL, and for a fact that there is not.
    """

    url: str
    acl: str = ""

    @property
    def pieces(self) -> tuple[str, ...]:
        """The url, cut: the second piece, the fourth ... is the name of a fact."""
        return tuple(_FACT.split(self.url))

    def __post_init__(self) -> None:
        for found in _FACT.finditer(self.url):
            self._check_fact(found.group(1), self.url[: found.start()])
        plain = "x".join(self.pieces[::2])
        if not _URL_CHARACTERS.fullmatch(plain):
            raise ValueError(f"the redirect url `{self.url}` has characters that a url cannot hold")
        try:
            parts = urlsplit(plain)
            _ = parts.port
        except ValueError as wrong:
            raise ValueError(f"the redirect url `{self.url}` cannot be read: {wrong}") from None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"the redirect url `{self.url}` must begin with `http://` or `https://` and name a host")
        if "@" in parts.netloc:
            raise ValueError(f"the redirect url `{self.url}` must not carry a user name or password")

    def _check_fact(self, name: str, before: str) -> None:
        if name not in LONGEST:
            known = ", ".join(f"`{{{each}}}`" for each in LONGEST)
            raise ValueError(f"there is no `{{{name}}}` to fill into a redirect url: there is {known}")
        host = _HOST_ENDS.match(before)
        if host is None or host.group() == before:
            raise ValueError(f"`{{{name}}}` stands where the host is told: nothing is filled in before the path")
        if name == _ANYBODYS and not set("?#") & set(before):
            raise ValueError(
                f"`{{{name}}}` must stand behind a `?`: a NAS words it, and in a path it could lead elsewhere"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class NoRedirect:
    """The profile redirects nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What an accepted endpoint gets. ``""``, ``()`` and ``0`` mean that an intention is not set.

    vlan: number (``"120"``) or name. vlans: by device, ``vlan`` is what all others get. voice_vlan: number,
    name or ``PORTS_OWN``, for a phone. acl: name of a list the NAS has. dacl: the lines of a list, in the
    language of the NAS; dacl_name: what it is downloaded by, where that can be. sgt: security group tag.
    session_timeout_s, reauthenticate: after that time authenticate again (True) or end the session (False).
    raw: attributes as the admin wrote them, sent to every vendor. optional: names out of INTENTIONS that a
    vendor may leave out. on_quarantine: words out of ON_QUARANTINE, handed to the service for device actions.

    Raises ValueError, with one line per problem, for values that are wrong at every vendor.
    """

    name: str
    vlan: str = ""
    vlans: VlanList = NO_VLANS
    voice_vlan: str = ""
    acl: str = ""
    dacl: tuple[str, ...] = ()
    dacl_name: str = ""
    redirect: Redirect | NoRedirect = field(default_factory=NoRedirect)
    sgt: int = 0
    role: str = ""
    group_policy: str = ""
    session_timeout_s: int = 0
    reauthenticate: bool = True
    raw: tuple[Attribute, ...] = ()
    optional: frozenset[str] = frozenset()
    on_quarantine: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if problems := tuple(_problems(self)):
            raise ValueError("\n".join(problems))

    def sets(self, intention: str) -> bool:
        """Whether the profile says anything about this intention."""
        return {
            "vlan": bool(self.vlan),
            "voice_vlan": bool(self.voice_vlan),
            "acl": bool(self.acl),
            "dacl": bool(self.dacl),
            "redirect": isinstance(self.redirect, Redirect),
            "sgt": bool(self.sgt),
            "role": bool(self.role),
            "group_policy": bool(self.group_policy),
            "session_timeout": bool(self.session_timeout_s),
        }[intention]

    @property
    def wanted(self) -> tuple[str, ...]:
        """The intentions that are set, in reply order."""
        return tuple(intention for intention in INTENTIONS if self.sets(intention))


def has_control_characters(text: str) -> bool:
    """Whether the text holds what no name, line or URL may hold (Unicode categories Cc, Cf, Zl, Zp, Cs)."""
    return any(unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp", "Cs"} for character in text)


def _texts(profile: Profile) -> Iterator[tuple[str, str]]:
    yield from (("vlan", profile.vlan), ("voice_vlan", profile.voice_vlan))
    yield from (("acl", profile.acl), ("role", profile.role))
    yield ("group_policy", profile.group_policy)
    if isinstance(profile.redirect, Redirect):
        yield ("redirect.acl", profile.redirect.acl)


def _problems(profile: Profile) -> Iterator[str]:
    if not profile.name:
        yield "an authorization profile needs a name"
    for what, text in _texts(profile):
        if text != text.strip() or has_control_characters(text):
            yield f"{what} `{text}` begins or ends with white space or holds control characters"
    for vlan in (profile.vlan, profile.voice_vlan, *sorted(set(profile.vlans.rows.values()))):
        yield from _bad_vlan(vlan)
    if profile.vlans.rows and profile.vlan != profile.vlans.otherwise:
        yield "vlan needs a default, for devices that its list does not hold"
    for number, line in enumerate(profile.dacl, start=1):
        if not line.strip() or has_control_characters(line):
            yield f"line {number} of dacl is empty or holds control characters"
    if profile.sgt and profile.sgt not in SGTS:
        yield f"sgt `{profile.sgt}` is outside {SGTS.start} to {SGTS.stop - 1}"
    if profile.session_timeout_s and profile.session_timeout_s not in SESSION_TIMEOUTS_S:
        yield f"session_timeout `{profile.session_timeout_s}` is not a number of seconds a NAS can count"
    for attribute in profile.raw:
        if attribute.name.lower() in _OWN_IN_ANY_CASE:
            yield f"attributes must not name `{attribute.name}`: nacd sets it by itself"
        if attribute.tag not in range(32):
            yield f"the tag of `{attribute.name}` is outside 0 to 31 (RFC 2868 section 3)"
    for intention in sorted(profile.optional):
        if intention not in INTENTIONS or not profile.sets(intention):
            yield f"optional names `{intention}`, which the profile does not set"
    for word in profile.on_quarantine:
        if word not in ON_QUARANTINE or profile.on_quarantine.count(word) > 1:
            yield f"on_quarantine is a list out of {', '.join(ON_QUARANTINE)}, each once: `{word}` does not fit"


def _bad_vlan(vlan: str) -> Iterator[str]:
    if vlan.removeprefix("-").isdecimal() and (not vlan.isascii() or int(vlan) not in VLAN_IDS):
        yield f"vlan `{vlan}` is outside {VLAN_IDS.start} to {VLAN_IDS.stop - 1}"
    if vlan.isdecimal() and vlan.startswith("0"):
        yield f"vlan `{vlan}` begins with a zero: write the number without it"
