"""Whoever keeps the ledger of Message-Authenticator: what is news goes on record, and all of it to the disk.

Knows: when. Refuses to know: what a signature is worth (``radius``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

from nacd.audit.signing import events
from nacd.radius.clients import Client, MessageAuthenticatorRule
from nacd.radius.ledger import MessageAuthenticatorLedger
from nacd.server.log import logger
from nacd.store import signing_file
from nacd.values import AuditEvent, Instant

_SAVE_S: Final = 300.0
_CLOCK_SET: Final = 1_767_225_600.0
"""2026, seconds since the epoch. No nacd ran before: a machine without a clock of its own begins in 1970, and what was
heard since then is not what was heard for half a century."""
_AGAIN_S: Final = 30.0
"""After one that the disk did not take: what it owes may be what is required of a NAS from now on."""
_SOON_S: Final = 1.0
"""What an address has shown must not be forgotten by a crash, nor what a person has had forgotten come back by one; so
many at once are one write."""


class Recorder(Protocol):
    """Who writes records down, and says things now and then."""

    def take(self, events: Sequence[AuditEvent], now: Instant) -> bool:
        """Write them."""
        ...

    def warn_seldom(self, key: str, text: str, now: Instant, **context: object) -> bool:
        """Say it, but not each time."""
        ...


def recalled(state: Path) -> MessageAuthenticatorLedger:
    """The ledger as it was before the restart."""
    ledger, kept = MessageAuthenticatorLedger(), signing_file.load(state)
    if kept.problem:
        logger("signing").warning(kept.problem)
    ledger.recall(kept.signing, kept.bare, kept.since, kept.everywhere)
    return ledger


class Signing:
    """For one event loop."""

    def __init__(
        self,
        ledger: MessageAuthenticatorLedger,
        state: Path,
        clients: Callable[[], Sequence[Client]],
        recorder: Recorder,
    ) -> None:
        """clients: those of the configuration that counts now."""
        self.ledger = ledger
        self._state = state
        self._clients = clients
        self._recorder = recorder
        self._due = float("inf")
        self._saving: asyncio.Future[None] | None = None

    def tick(self, now: Instant) -> None:
        """Once a second or so."""
        if self.ledger.since and self.ledger.since < _CLOCK_SET <= now.wall:
            self.ledger.since = now.wall
        news = list(self.ledger.news())
        if news:
            auto = {
                client.nas.name
                for client in self._clients()
                if client.message_authenticator is MessageAuthenticatorRule.AUTO
            }
            self._recorder.take(
                [events.signs(nas=each.nas, source=each.source, now=now) for each in news if each.nas in auto], now
            )
        if self.ledger.untold:
            text = f"{self.ledger.untold} addresses have begun to sign without a record: too many at once"
            if self._recorder.warn_seldom("signing news", text, now):
                self.ledger.untold = 0
        soon, self.ledger.forgot = bool(news) or self.ledger.forgot, False
        self._due = min(self._due, now.monotonic + (_SOON_S if soon else _SAVE_S))
        if now.monotonic >= self._due and (self._saving is None or self._saving.done()):
            self._due = float("inf")
            self._save(now)

    def close(self) -> None:
        """Keep what is known."""
        try:
            _save(self._state, self.ledger)
        except OSError as error:
            logger("signing").warning(_lost(self._state, error))

    def _save(self, now: Instant) -> None:
        ledger = self.ledger
        if not ledger.since:
            return  # nobody has come yet
        saving = asyncio.get_running_loop().run_in_executor(None, _save, self._state, ledger)
        self._saving = saving

        def done(_: object) -> None:
            error = None if saving.cancelled() else saving.exception()
            if isinstance(error, OSError):
                self._due = min(self._due, now.monotonic + _AGAIN_S)
                self._recorder.warn_seldom("signing", _lost(self._state, error), now)

        saving.add_done_callback(done)


def _save(state: Path, ledger: MessageAuthenticatorLedger) -> None:
    signing_file.save(state, ledger.signing(), ledger.bare(), ledger.since, ledger.everywhere())


def _lost(state: Path, error: OSError) -> str:
    words = (error.strerror or str(error)).lower()
    return f"who signs cannot be kept in `{state / signing_file.FILE_NAME}`: {words}; a restart will not know it"
