"""What the simulated Microsoft knows: devices and their past, registered apps, the bulk quota, what it was asked.

Knows: how a tenant looks to Compliance Retrieval and Graph, and what was true of a device at any time: an
independent judge may ask. Refuses to know: HTTP, XML, and faults. One lock guards it all; every answer
is a copy, so that server threads and the management door never see half a change.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from nacd.sim.microsoft.scene import (
    CLIENT_ID,
    CLIENT_SECRET,
    TENANT,
    App,
    Past,
    Seen,
    SimDevice,
    Tuning,
    as_json,
    canonical_guid,
    canonical_mac,
    checked,
)

__all__ = [
    "CLIENT_ID",
    "CLIENT_SECRET",
    "HISTORY_LENGTH",
    "PAST_LENGTH",
    "TENANT",
    "App",
    "Past",
    "Seen",
    "SimDevice",
    "TenantState",
    "Tuning",
    "as_json",
    "canonical_guid",
    "canonical_mac",
]

HISTORY_LENGTH = 20_000
PAST_LENGTH = 1_000
"""Changes that are remembered of one device; the oldest of more are forgotten."""

_GONE_LENGTH = 100_000
_TOLD = ("compliant", "registered", "graph_state")


class TenantState:
    """Everything that ``reset`` forgets. ``clock`` gives seconds since the epoch."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._apps: dict[str, App] = {}
        self._number = 0
        self._forget()

    def _forget(self) -> None:
        self._tuning = Tuning()
        self._devices: dict[str, SimDevice] = {}
        self._by_mac: dict[str, dict[str, None]] = {}
        self._past: dict[str, list[Past]] = {}
        self._gone: deque[str] = deque()
        self._coming: list[tuple[float, str, Mapping[str, Any] | None]] = []
        self._history: deque[Seen] = deque(maxlen=HISTORY_LENGTH)
        self._counts: Counter[tuple[str, int]] = Counter()
        self._bulk_opened_at: float | None = None

    def now(self) -> float:
        """Seconds since the epoch, on the simulator's own clock: the one that was given, and the tuned offset."""
        return self._clock() + self.tuning.clock_offset_s

    def wall(self) -> float:
        """Seconds since the epoch on the clock that was given, whatever was tuned."""
        return self._clock()

    # -- devices

    def put_device(self, **values: object) -> SimDevice:
        """Enrol a device or change one: only the values given are changed. Raises ValueError, TypeError."""
        guid = canonical_guid(str(values.pop("guid", "")))
        good = checked(values, SimDevice)
        for name in {"macs", "wired_macs"} & set(good):
            good[name] = tuple(canonical_mac(str(mac)) for mac in good[name])
        with self._lock:
            self._settle()
            return self._put(guid, good, self._clock())

    def _put(self, guid: str, values: Mapping[str, Any], at: float) -> SimDevice:
        known = self._devices.get(guid)
        device = replace(known or SimDevice(guid=guid, last_sync_s=self.now()), **values)
        self._unlist(known)
        self._devices[guid] = device
        for mac in device.macs:
            self._by_mac.setdefault(mac, {})[guid] = None
        if known is None or any(getattr(known, name) != getattr(device, name) for name in _TOLD):
            self._remember(device, at, enrolled=True)
        return device

    def remove_device(self, guid: str) -> bool:
        """Retire a device; False when it was not there."""
        with self._lock:
            self._settle()
            return self._remove(canonical_guid(guid), self._clock())

    def _remove(self, guid: str, at: float) -> bool:
        device = self._devices.pop(guid, None)
        if device is None:
            return False
        self._unlist(device)
        self._remember(device, at, enrolled=False)
        self._gone.append(guid)
        if len(self._gone) > _GONE_LENGTH and (oldest := self._gone.popleft()) not in self._devices:
            self._past.pop(oldest, None)
        return True

    def _unlist(self, device: SimDevice | None) -> None:
        for mac in device.macs if device else ():
            self._by_mac[mac].pop(device.guid, None)  # type: ignore[union-attr]
            if not self._by_mac[mac]:
                del self._by_mac[mac]

    def _remember(self, device: SimDevice, at: float, *, enrolled: bool) -> None:
        past = self._past.setdefault(device.guid, [])
        told = Past(
            at=at,
            enrolled=enrolled,
            compliant=device.compliant,
            registered=device.registered,
            graph_state=device.compliance_state,
        )
        past.append(told)
        if len(past) > PAST_LENGTH:
            del past[0]

    def device(self, guid: str) -> SimDevice | None:
        """The device with this GUID in any case."""
        with self._lock:
            self._settle()
            return self._devices.get(guid.lower())

    def devices_with_mac(self, mac: str) -> list[SimDevice]:
        """Every device that ever showed this MAC: a dock or a reinstalled laptop makes two."""
        with self._lock:
            self._settle()
            return [self._devices[guid] for guid in self._by_mac.get(mac.upper(), ())]

    def devices(self) -> list[SimDevice]:
        """All of them, in the order they were enrolled."""
        with self._lock:
            self._settle()
            return list(self._devices.values())

    def past(self, guid: str) -> list[Past]:
        """What was true of a device, oldest first; also of one that is gone. Empty for one never seen."""
        with self._lock:
            self._settle()
            return list(self._past.get(canonical_guid(guid), ()))

    def at_time(self, guid: str, at: float) -> Past | None:
        """What was true at ``at`` (machine's clock); None before it was enrolled, or before what is remembered."""
        past = self.past(guid)
        found = bisect_right(past, at, key=lambda one: one.at)
        return past[found - 1] if found else None

    def plan(self, delay_s: float, guid: str, changes: Mapping[str, Any] | None) -> None:
        """Change a device ``delay_s`` from now, or remove it (None). 0 is at once."""
        with self._lock:
            self._coming.append((self.now() + delay_s, guid, changes))
            self._settle()

    def _settle(self) -> None:
        """Carry out what has come due, so that no timer is needed: whoever looks sees it done, at its own time."""
        if not self._coming:
            return
        now, offset = self.now(), self._tuning.clock_offset_s
        due = sorted((one for one in self._coming if one[0] <= now), key=lambda one: one[0])
        self._coming = [one for one in self._coming if one[0] > now]
        for at, guid, changes in due:
            if changes is None:
                self._remove(guid, at - offset)
            elif guid in self._devices:
                self._put(guid, changes, at - offset)

    # -- apps and tuning

    def register_app(self, app: App) -> None:
        """Add an app registration, or replace the one with the same client id."""
        with self._lock:
            self._apps[app.client_id.lower()] = app

    def change_app(self, client_id: str, **values: object) -> App:
        """Register an app or change some of its fields. Raises ValueError, TypeError."""
        good = checked(values, App)
        if "certificates" in good:
            good["certificates"] = tuple(
                one.encode() if isinstance(one, str) else bytes(one) for one in good["certificates"]
            )
        with self._lock:
            app = self._apps.get(client_id.lower(), App(client_id=client_id))
            self._apps[client_id.lower()] = changed = replace(app, **good)
            return changed

    def app(self, client_id: str) -> App | None:
        """The registration with this client id."""
        with self._lock:
            return self._apps.get(client_id.lower())

    def apps(self) -> list[App]:
        """All registrations, in the order they were made."""
        with self._lock:
            return list(self._apps.values())

    @property
    def tuning(self) -> Tuning:
        """The knobs as they stand."""
        with self._lock:
            return self._tuning

    def tune(self, **values: object) -> Tuning:
        """Turn knobs. Raises ValueError for an unknown one or no choice, TypeError for a value of another type."""
        good = checked(values, Tuning)
        with self._lock:
            self._tuning = replace(self._tuning, **good)
            return self._tuning

    # -- quota and history

    def admit_bulk(self) -> bool:
        """Take one bulk question against the quota; False means 503. Later pages of a run do not count."""
        with self._lock:
            now = self.now()
            opened = self._bulk_opened_at
            if opened is None or now >= opened + self._tuning.bulk_window_s:
                self._bulk_opened_at = now
                return True
            return now < opened + self._tuning.bulk_free_s

    def forget_bulk_window(self) -> None:
        """The next bulk question opens a new window."""
        with self._lock:
            self._bulk_opened_at = None

    def note(self, seen: Seen) -> None:
        """Remember a request under the next number; the oldest of more than HISTORY_LENGTH is forgotten."""
        with self._lock:
            self._number += 1
            self._history.append(replace(seen, number=self._number))
            self._counts[seen.kind, seen.status] += 1

    def history(self, kind: str = "", after: int = 0) -> list[Seen]:
        """Requests in the order they came, all or of one kind, numbered above ``after``."""
        with self._lock:
            fresh = min(self._number - after, len(self._history))
            later = list(islice(self._history, len(self._history) - max(fresh, 0), None))
        return [seen for seen in later if not kind or seen.kind == kind]

    def counts(self) -> dict[str, dict[str, int]]:
        """How many requests came since the history was emptied: kind -> HTTP status (``0`` = cut) -> number."""
        counted: dict[str, dict[str, int]] = {}
        with self._lock:
            for (kind, status), number in sorted(self._counts.items()):
                counted.setdefault(kind, {})[str(status)] = number
        return counted

    def forget_history(self) -> None:
        """Empty the history; nothing else changes."""
        with self._lock:
            self._history.clear()
            self._counts.clear()

    def reset(self) -> None:
        """Back to an empty tenant. App registrations stay: without them nothing could be asked at all."""
        with self._lock:
            self._forget()
