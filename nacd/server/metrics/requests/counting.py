"""What is counted of each request, by whoever answers it: whole numbers in lists, and nothing else.

Knows: where each number is kept, and that all of it together may cost a microsecond a request. Refuses to know:
Prometheus, and whoever asks. A number belongs to a cell, and the cells are as many as the configuration has groups (or
NASes): nothing that a packet says makes a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol

from nacd.overload.queue import Lane
from nacd.radius.packet import EAP_MESSAGE, Code, Packet
from nacd.server.metrics.requests.histogram import LONG, SHORT, Histogram
from nacd.server.metrics.requests.leaving import Leaving
from nacd.server.metrics.requests.words import (
    CHALLENGE,
    EAP_FAILED,
    HELD_BACK,
    KINDS,
    NONE,
    OF_EVENT,
    OUTCOMES,
    PROBE,
    REJECT,
    UNKNOWN,
)
from nacd.values import AuditEvent, Nas

MOST_NASES: Final = 1_000
"""So many NASes have a cell of their own, if they are to have one; those that come later share one."""
NO_GROUP: Final = "(none)"
OTHERS: Final = "(others)"

GroupOf = Callable[[Nas], str]


class Waits(Protocol):
    """The queue of requests."""

    @property
    def octets(self) -> int: ...
    @property
    def depths(self) -> Mapping[str, int]: ...


class Leaves(Protocol):
    """The outbox."""

    counts: Leaving

    def __len__(self) -> int: ...
    @property
    def unstored(self) -> int: ...
    @property
    def kept(self) -> int: ...


class Cell:
    """Numbers of one group's NASes, or of one NAS. answers: by access kind, in the order of ``OUTCOMES``.

    nas: its name if it is one, else ``""``. failures: EAP, by code.
    """

    __slots__ = ("accounted", "answers", "failures", "group", "nas", "unknown")

    def __init__(self, group: str, nas: str = "") -> None:
        self.group: Final = group
        self.nas: Final = nas
        self.answers: Final[dict[str, list[int]]] = {kind: [0] * len(OUTCOMES) for kind in KINDS}
        self.unknown: Final = self.answers[UNKNOWN]
        self.failures: Final[dict[str, int]] = {}
        self.accounted = 0

    def add(self, other: Cell) -> None:
        """What another one has counted, too."""
        for kind, answers in other.answers.items():
            mine = self.answers[kind]
            for number, count in enumerate(answers):
                if count:
                    mine[number] += count
        for code, count in other.failures.items():
            self.failures[code] = self.failures.get(code, 0) + count
        self.accounted += other.accounted


class Counting:
    """For one event loop. group_of: under whose name a NAS is counted, asked once for each; ``""`` for none.

    waits, leaves: what waits to be worked on, and to leave, for whoever reads all of this.
    per_nas: a cell for each NAS, for a thousand of them at most, instead of one for each group.
    """

    def __init__(self, group_of: GroupOf, waits: Waits, leaves: Leaves, *, per_nas: bool = False) -> None:
        self.waits: Final = waits
        self.leaves: Final = leaves
        self._group_of = group_of
        self._per_nas = per_nas
        self._known: dict[str, tuple[Nas, Cell]] = {}
        self._cells: dict[tuple[str, str], Cell] = {}
        self._named: set[str] = set()
        self.resent = 0
        """Answers that were sent again, out of memory."""
        self.status = 0
        """Status-Server that was answered."""
        self.bugs = 0
        """Errors of nacd itself in the path of requests."""
        self.queue: Final = Histogram(LONG)
        self.eap: Final = Histogram(SHORT)
        self.policy: Final = Histogram(SHORT)
        self.lookup: Final = Histogram(LONG)

    @property
    def cells(self) -> Iterable[Cell]:
        """All of them."""
        return self._cells.values()

    def know(self, nas: Nas) -> None:
        """Have numbers of this one, be they 0."""
        self._cell(nas)

    def answered(self, nas: Nas, event: AuditEvent) -> None:
        """A final answer, with its record."""
        known = self._known.get(nas.name)
        cell = known[1] if known is not None and known[0] is nas else self._cell(nas)
        kind: Any = event.fields.get("access")
        answers = cell.answers.get(kind, cell.unknown)
        answers[OF_EVENT.get(event.code, REJECT)] += 1
        if event.code == EAP_FAILED:
            _failed(cell, event.fields)

    def answered_unrecorded(self, nas: Nas, event: AuditEvent, octets: bytes, *, as_decided: bool) -> None:
        """An answer whose record was lost. octets: what leaves in its place, ``b""`` for silence. as_decided: it leaves
        as it was decided; otherwise it is a Reject, whatever the record would have said."""
        if as_decided:
            self.answered(nas, event)
        elif octets:
            cell = self._cell(nas)
            cell.answers.get(str(event.fields.get("access")), cell.unknown)[REJECT] += 1
        else:
            self.silent(nas)

    def sent(self, nas: Nas, asked: int, answer: int) -> None:
        """What leaves no record. asked, answer: RADIUS codes of the request and of what is sent."""
        if asked == Code.STATUS_SERVER:
            self.status += 1
            return
        known = self._known.get(nas.name)
        cell = known[1] if known is not None and known[0] is nas else self._cell(nas)
        cell.unknown[CHALLENGE if answer == Code.ACCESS_CHALLENGE else PROBE] += 1

    def worked(self, lane: Lane, packet: Packet, took_s: float) -> None:
        """How long one Access-Request kept the event loop from the next."""
        if lane is not Lane.SHORT:
            (self.eap if EAP_MESSAGE in packet.types else self.policy).observe(took_s)

    def held_back(self, nas: Nas) -> None:
        """A refusal from memory."""
        self._cell(nas).unknown[HELD_BACK] += 1

    def silent(self, nas: Nas) -> None:
        """A verified Access-Request that gets no answer."""
        self._cell(nas).unknown[NONE] += 1

    def accounted(self, nas: Nas) -> None:
        """Accounting that was answered."""
        known = self._known.get(nas.name)
        cell = known[1] if known is not None and known[0] is nas else self._cell(nas)
        cell.accounted += 1

    def went_away(self, gone: Iterable[AuditEvent]) -> None:
        """The peers of EAP conversations fell silent. gone: their records; each has been challenged before."""
        for event in gone:
            nas = event.fields.get("nas")
            known = self._known.get(str(nas.get("name", ""))) if isinstance(nas, dict) else None
            if known is not None:
                _failed(known[1], event.fields)

    def _cell(self, nas: Nas) -> Cell:
        """Found by the name, and looked for anew when a reload has made another NAS of it."""
        known = self._known.get(nas.name)
        if known is not None and known[0] is nas:
            return known[1]
        group = self._group_of(nas) or NO_GROUP
        name = self._own(nas.name) if self._per_nas else ""
        cell = self._cells.get((group, name))
        if cell is None:
            cell = self._cells[group, name] = Cell(group, name)
        self._known[nas.name] = (nas, cell)
        return cell

    def _own(self, name: str) -> str:
        if name not in self._named and len(self._named) >= MOST_NASES:
            return OTHERS
        self._named.add(name)
        return name


def _failed(cell: Cell, fields: Mapping[str, object]) -> None:
    eap = fields.get("eap")
    code = str(eap.get("failure", "")) if isinstance(eap, dict) else ""
    cell.failures[code] = cell.failures.get(code, 0) + 1
