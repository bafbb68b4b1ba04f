"""Whether a full file may be deleted, by what the daemon sees for itself.

Knows: the folder of the trail and the settings in force. Refuses to know: how a file goes, and the trail's record
of it.

The keeper talks to machines elsewhere, and the record that a file is deleted excuses its loss for ever: so nothing in
it is there because the keeper says so, but for the number and the link of the file's last record. The number is held
against what follows, the link only against its form.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nacd.config.sections.audit.limits import duration_in_words, size_in_words
from nacd.config.sections.audit.trail import Audit
from nacd.server.keeper.words import Retire
from nacd.store.full_files.ageing import Ageing
from nacd.store.full_files.folder import Folder, Full
from nacd.store.full_files.retention import Keep
from nacd.store.trail.names import told_by_name
from nacd.store.trail.reading import Unreadable, alone
from nacd.values import Instant

_LINK: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """refused: why it may not go, in words, ``""`` if it may. why: by which setting it goes."""

    refused: str = ""
    why: str = ""


class Judging:
    """For one trail, from the daemon's start on."""

    def __init__(self, live: Path, audit: Callable[[], Audit], now: Instant) -> None:
        """live: the audit file. audit: the section in force."""
        self._live = live
        self._audit = audit
        self._ageing = Ageing(now.wall, now.monotonic)

    def look(self, now: Instant) -> None:
        """Now and then: whether the clock jumped."""
        self._ageing.look(now.wall, now.monotonic)

    def judge(self, wanted: Retire, now: Instant) -> Judged:
        """Of this wish. It lists the folder: not for the event loop."""
        told = told_by_name(self._live, wanted.file)
        if told is None or wanted.file.endswith(".gz") or told[1] != wanted.first_seq or "/" in wanted.file:
            return Judged(refused="it is no full file of this trail")
        if wanted.last_seq < wanted.first_seq or not _LINK.fullmatch(wanted.last_link):
            return Judged(refused="its last record is not told")
        try:
            return self._seen(wanted, now)
        except OSError as error:
            return Judged(refused=f"`{self._live.parent}` cannot be read: {(error.strerror or 'error').lower()}")

    def _seen(self, wanted: Retire, now: Instant) -> Judged:
        folder = Folder(self._live, lock=False)
        try:
            found = folder.look()
            place = next((number for number, each in enumerate(found.full) if each.name == wanted.file), None)
            if place is None:
                return Judged(refused="it is not there")
            if refused := self._out_of_order(wanted, found.full[place + 1 :]):
                return Judged(refused=refused)
            due = self._ageing.due(folder, found, _keep(self._audit()), now.wall, now.monotonic)
            why = next((each.why for each in due if each.full.name == wanted.file), "")
            held = self._ageing.look(now.wall, now.monotonic)
        finally:
            folder.close()
        return Judged(why=why) if why else Judged(refused=held or "`audit.keep` does not let it go yet")

    def _out_of_order(self, wanted: Retire, later: tuple[Full, ...]) -> str:
        """Whether its last number is none that can be in it, in words."""
        if not later:
            return "the newest full file stays"
        following = [later[0].first_seq]
        try:
            following += [number for number in [alone(self._live).first_seq] if number]
        except (OSError, Unreadable):
            return "the live file cannot be read"
        if wanted.last_seq >= min(following):
            return f"its last record, {wanted.last_seq}, is not before record {min(following)} of what follows it"
        return ""


def _keep(audit: Audit) -> Keep:
    age, octets = audit.keep.age, audit.keep.size
    return Keep(
        age_s=None if age is None else age.total_seconds(),
        octets=octets,
        age_words=duration_in_words(age),
        octets_words=size_in_words(octets),
    )
