"""A trail as a site leaves it, for searches: each login with the start and the end of its session.

Knows: ids that are new with each session, which is what makes an index large. Refuses to know: what is measured.

The lines are those of `tools.bench.trail`, and accounting records made with nacd's own builders; numbered and chained
as nacd does it, without checkpoints.
"""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Final

from nacd.audit import events
from nacd.audit.blocks import timestamp
from nacd.audit.chain.links import FIRST, chained
from nacd.audit.line import line
from nacd.store.trail.names import full_name
from nacd.values import AccountingRequest, Instant, Nas
from tools.bench.trail.endpoints import AT, templates

FILE_OCTETS: Final = 256 << 20
_SESSIONS: Final = 400
_BEGAN: Final = 1_790_000_000.0
_NO_ID: Final = b'"acct_session_id":""'
_OLD_ID: Final = b'"acct_session_id":"@"'


class Site:
    """Writes sessions into a folder's trail. full: what has been turned over since this was last looked at."""

    def __init__(self, folder: Path, records: int, *, days: float = 60, file_octets: int = FILE_OCTETS) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.live = folder / "audit.jsonl"
        self.octets = 0
        self.full: list[Path] = []
        self._logins = templates()
        self._accounting = [_accounting(number, each) for number, each in enumerate(self._logins)]
        self._chance = random.Random(11)
        self._records = records
        self._apart_s = days * 86_400 / max(1, records)
        self._file_octets = file_octets
        self._at, self._seq, self._link, self._session = _BEGAN, 0, FIRST, 0
        self._file = self.live.open("wb")
        self._began, self._first_seq, self._size = self._at, 1, 0

    def write(self) -> None:
        """Until the live file is full, or all records are written."""
        while self._seq < self._records:
            lines: list[bytes] = []
            for number in self._chance.choices(range(len(self._logins)), k=_SESSIONS):
                lines += self._one(number)
            text, self._seq, self._link = chained(lines, self._seq, self._link)
            self._file.write(text)
            self._size += len(text)
            self.octets += len(text)
            if self._size > self._file_octets:
                self._file.close()
                name = full_name(self.live, self._began, self._first_seq)
                self.full.append(self.live.rename(self.live.parent / name))
                self._file = self.live.open("wb")
                self._began, self._first_seq, self._size = self._at, self._seq + 1, 0
                return
        self._file.close()

    @property
    def done(self) -> int:
        """Records so far."""
        return self._seq

    def _one(self, number: int) -> list[bytes]:
        self._session += 1
        name = b'"acct_session_id":"%08X"' % self._session
        login = self._logins[number].replace(_NO_ID, name, 1)
        lines = [login, *(each.replace(_OLD_ID, name, 1) for each in self._accounting[number])]
        return [each[:25] + self._time() + each[49:] for each in lines]

    def _time(self) -> bytes:
        self._at += self._apart_s
        return timestamp(self._at).encode()


def _accounting(number: int, login: bytes) -> list[bytes]:
    """Start and Stop of an endpoint."""
    where = login.partition(b'"name":"')[2].partition(b'"')[0].decode()
    mac = login.partition(b'"calling_station_id":"')[2].partition(b'"')[0].decode()
    began = AccountingRequest(
        nas=Nas(name=where, vendor="cisco-ios"),
        source="10.20.0.1",
        source_port=1646,
        status_type="Start",
        acct_session_id="@",
        user_name=f"host/pc-{number:05}.contoso.example",
        calling_station_id=mac,
        nas_identifier=where,
        nas_port_id=f"GigabitEthernet1/0/{number % 48 + 1}",
    )
    now = Instant(wall=AT, monotonic=AT)
    both = (began, replace(began, status_type="Stop"))
    return [line(events.accounting(request=each, mac=mac, now=now, session=number + 1)) for each in both]
