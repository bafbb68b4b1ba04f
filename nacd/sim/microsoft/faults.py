"""How the simulated Microsoft can go wrong: a list of faults, each for one service, some for a few requests only.

Knows: the kinds of trouble, their parameters, and which request they hit. Refuses to know: how
trouble looks on the wire (``port``, ``answers``).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

SERVICES = ("login", "graph", "compliance")

VARIANTS = (
    "html",
    "truncated",
    "doctype",
    "guid_mismatch",
    "nil_status",
    "nil_list",
    "no_list",
    "no_status",
    "odd_status",
    "not_registered",
    "bom",
    "lower_case",
    "no_namespace",
    "two_devices",
    "json",
    "huge",
    "empty",
    "spaced",
)

KINDS: Mapping[str, str] = {
    "outage": "`mode`: reset (connection cut), refused (nothing listens), 503 or 500",
    "status": "`code`: answer with this HTTP status, for instance 401, 403, 404",
    "throttle": "429 with `retry_after` in `seconds`, as a `date`, or `none`",
    "latency": "wait `ms` before the answer",
    "drip": "send the answer octet by octet, `ms` apart",
    "redirect": "302 to `location`",
    "token": "refuse tokens with AADSTS`code`",
    "body": f"`variant`: {', '.join(VARIANTS)}",
    "busy": "put `server_busy_wait_seconds` = `seconds` into the answer",
}

OUTAGES = ("reset", "refused", "503", "500")
RETRY_AFTER = ("seconds", "date", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault. times: requests it hits before it is gone, 0 = until cleared. service: ``""`` = the
    usual one of its kind, ``all`` = every one. value: hits only questions about this GUID or MAC."""

    kind: str
    service: str = ""
    times: int = 0
    value: str = ""
    mode: str = "reset"
    code: int = 0
    retry_after: str = "seconds"
    seconds: int = 30
    ms: int = 0
    location: str = "https://elsewhere.example.test/"
    variant: str = "html"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault `{self.kind}`; known are {', '.join(KINDS)}")
        if not self.service:
            object.__setattr__(self, "service", _USUAL.get(self.kind, "compliance"))
        _one_of("service", self.service, (*SERVICES, "all"))
        _one_of("mode", self.mode, OUTAGES)
        _one_of("retry_after", self.retry_after, RETRY_AFTER)
        _one_of("variant", self.variant, VARIANTS)
        for name in ("times", "code", "seconds", "ms"):
            if isinstance(getattr(self, name), bool) or not isinstance(getattr(self, name), int):
                raise TypeError(f"`{name}` is a whole number")
        if self.kind == "status" and not 400 <= self.code <= 599:
            raise ValueError("a status fault wants `code` between 400 and 599")
        if self.kind in ("latency", "drip") and self.ms <= 0:
            raise ValueError(f"a {self.kind} fault wants `ms` above 0")
        if self.kind == "outage" and self.mode == "refused" and (self.service != "all" or self.times):
            raise ValueError("an outage by `refused` closes the port: it is for all services and until cleared")

    def __str__(self) -> str:
        said = {"outage": self.mode, "status": str(self.code), "throttle": self.retry_after, "body": self.variant}
        more = said.get(self.kind) or {"latency": f"{self.ms} ms", "drip": f"{self.ms} ms"}.get(self.kind, "")
        return f"{self.kind} {more}".strip()


_USUAL = {"outage": "all", "token": "login"}


def make_fault(kind: str, **parameters: object) -> Fault:
    """Build a fault from words of a test or of the management door. Raises ValueError and TypeError in words."""
    known = {field.name for field in fields(Fault)}
    for name in parameters:
        if name not in known:
            raise ValueError(f"unknown parameter `{name}`; known are {', '.join(sorted(known))}")
    if "mode" in parameters:
        parameters["mode"] = str(parameters["mode"])
    return Fault(kind=kind, **parameters)  # type: ignore[arg-type]


class FaultBoard:
    """The faults that are on. Thread-safe; a fault for one request is played exactly once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Switch a fault on, beside those that are on already."""
        with self._lock:
            self._faults.append(fault)

    def clear(self, kind: str = "") -> None:
        """Switch off all faults, or all of one kind."""
        with self._lock:
            self._faults = [fault for fault in self._faults if kind and fault.kind != kind]

    def on(self) -> list[Fault]:
        """The faults that are on."""
        with self._lock:
            return list(self._faults)

    def take(self, service: str, value: str) -> list[Fault]:
        """The faults that hit this request; those counted are counted down."""
        hit: list[Fault] = []
        with self._lock:
            kept: list[Fault] = []
            for fault in self._faults:
                if fault.service not in (service, "all") or (fault.value and fault.value.lower() != value.lower()):
                    kept.append(fault)
                    continue
                hit.append(fault)
                if fault.times != 1:
                    kept.append(replace(fault, times=max(0, fault.times - 1)))
            self._faults = kept
        return hit


def _one_of(name: str, word: object, words: tuple[str, ...]) -> None:
    if word not in words:
        raise ValueError(f"`{name}` is one of {', '.join(words)}, not `{word}`")
