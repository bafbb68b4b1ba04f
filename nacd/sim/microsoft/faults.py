"""How the simulated Microsoft can go wrong: a list of faults, each for one service, some for a few requests only.

Knows: the kinds of trouble, their parameters, and which request they hit. Refuses to know: how
trouble looks on the wire (``port``, ``answers``).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

SERVICES = ("login", "graph", "compliance")

SERVICE_KINDS = {
    "login": ("openid", "token"),
    "graph": ("discovery", "graph_device", "graph_list", "member_groups", "action"),
    "compliance": ("mdminfo", "guid", "mac", "bulk"),
}
SINGLE = ("guid", "mac")
ONLY = ("single", *(kind for kinds in SERVICE_KINDS.values() for kind in kinds))

JSON_VARIANTS = ("html", "truncated", "bom", "huge", "empty", "list", "text_type")
"""Those that spoil JSON too, and so every service."""

VARIANTS = (
    *JSON_VARIANTS[:-2],
    "doctype",
    "guid_mismatch",
    "nil_status",
    "nil_register",
    "nil_list",
    "empty_list",
    "no_list",
    "no_status",
    "no_register",
    "odd_status",
    "digits",
    "not_registered",
    "lower_case",
    "capitals",
    "no_namespace",
    "prefixed",
    "unknown_elements",
    "two_devices",
    "two_agree",
    "json",
    "spaced",
    "text_type",
)

KINDS: Mapping[str, str] = {
    "outage": "`mode`: reset (connection cut), reset_after (cut, but the request was carried out), refused (nothing"
    " listens), silent (no TLS handshake), 503 or 500",
    "status": "`code`: answer with this HTTP status, for instance 401, 403, 404, in an `envelope`",
    "throttle": "429 with `retry_after` in `seconds`, as a `date`, `garbage` or `none`",
    "latency": "wait `ms` before the answer",
    "drip": "send the answer octet by octet, `ms` apart",
    "redirect": "302 (or `code`) to `location`",
    "token": "refuse tokens with AADSTS`code`",
    "body": f"`variant`: {', '.join(VARIANTS)}; for JSON services: {', '.join(JSON_VARIANTS)}",
    "busy": "put `server_busy_wait_seconds` = `seconds` into the answer",
}

OUTAGES = ("reset", "reset_after", "refused", "silent", "503", "500")
WHOLE_PORT = ("refused", "silent")
RETRY_AFTER = ("seconds", "date", "garbage", "none")
ENVELOPES = ("usual", "intune", "nested", "plain", "html", "empty")
_REDIRECTS = (0, 301, 302, 303, 307, 308)
_NO_SUCH_TENANT = (90002, 900021, 900023)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault, and whom it hits.

    service: ``""`` = the usual one of its kind, ``all`` = every one. only: one kind of question, as the
    history calls it, or ``single`` for guid and mac. value: only questions about this GUID or MAC.
    after: requests that it would hit and lets pass first. times: requests it hits before it is gone, 0 = until
    cleared. envelope: the error body of a status: Intune's own, ``nested`` as text in Graph's, ``plain`` Graph's.
    seconds: may be below 0, for a date in the past.
    """

    kind: str
    service: str = ""
    only: str = ""
    value: str = ""
    after: int = 0
    times: int = 0
    mode: str = "reset"
    code: int = 0
    envelope: str = "usual"
    retry_after: str = "seconds"
    seconds: int = 30
    ms: int = 0
    location: str = "https://elsewhere.example.test/"
    variant: str = "html"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault `{self.kind}`; known are {', '.join(KINDS)}")
        _one_of("only", self.only, ("", *ONLY))
        if not self.service:
            object.__setattr__(self, "service", _service_of(self.only) or _USUAL.get(self.kind, "compliance"))
        if self.kind == "token" and not self.only and self.code not in _NO_SUCH_TENANT:
            # an unknown tenant has no openid-configuration either; all else is found out when the token is asked for
            object.__setattr__(self, "only", "token")
        _one_of("service", self.service, (*SERVICES, "all"))
        _one_of("mode", self.mode, OUTAGES)
        _one_of("retry_after", self.retry_after, RETRY_AFTER)
        _one_of("variant", self.variant, (*VARIANTS, "list") if self.service == "compliance" else JSON_VARIANTS)
        _one_of("envelope", self.envelope, ENVELOPES)
        for name in ("times", "after", "code", "seconds", "ms"):
            if isinstance(getattr(self, name), bool) or not isinstance(getattr(self, name), int):
                raise TypeError(f"`{name}` is a whole number")
        self._check_parameters()

    def _check_parameters(self) -> None:
        if self.only and self.service != "all" and _service_of(self.only) != self.service:
            raise ValueError(f"`{self.only}` is no question to {self.service}")
        if self.kind == "status" and not 400 <= self.code <= 599:
            raise ValueError("a status fault wants `code` between 400 and 599")
        if self.kind == "redirect" and self.code not in _REDIRECTS:
            raise ValueError("a redirect fault wants `code` 301, 302, 303, 307 or 308")
        if self.kind in ("latency", "drip") and self.ms <= 0:
            raise ValueError(f"a {self.kind} fault wants `ms` above 0")
        partial = self.service != "all" or self.times or self.after or self.only or self.value
        if self.kind == "outage" and self.mode in WHOLE_PORT and partial:
            raise ValueError(f"an outage by `{self.mode}` closes the port: it is for all services and until cleared")

    def __str__(self) -> str:
        said = {"outage": self.mode, "status": str(self.code), "throttle": self.retry_after, "body": self.variant}
        more = said.get(self.kind) or {"latency": f"{self.ms} ms", "drip": f"{self.ms} ms"}.get(self.kind, "")
        return f"{self.kind} {more}".strip()

    def hits(self, service: str, value: str, kind: str) -> bool:
        """Whether this question is one of those it is for."""
        if self.service not in (service, "all") or (self.value and self.value.lower() != value.lower()):
            return False
        return not self.only or kind == self.only or (self.only == "single" and kind in SINGLE)


_USUAL = {"outage": "all", "token": "login"}


def _service_of(only: str) -> str:
    asked = "guid" if only == "single" else only
    return next((service for service, kinds in SERVICE_KINDS.items() if asked in kinds), "")


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

    def is_on(self, mode: str) -> bool:
        """Whether an outage of this mode is on."""
        with self._lock:
            return any(fault.kind == "outage" and fault.mode == mode for fault in self._faults)

    def take(self, service: str, value: str, kind: str = "") -> list[Fault]:
        """The faults that hit this request; those counted are counted down."""
        hit: list[Fault] = []
        with self._lock:
            kept: list[Fault] = []
            for fault in self._faults:
                if not fault.hits(service, value, kind):
                    kept.append(fault)
                elif fault.after:
                    kept.append(replace(fault, after=fault.after - 1))
                else:
                    hit.append(fault)
                    if fault.times != 1:
                        kept.append(replace(fault, times=max(0, fault.times - 1)))
            self._faults = kept
        return hit


def _one_of(name: str, word: object, words: tuple[str, ...]) -> None:
    if word not in words:
        raise ValueError(f"`{name}` is one of {', '.join(words)}, not `{word}`")
