"""Who bears the same User-Name at one NAS, where NASes are asked by it.

Knows: the names of sessions that may be up, in memory. Refuses to know: what is asked of whom.

A User-Name is what the endpoint says of itself (RFC 3748 section 5.1): whoever calls himself by another's name must not
have that other one disconnected in his place. One device, and one user whose name was proved, may be there twice: a NAS
that ends both ends no stranger's. An aged session may still be up, so it counts. While it is not known yet who is there
(after a reload), everybody may have a namesake.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final, TypeAlias

from nacd.sessions import Change, Grounds, Phase, Session
from nacd.store.live.filters import Filter
from nacd.store.live.outcome import Applied
from nacd.store.sessions import SessionStore
from nacd.values import Device, IdentitySource

Read: TypeAlias = Callable[[Callable[[SessionStore], Sequence[Session]]], Awaitable[Sequence[Session]]]
_Name: TypeAlias = tuple[str, str, str]
_Owners: TypeAlias = tuple[str, str]
_NOBODY: Final[_Owners] = ("", "")
_MOST: Final = 500_000
_PAGE: Final = 500


class Namesakes:
    """For the event loop. nases: ``Targets.asked_by_name``. At most half a million sessions, the oldest go first."""

    def __init__(self, nases: Mapping[str, str]) -> None:
        self._nases = nases
        self._by_name: dict[_Name, dict[int, _Owners]] = {}
        self._names: dict[int, _Name] = {}
        self._unknown: frozenset[str] = frozenset()

    def renew(self, nases: Mapping[str, str]) -> None:
        """Other NASes are asked by it from now on; ``resume`` learns the sessions that are there."""
        if nases != self._nases:
            self._nases, self._unknown = nases, frozenset(nases)
            self._by_name.clear()
            self._names.clear()

    def applied(self, change: Change, applied: Applied) -> None:
        """A change is on the disk (a listener of the book)."""
        del change
        for id in applied.ended:
            self._leaves(id)
        if isinstance(applied.session, Session):
            self._take(applied.session)

    async def resume(self, read: Read) -> None:
        """Learn the sessions that were there before a restart, or a reload."""
        nases = self._nases
        for nas in nases:
            for wanted in (Filter(nas=nas, open=True), Filter(nas=nas, phase=Phase.AGED)):
                after = 0
                while page := await read(partial(SessionStore.find, wanted=wanted, limit=_PAGE, after=after)):
                    after = page[-1].id
                    for session in page:
                        if session.id not in self._names:
                            self._take(session)
            if nases is not self._nases:
                return  # whoever has renewed it meanwhile learns them
            self._unknown -= {nas}

    def has(self, session: Session) -> bool:
        """Whether another session there has its name, and is not known to be its device's or its user's."""
        name = self._name(session)
        if name is not None and session.place.nas in self._unknown:
            return True
        here = self._by_name.get(name, {}) if name else {}
        device, user = _owners(session)
        return any(
            id != session.id and not (device and device == other[0]) and not (user and user == other[1])
            for id, other in here.items()
        )

    def _name(self, session: Session) -> _Name | None:
        place, user = session.place, session.names.user_name
        address = self._nases.get(place.nas)
        # Gateways compare the names of mails and hosts without case.
        return (place.nas, address or place.source, user.casefold()) if address is not None and user else None

    def _take(self, session: Session) -> None:
        name = self._name(session)
        if session.phase is Phase.ENDED or name is None:
            self._leaves(session.id)
            return
        if self._names.get(session.id) != name:
            self._leaves(session.id)
            self._names[session.id] = name
            if len(self._names) > _MOST:
                self._leaves(next(iter(self._names)))
        self._by_name.setdefault(name, {})[session.id] = _owners(session)

    def _leaves(self, id: int) -> None:
        name = self._names.pop(id, None)
        if name is None:
            return
        del self._by_name[name][id]
        if not self._by_name[name]:
            del self._by_name[name]


def _owners(session: Session) -> _Owners:
    """Its device and its user, ``""`` for one that nobody has proved."""
    grounds = session.grounds
    if not isinstance(grounds, Grounds):
        return _NOBODY
    identity, device = grounds.identity, ""
    if isinstance(identity, Device) and identity.source is IdentitySource.CERTIFICATE:
        device = f"{grounds.tenant} {identity.id}"
    return device, grounds.user.casefold()
