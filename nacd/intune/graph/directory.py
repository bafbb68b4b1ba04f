"""The tenant's devices, listed in the background: which Intune ids a Wi-Fi address or an Entra id has.

Knows: when to list all, when only what checked in, when to try again. Refuses to know: verdicts.

Theory. A full listing makes a new index, which replaces the old one when the last page was read; a listing that
fails leaves the old one. Between full listings, what has checked in since ten minutes before the newest check-in
seen is added (Microsoft's clock, so that ours may be wrong). If Graph ignores that filter it answers with
everything, which does no harm but to its load, so the looks then come six times more seldom. Nothing runs while
nobody asks: a question starts what is due. It waits for that, three seconds at most, if the index cannot answer,
and for a look at what checked in also if the index does not have what was asked for: it may have enrolled since.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from nacd.errors import SourceError
from nacd.intune.flight import Flights
from nacd.intune.graph.answers import ManagedDevice
from nacd.intune.graph.asking import Graph
from nacd.intune.graph.index import Ages, DeviceIndex, IndexOptions
from nacd.intune.graph.listing import all_url, pages, since_url

_OVERLAP_S = 600.0
_LONGEST_WAIT_S = 3.0
_LONGEST_RETRY_S = 900.0
_IGNORED_TIMES = 6
_NOT_YET = "the list of devices is not there yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the index tells. ids: Intune ids. doubt: why there may be others, ``""`` when these are all there are.

    age_s: seconds since the last look began; what was not found then says nothing of later.
    """

    ids: tuple[str, ...]
    doubt: str = ""
    age_s: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryStatus:
    """macs, entra_ids: pairs in the index. age_s: since the full listing began, and refreshed_s since the last look;
    both meaningless unless ``there``. problem: why the last listing failed, ``""`` if it did not."""

    there: bool
    macs: int
    entra_ids: int
    age_s: float
    refreshed_s: float
    filter_ignored: bool
    problem: str


@dataclass(slots=True)
class _Kept:
    """An index and its dates. latest: the newest check-in it has seen, seconds since the epoch. odd: rows on the way
    that cannot be read."""

    index: DeviceIndex
    ages: Ages
    latest: float
    odd: int

    def doubt(self, options: IndexOptions, now: float) -> str:
        """Why what is not found may be there all the same, ``""`` if it is not."""
        odd = f"{self.odd} rows of the list of devices cannot be read" if self.odd else ""
        return self.ages.doubt(options, now) or odd


class Directory:
    """Maps addresses and Entra ids to Intune ids. Thread-safe; one listing at a time."""

    def __init__(self, graph: Graph, root: str, flights: Flights, options: IndexOptions) -> None:
        """root: the cloud's Graph, ``https://host``."""
        self._graph = graph
        self._root = root
        self._flights = flights
        self._options = options
        self._lock = threading.Lock()
        self._kept: _Kept | None = None
        self._not_before = 0.0
        self._failures = 0
        self._problem = ""
        self._ignored = False

    def by_mac(self, hex12: str, until: float) -> Known:
        """Who has this Wi-Fi address (12 hex digits); waits a little for a list that is due."""
        return self._find(lambda index: index.by_mac(hex12), until)

    def by_entra(self, guid: str, until: float) -> Known:
        """Who has this Entra id; waits as ``by_mac`` does."""
        return self._find(lambda index: index.by_entra(guid), until)

    def tend(self) -> None:
        """Start in the background what is due."""
        if self._due(time.monotonic()) is not None:
            self._flights.start("devices", self._work)

    def status(self) -> DirectoryStatus:
        """How things stand; no network."""
        now = time.monotonic()
        with self._lock:
            kept = self._kept
            return DirectoryStatus(
                there=kept is not None,
                macs=kept.index.macs if kept else 0,
                entra_ids=kept.index.entra_ids if kept else 0,
                age_s=now - kept.ages.listed_at if kept else 0.0,
                refreshed_s=now - kept.ages.refreshed_at if kept else 0.0,
                filter_ignored=self._ignored,
                problem=self._problem,
            )

    # -- finding ----------------------------------------------------------------------------

    def _find(self, search: Callable[[DeviceIndex], tuple[str, ...]], until: float) -> Known:
        known = self._look(search)
        due = self._due(time.monotonic())
        if known.ids or due is None or not (known.doubt or self._is_short(due)):
            self.tend()
            return known
        why_not = self._graph.paused()
        if not why_not:
            wait_until = min(until, time.monotonic() + _LONGEST_WAIT_S)
            try:
                self._flights.run("devices", self._work, wait_until, "listing devices")
            except SourceError as trouble:
                why_not = trouble.detail
            known = self._look(search)
        return replace(known, doubt=f"{known.doubt} ({why_not})") if known.doubt and why_not else known

    def _is_short(self, due: Callable[[float], None]) -> bool:
        """A look at what checked in, through a filter that Graph heeds; all else reads the whole tenant."""
        with self._lock:
            return due == self._refresh and not self._ignored

    def _look(self, search: Callable[[DeviceIndex], tuple[str, ...]]) -> Known:
        with self._lock:
            if self._kept is None:
                return Known(ids=(), doubt=f"{_NOT_YET}: {self._problem}" if self._problem else _NOT_YET)
            kept, now = self._kept, time.monotonic()
            age_s = now - kept.ages.refreshed_at
            return Known(ids=search(kept.index), doubt=kept.doubt(self._options, now), age_s=age_s)

    # -- listing ----------------------------------------------------------------------------

    def _due(self, now: float) -> Callable[[float], None] | None:
        """What is to be done now; None for nothing."""
        with self._lock:
            if now < self._not_before:
                return None
            kept = self._kept
            if kept is None or now - kept.ages.listed_at >= self._options.listed_again_s:
                return self._list_all
            seldom = _IGNORED_TIMES if self._ignored else 1
            if now - kept.ages.refreshed_at >= self._options.refreshed_again_s * seldom:
                return self._refresh
            return None

    def _work(self) -> None:
        now = time.monotonic()
        due = self._due(now)
        if due is None:
            return  # somebody else's flight landed between our look and our start
        try:
            due(now)
        except SourceError as trouble:
            with self._lock:
                self._problem = trouble.detail
                pause_s = min(_LONGEST_RETRY_S, self._options.retry_s * 2**self._failures)
                self._failures = min(self._failures + 1, 10)
                self._not_before = time.monotonic() + pause_s
            raise
        with self._lock:
            self._problem, self._failures, self._not_before = "", 0, 0.0

    def _list_all(self, now: float) -> None:
        index, began, latest, odd = DeviceIndex(self._options), time.time(), 0.0, 0
        for page in pages(self._root, all_url(self._root), self._graph.get_patiently):
            index.add(page.rows)
            odd += page.odd
            latest = max(latest, *(row.facts.last_sync for row in page.rows), 0.0)
        ages = Ages(listed_at=now, refreshed_at=now)
        with self._lock:
            self._kept = _Kept(index=index, ages=ages, latest=min(latest, began) or began, odd=odd)

    def _refresh(self, now: float) -> None:
        with self._lock:
            kept = self._kept
        if kept is None:
            return
        began, since = time.time(), kept.latest - _OVERLAP_S
        latest, ignored, odd = kept.latest, False, 0
        for page in pages(self._root, since_url(self._root, since), self._graph.get_patiently):
            ignored = ignored or any(_older(row, since) for row in page.rows)
            latest = max(latest, *(row.facts.last_sync for row in page.rows), 0.0)
            odd += page.odd
            with self._lock:
                kept.index.add(page.rows)
        with self._lock:
            kept.ages = Ages(listed_at=kept.ages.listed_at, refreshed_at=now)
            kept.latest, self._ignored = min(latest, began), ignored
            kept.odd = max(kept.odd, odd)  # a look may show the same ones again


def _older(row: ManagedDevice, since: float) -> bool:
    """Whether a row is one that the filter should have kept back. The filter counts whole seconds."""
    return 0.0 < row.facts.last_sync < since - 1.0
