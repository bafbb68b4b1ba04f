"""What an admin answers before there is a configuration, and what each answer may be.

Knows: how one answer is read, with the same words as the configuration has for it. Refuses to know: how it is asked
(``questions.py``) and what is made of it (``config_text.py``, ``policy_text.py``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nacd.config import fields, wording
from nacd.config.policy_text import vlan
from nacd.config.sections.intune import named_tenant
from nacd.sim.microsoft.state import CLIENT_ID, TENANT

NONE: Final = "none"
"""The tenant of whoever has none yet."""
ACCESS: Final = {
    "dot1x": ("dot1x",),
    "mab": ("mab",),
    "dot1x+mab": ("dot1x", "mab"),
    "vpn": ("vpn",),
}
CREDENTIALS: Final = ("certificate", "secret", "managed-identity")
LAB_TENANT: Final = TENANT
LAB_CLIENT_ID: Final = CLIENT_ID
"""Who the simulated Microsoft is, and whom it knows."""
APP: Final = "app"
"""In the folder of secrets: the client secret of the app registration."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_GIVEN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,31}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """All of them. tenant: ``""`` for none. corporate, quarantine, devices: in the word that the vendor has for it.

    separates: that word, as in ``vlan``: the intention that keeps healthy endpoints from the others. intentions: all
    that the vendor has words for; asked: whether nacd knows how to ask its NASes to change a session.
    """

    lab: bool
    nas: str
    network: str
    vendor: str
    access: tuple[str, ...]
    separates: str
    intentions: frozenset[str]
    asked: bool
    corporate: str = ""
    quarantine: str = ""
    devices: str = ""
    certificate: str = ""
    private_key: str = ""
    client_ca: str = ""
    tenant: str = ""
    client_id: str = ""
    credential: str = ""

    @property
    def vpn(self) -> bool:
        """Whether the NAS is a concentrator."""
        return "vpn" in self.access

    @property
    def group(self) -> str:
        """The group that the NAS is put into."""
        return "remote" if self.vpn else "campus"

    @property
    def secret_file(self) -> str:
        """Where its shared secret lies, from the folder of the configuration."""
        return f"secrets/{self.nas}"

    @property
    def over_ipv6(self) -> bool:
        """Whether IPv6 has to be listened on, too."""
        return ":" in self.network

    def supplied(self) -> tuple[str, ...]:
        """Files that only the admin can supply, as they are written in the configuration."""
        if self.lab:
            return ()
        own = (self.certificate, self.private_key, self.client_ca) if "dot1x" in self.access else ()
        app = {"certificate": ("certs/app.pem", "certs/app.key"), "secret": ("secrets/app",)}
        return (*own, *app.get(self.credential, ()))


# -- reading one answer -----------------------------------------------------------------------


def name(written: str) -> str:
    """The name of a NAS, which is the name of a file too."""
    if not _NAME.fullmatch(written):
        raise ValueError(f"`{written}` is no name here: write up to 64 letters, digits, `-`, `_` and `.`")
    if written.lower() == APP:
        raise ValueError(f"`{written}` is the file of the secret that Microsoft is told: choose another name")
    return written


def network(written: str) -> str:
    """An address or a network."""
    return str(fields.network(written)).removesuffix("/32").removesuffix("/128")


def vendor(written: str, known: Mapping[str, Any]) -> str:
    """One of the vendors that nacd has words for."""
    if written not in known:
        raise ValueError(f"there is no vendor `{written}`{wording.did_you_mean(written, known)}")
    return written


def access(written: str) -> str:
    """How endpoints come through this NAS."""
    words = {frozenset(kinds): word for word, kinds in ACCESS.items()}
    wanted = frozenset(part for part in re.split(r"[+, ]+", written.lower()) if part)
    if wanted not in words:
        choice = ", ".join(f"`{word}`" for word in ACCESS)
        raise ValueError(f"`{written}` is no way to come in through one NAS: write one of {choice}")
    return words[wanted]


def tenant(written: str) -> str:
    """A tenant, or none."""
    return NONE if written.lower() == NONE else named_tenant(fields.text(written))


def client_id(written: str) -> str:
    """The GUID of an app."""
    return fields.guid(written)


def credential(written: str) -> str:
    """How the app proves itself."""
    if written not in CREDENTIALS:
        choice = ", ".join(f"`{word}`" for word in CREDENTIALS)
        raise ValueError(f"`{written}` is no credential of an app: write one of {choice}")
    return written


def path(written: str) -> str:
    """A file, which need not be there yet."""
    found = fields.text(written)
    if found.startswith(("file:", "env:", "cred:", "~")):
        raise ValueError(f"`{found}` is no path: write it whole, or as it is seen from the folder of the configuration")
    if found.endswith("/"):
        raise ValueError(f"`{found}` is a folder, a file is wanted")
    return str(Path(found))


def place(written: str, separates: str) -> str:
    """What an endpoint is put into: a VLAN, or the name of a role, a group policy or an access list of the NAS."""
    if separates == "vlan":
        return vlan(written)
    if not _GIVEN_NAME.fullmatch(written):
        raise ValueError(
            f"`{written}` is no such name: write a letter, then up to 31 letters, digits, `_`, `.` and `-`"
        )
    return written
