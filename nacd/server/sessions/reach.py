"""Which sessions an order, a verdict or a person's question is about.

Knows: how those of a device or a MAC are found, also where nobody is asked about it. Refuses to know: what is wanted of
them.

Theory. A session that has aged is one of which nothing was heard, which is no end: it may carry traffic for as long as
nobody says otherwise. So whoever is thrown out is thrown out of these too, and only counting and polling leave them
out. An endpoint has one session at a place: where it has logged in again since, the older one that has aged is not
asked about, unless something is wanted of it already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from nacd.server.sessions.loop.climbing import is_one_place, is_vpn, spot
from nacd.sessions import Grounds, Phase, Session, Settled
from nacd.store.live.filters import Filter
from nacd.store.sessions import SessionStore
from nacd.values import DeviceIdKind

_PAGE: Final = 500


def key_of(kind: DeviceIdKind, guid: str) -> str:
    """As in ``Question.key``."""
    return f"{'entra' if kind is DeviceIdKind.ENTRA else 'guid'}:{guid}"


def of_verdict(store: SessionStore, tenant: str, key: str) -> list[Session]:
    """Those that rest on this verdict. Blocking."""
    aged = _all(store, Filter(device=key, tenant=tenant, phase=Phase.AGED))
    its_own = [each for each in aged if _verdict(each) == (tenant, key)]
    return not_left([*store.by_device(tenant, key), *its_own])


def of_mac(store: SessionStore, mac: str, tenant: str) -> list[Session]:
    """Those of this MAC. tenant: whose device it is, ``""`` for anybody's. Blocking."""
    return not_left(_open_and_aged(store, Filter(mac=mac, tenant=tenant)))


def of_device(store: SessionStore, guid: str, kinds: Sequence[DeviceIdKind], tenant: str) -> list[Session]:
    """Those of the device with this GUID, also where a rule lets it in that asks nobody. tenant: as for ``of_mac``.
    Blocking."""
    found: list[Session] = []
    for kind in kinds:
        found += _open_and_aged(store, Filter(device=key_of(kind, guid), tenant=tenant))
    return not_left(found)


def aged_page(store: SessionStore, limit: int, after: int) -> tuple[list[Session], int]:
    """A page of those that have aged, without those that were left; and the number to go on after, 0 at the end.
    Blocking."""
    page = store.find(Filter(phase=Phase.AGED), limit, after)
    macs = {each.grounds.mac: None for each in page if isinstance(each.grounds, Grounds) and each.grounds.mac}
    there = {each.id: each for each in page}
    for mac in macs:
        there |= {each.id: each for each in _open_and_aged(store, Filter(mac=mac))}
    still = {each.id for each in not_left(tuple(there.values()))}
    return [each for each in page if each.id in still], page[-1].id if page else 0


def not_left(sessions: Sequence[Session]) -> list[Session]:
    """Without those that have aged and whose endpoint is in a newer one of these at the same place."""
    newest: dict[tuple[str, str, str], list[Session]] = {}
    for each in sessions:
        newest.setdefault(spot(each.place), []).append(each)
    return [each for each in sessions if not _is_left(each, newest[spot(each.place)])]


def _is_left(session: Session, there: Sequence[Session]) -> bool:
    if session.phase is not Phase.AGED or not isinstance(session.wish, Settled) or is_vpn(session):
        return False
    if not session.place.calling_station_id:
        return False
    return any(other.id > session.id and is_one_place(session, other) for other in there)


def _verdict(session: Session) -> tuple[str, str]:
    grounds = session.grounds
    return (grounds.tenant, grounds.key) if isinstance(grounds, Grounds) else ("", "")


def _open_and_aged(store: SessionStore, wanted: Filter) -> list[Session]:
    return [*_all(store, replace(wanted, open=True)), *_all(store, replace(wanted, phase=Phase.AGED))]


def _all(store: SessionStore, wanted: Filter) -> list[Session]:
    found: list[Session] = []
    while True:
        page = store.find(wanted, _PAGE, found[-1].id if found else 0)
        found += page
        if len(page) < _PAGE:
            return found
