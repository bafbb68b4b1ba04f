"""What an order is about: a session by its number, a device by its GUID, whatever is behind a MAC.

Knows: how each is written, and how its sessions are found. Refuses to know: what is ordered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from nacd.identity.device_id import guid
from nacd.identity.mac import NotMac, parse
from nacd.server.people.command import NotDone, OrderRefused
from nacd.server.people.surroundings import Book, Site
from nacd.server.sessions import reach
from nacd.session.table import NoSession
from nacd.sessions import Phase, Session
from nacd.store.sessions import SessionStore
from nacd.values import DeviceId, DeviceIdKind, MacAddress

MOST: Final = 1_000
"""Sessions of one device or MAC that one order may be about."""
_NUMBER = re.compile(r"[0-9]{1,11}|[0-9]{13,19}", re.ASCII)  # twelve digits are a MAC
_LONGEST: Final = 253


@dataclass(frozen=True, slots=True)
class SessionNumber:
    """``Session.id``."""

    id: int

    def __str__(self) -> str:
        return f"session {self.id}"


Subject: TypeAlias = SessionNumber | DeviceId | MacAddress


def text(fields: Mapping[str, Any], name: str) -> str:
    """A field that is one line of text, ``""`` if it is not there. Raises OrderRefused."""
    said = fields.get(name, "")
    if not isinstance(said, str) or len(said) > _LONGEST or not said.isprintable():
        raise OrderRefused(f"`{name}` is one line of text, at most {_LONGEST} characters")
    return said.strip()


def number(fields: Mapping[str, Any], name: str, low: int, high: int, default: int) -> int:
    """A field that is a number. Raises OrderRefused."""
    said = fields.get(name, default)
    if not isinstance(said, int) or isinstance(said, bool) or not low <= said <= high:
        raise OrderRefused(f"`{name}` is a number from {low} to {high}")
    return said


def tenant(fields: Mapping[str, Any], site: Site) -> str:
    """A tenant of the configuration, ``""`` for all of them. Raises OrderRefused."""
    named = text(fields, "tenant")
    if named and named not in site.tenants:
        known = ", ".join(site.tenants) or "none"
        raise OrderRefused(f"there is no tenant `{named}`; there are: {known}")
    return named


def machine(written: str) -> DeviceId | MacAddress:
    """A device or a MAC. Raises OrderRefused."""
    register, _, rest = written.partition(":")
    if register.lower() == "entra" and isinstance(named := guid(rest, DeviceIdKind.ENTRA), DeviceId):
        return named
    if isinstance(named := guid(written, DeviceIdKind.INTUNE), DeviceId):
        return named
    found = parse(written)
    if isinstance(found, NotMac):
        raise OrderRefused(f"`{written[:60]}` is neither an intune device id, nor `entra:` and its id, nor a mac")
    return found


def subject(fields: Mapping[str, Any]) -> Subject:
    """What ``subject`` of an order is about. Raises OrderRefused."""
    written = text(fields, "subject")
    if not written:
        raise OrderRefused("say which session, device or mac: `nacd sessions list` shows them")
    return SessionNumber(int(written)) if _NUMBER.fullmatch(written) else machine(written)


def key_of(device: DeviceId) -> str:
    """As in ``Question.key``."""
    return reach.key_of(device.kind, device.guid)


async def sessions_of(book: Book, about: Subject, tenant: str) -> tuple[Session, ...]:
    """Its sessions that may still be there, also those that have aged: at least one. Raises NotDone in words."""

    def ask(store: SessionStore) -> tuple[Session, ...]:
        match about:
            case SessionNumber(id=id):
                found = store.session(id)
                return () if isinstance(found, NoSession) else (found,)
            case DeviceId():
                return tuple(reach.of_device(store, about.guid, (about.kind,), tenant))
            case MacAddress():
                return tuple(reach.of_mac(store, about.text, tenant))

    found = await book.read(ask)
    if not found:
        raise NotDone(_nobody(about, tenant))
    if len(found) > MOST:
        raise NotDone(f"more than {MOST} sessions are up of {about}: name one by its number")
    if isinstance(about, SessionNumber) and found[0].phase is Phase.ENDED:
        raise NotDone(f"{about} has ended: {found[0].cause or 'its end was seen'}")
    return found


def _nobody(about: Subject, tenant: str) -> str:
    """Why nothing was found, and where to look."""
    if isinstance(about, SessionNumber):
        return f"there is no {about}: `nacd sessions list --all` shows those that there were"
    within = f" in tenant `{tenant}`" if tenant else ""
    by_mac = "" if isinstance(about, MacAddress) else "; one that logs in by its mac alone is found by that mac"
    return f"no session is up of {about}{within}: `nacd sessions list` shows those that are{by_mac}"
