"""What the simulated Microsoft knows: devices, registered apps, the bulk quota, and everything it was asked.

Knows: how a tenant looks to Compliance Retrieval and Graph. Refuses to know: HTTP, XML, and faults.
One lock guards it all; every answer is a copy, so that server threads and the management door
never see half a change.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Literal

TENANT = "contoso.onmicrosoft.com"
CLIENT_ID = "00000000-0000-4000-8000-0000000000aa"
CLIENT_SECRET = "simulator-secret"  # noqa: S105 - the password of a toy, printed in its documentation

HISTORY_LENGTH = 10_000

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEX12 = re.compile(r"[0-9A-F]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SimDevice:
    """One enrolled device. macs: 12 hex digits, upper case. graph_state: what Graph says, ``""`` = from compliant.

    registered False: the device is listed with ``register_status`` false. wired_macs: those among
    ``macs`` that Graph shows as Ethernet, and only when one device is asked for.
    """

    guid: str
    macs: tuple[str, ...] = ()
    compliant: bool = True
    registered: bool = True
    name: str = "SIMULATED"
    entra_id: str = "00000000-0000-0000-0000-000000000000"
    graph_state: str = ""
    grace_until: str = "9999-12-31T23:59:59Z"
    wired_macs: tuple[str, ...] = ()
    last_sync_s: float = 0.0

    @property
    def compliance_state(self) -> str:
        """Graph's word for this device."""
        return self.graph_state or ("compliant" if self.compliant else "noncompliant")


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """An app registration. certificates: PEM. roles are what an administrator consented to."""

    client_id: str = CLIENT_ID
    secret: str = field(default=CLIENT_SECRET, repr=False)
    certificates: tuple[bytes, ...] = ()
    intune_roles: tuple[str, ...] = ("get_device_compliance",)
    graph_roles: tuple[str, ...] = ("Application.Read.All", "DeviceManagementManagedDevices.Read.All")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What a real service may vary without being broken. Units are in the names.

    discovery: which rows Graph lists. provider_spelling: the name of the row's name.
    bulk_window_s, bulk_free_s: a window opens with the first bulk question; those in its first
    ``bulk_free_s`` are answered, later ones get 503 until it closes (0 = one question a window).
    mac_element: whether the answer to a MAC question carries a ``macaddress``.
    loop_paging: ``paging_info`` never ends. refresh_in_s 0: the token answer has no ``refresh_in``.
    """

    discovery: Literal["both", "nac_only", "foreign_host", "plain_http", "next_link", "empty"] = "both"
    provider_spelling: Literal["providerName", "serviceName"] = "providerName"
    page_size: int = 100
    loop_paging: bool = False
    bulk_window_s: float = 4 * 3600.0
    bulk_free_s: float = 3600.0
    mac_element: bool = True
    graph_filters_work: bool = True
    token_lifetime_s: int = 3599
    refresh_in_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request that came in. kind: ``openid token discovery mdminfo guid mac bulk graph_device graph_list``
    or ``other``. value: what was asked about. status 0: the connection was cut. fault: what was played."""

    at: float
    service: str
    kind: str
    value: str
    status: int
    fault: str = ""
    user_agent: str = ""
    request_id: str = ""


def canonical_guid(text: str) -> str:
    """Lower case with hyphens. Raises ValueError when it is no GUID."""
    guid = text.strip().strip("{}").lower()
    if not _GUID.fullmatch(guid):
        raise ValueError(f"`{text}` is no GUID")
    return guid


def canonical_mac(text: str) -> str:
    """Twelve hex digits, upper case. Raises ValueError when it is no MAC address."""
    mac = re.sub(r"[-:.\s]", "", text).upper()
    if not _HEX12.fullmatch(mac):
        raise ValueError(f"`{text}` is no MAC address")
    return mac


class TenantState:
    """Everything that ``reset`` forgets. ``clock`` gives seconds since the epoch."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._devices: dict[str, SimDevice] = {}
        self._apps: dict[str, App] = {}
        self._history: deque[Seen] = deque(maxlen=HISTORY_LENGTH)
        self._tuning = Tuning()
        self._bulk_opened_at: float | None = None

    def now(self) -> float:
        """Seconds since the epoch, on the clock that was given."""
        return self._clock()

    # -- devices

    def put_device(self, **values: object) -> SimDevice:
        """Enrol a device or change one: only the values given are changed. Raises ValueError, TypeError."""
        guid = canonical_guid(str(values.pop("guid", "")))
        for name in ("macs", "wired_macs"):
            if name in values:
                macs = values[name]
                if isinstance(macs, str) or not isinstance(macs, (list, tuple)):
                    raise TypeError(f"`{name}` is a list of MAC addresses")
                values[name] = tuple(canonical_mac(str(mac)) for mac in macs)
        for name in ("compliant", "registered"):
            if not isinstance(values.get(name, True), bool):
                raise TypeError(f"`{name}` is true or false")
        _refuse_unknown(values, SimDevice)
        with self._lock:
            known = self._devices.get(guid, SimDevice(guid=guid, last_sync_s=self._clock()))
            self._devices[guid] = device = replace(known, **values)  # type: ignore[arg-type]
        return device

    def remove_device(self, guid: str) -> bool:
        """Retire a device; False when it was not there."""
        with self._lock:
            return self._devices.pop(canonical_guid(guid), None) is not None

    def device(self, guid: str) -> SimDevice | None:
        """The device with this GUID in any case."""
        with self._lock:
            return self._devices.get(guid.lower())

    def devices_with_mac(self, mac: str) -> list[SimDevice]:
        """Every device that ever showed this MAC: a dock or a reinstalled laptop makes two."""
        with self._lock:
            return [device for device in self._devices.values() if mac.upper() in device.macs]

    def devices(self) -> list[SimDevice]:
        """All of them, in the order they were enrolled."""
        with self._lock:
            return list(self._devices.values())

    # -- apps and tuning

    def register_app(self, app: App) -> None:
        """Add an app registration, or replace the one with the same client id."""
        with self._lock:
            self._apps[app.client_id.lower()] = app

    def app(self, client_id: str) -> App | None:
        """The registration with this client id."""
        with self._lock:
            return self._apps.get(client_id.lower())

    @property
    def tuning(self) -> Tuning:
        """The knobs as they stand."""
        with self._lock:
            return self._tuning

    def tune(self, **values: object) -> Tuning:
        """Turn knobs. Raises ValueError for an unknown one or a value of another type."""
        _refuse_unknown(values, Tuning)
        for name, value in values.items():
            default = getattr(Tuning(), name)
            if isinstance(default, bool) != isinstance(value, bool) or not isinstance(value, _like(default)):
                raise ValueError(f"`{name}` wants {'true or false' if isinstance(default, bool) else _say(default)}")
        with self._lock:
            self._tuning = replace(self._tuning, **values)  # type: ignore[arg-type]
            return self._tuning

    # -- quota and history

    def admit_bulk(self) -> bool:
        """Take one bulk question against the quota; False means 503. Later pages of a run do not count."""
        with self._lock:
            now = self._clock()
            opened = self._bulk_opened_at
            if opened is None or now >= opened + self._tuning.bulk_window_s:
                self._bulk_opened_at = now
                return True
            return now < opened + self._tuning.bulk_free_s

    def note(self, seen: Seen) -> None:
        """Remember a request; the oldest of more than ten thousand is forgotten."""
        with self._lock:
            self._history.append(seen)

    def history(self, kind: str = "") -> list[Seen]:
        """Requests in the order they came, all or of one kind."""
        with self._lock:
            return [seen for seen in self._history if not kind or seen.kind == kind]

    def forget_history(self) -> None:
        """Empty the history; nothing else changes."""
        with self._lock:
            self._history.clear()

    def reset(self) -> None:
        """Back to an empty tenant. App registrations stay: without them nothing could be asked at all."""
        with self._lock:
            self._devices.clear()
            self._history.clear()
            self._tuning = Tuning()
            self._bulk_opened_at = None


def as_json(value: SimDevice | Seen | Tuning) -> dict[str, object]:
    """The value as the management door shows it."""
    return asdict(value)


def _refuse_unknown(values: Mapping[str, object], kind: type[SimDevice] | type[Tuning]) -> None:
    known = {field.name for field in fields(kind)}
    for name in values:
        if name not in known:
            raise ValueError(f"unknown key `{name}`; known are {', '.join(sorted(known))}")


def _like(default: object) -> tuple[type, ...]:
    return (int, float) if isinstance(default, float) else (type(default),)


def _say(default: object) -> str:
    return "text" if isinstance(default, str) else "a number"
