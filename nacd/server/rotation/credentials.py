"""What becomes of the credentials by which nacd's apps prove themselves to Microsoft: set, refused, taken again.

Knows: how things stood when this was looked at last. Refuses to know: how a credential is used (``intune``), when it
ends (``due``) and who is told.

A credential is told of as taken when that is news: it is new, or one of the tenant's two was refused since.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from nacd.audit.rotation import events
from nacd.audit.rotation.events import App
from nacd.intune.credentials import CredentialStatus
from nacd.intune.options import Credential
from nacd.values import AuditEvent, Instant

WHICH: Final = ("credential", "next_credential")
"""The two places, as the configuration names them."""


class _Known:
    __slots__ = ("awaited", "given", "refused", "shown")

    def __init__(self, given: Credential, shown: App, *, awaited: bool) -> None:
        self.given = given
        self.shown = shown
        self.awaited = awaited
        """Whether it is news when it is taken."""
        self.refused = False


class CredentialsSeen:
    """Of all tenants."""

    def __init__(self) -> None:
        self._known: dict[str, dict[int, _Known]] = {}

    def look(
        self, tenant: str, given: Sequence[Credential], stands: Sequence[CredentialStatus], now: Instant
    ) -> Iterator[AuditEvent]:
        """What is new with one tenant. given: as configured, in the order of the file; stands: how each stands."""
        first_look = tenant not in self._known
        known = self._known.setdefault(tenant, {})
        for place, (one, status) in enumerate(zip(given, stands, strict=False)):
            shown = app(tenant, place, status)
            before = known.get(place)
            if before is None or before.given != one:
                moved = next((each for each in known.values() if each.given == one), None)
                known[place] = _Known(one, shown, awaited=not first_look)
                if not first_look:
                    yield events.credential_changed(shown, detail=_how(before, moved), now=now)
        for place in [place for place in known if place >= len(given)]:
            gone = known.pop(place)
            if all(each.given != gone.given for each in known.values()):
                yield events.credential_changed(gone.shown, detail="was taken away", now=now)
        yield from self._heard(tenant, known, stands, now)

    def _heard(
        self, tenant: str, known: dict[int, _Known], stands: Sequence[CredentialStatus], now: Instant
    ) -> Iterator[AuditEvent]:
        """What the login service has said since. Refusals first: what is taken is taken in their place."""
        for place, each in known.items():
            refused = stands[place].refused
            if refused and not each.refused:
                for other in known.values():
                    other.awaited = True
                yield events.credential_refused(app(tenant, place, stands[place]), detail=refused, now=now)
            each.refused = bool(refused)
        for place, each in known.items():
            if stands[place].in_use and not each.refused and each.awaited:
                each.awaited = False
                yield events.credential_accepted(app(tenant, place, stands[place]), now=now)


def app(tenant: str, place: int, status: CredentialStatus) -> App:
    """For its records."""
    return App(tenant=tenant, which=WHICH[place], kind=status.kind, not_after=status.expires_at)


def _how(before: _Known | None, moved: _Known | None) -> str:
    if moved is not None:
        return f"is what was `{moved.shown.which}`"
    return "was added" if before is None else "took the place of the one before"
