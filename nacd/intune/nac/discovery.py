"""Where this tenant's Compliance Retrieval service is: Graph knows, and it can move.

Knows: Graph's endpoint list in both spellings, when to look again, that somebody keeps the address over a restart.
Refuses to know: what is asked there, and who keeps it. An address is believed only if its host is allowed, wherever
it came from.

When to look: a known address is refreshed in the background after a day, and after trouble with it. A look that brings
nothing new, or fails, is not repeated before 5 s, 10 s and so on up to five minutes; a new address, and ten quiet
minutes, begin that row anew, so that a service that moves is found at once. A failed look keeps the old address.
"""

from __future__ import annotations

import threading
import time
from typing import Final, Protocol
from urllib.parse import urljoin

from nacd.errors import SourceError
from nacd.intune.client import HttpAnswer
from nacd.intune.flight import Flights
from nacd.intune.graph.answers import next_link
from nacd.intune.nac.document import UnreadableError, read_json
from nacd.intune.options import IntuneOptions
from nacd.intune.refusals import challenge, error_text
from nacd.intune.token import Bearer

SERVICE = "ComplianceRetrievalService"
PERMISSION = "Application.Read.All"
ROLES: Final = (
    PERMISSION,
    "ServicePrincipalEndpoint.Read.All",
    "Application.ReadWrite.OwnedBy",
    "Application.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
)
"""Any of these lets Graph tell where Intune is; the first is what an operator is told to grant."""
_LOOK_S = 15.0
_FRESH_S = 24 * 3600.0
_PAUSE_S = 300.0
_FIRST_PAUSE_S = 5.0
_QUIET_S = 600.0
_PAGES = 10


class EndpointMemory(Protocol):
    """Where the address outlives a restart. Neither raises: what cannot be kept is found again."""

    def recall(self) -> str:
        """The address kept last, ``""`` if there is none."""

    def keep(self, base: str) -> None:
        """Remember this address instead."""


class Forgetful:
    """Keeps nothing."""

    def recall(self) -> str:
        """Nothing."""
        return ""

    def keep(self, base: str) -> None:
        """Forget it."""


class Discovery:
    """The service's address, without trailing slash; thread-safe, one look at a time."""

    def __init__(
        self, options: IntuneOptions, graph: Bearer, flights: Flights, memory: EndpointMemory | None = None
    ) -> None:
        self._options = options
        self._graph = graph
        self._flights = flights
        self._lock = threading.Lock()
        self._base = options.endpoint.rstrip("/")
        self._fixed = bool(self._base)
        self._fresh_until = 0.0
        self._not_before = 0.0
        self._fruitless = 0
        self._failed = ""
        self._memory = memory or Forgetful()
        if not self._fixed:
            self._base = self._remembered()

    def base(self, until: float) -> str:
        """The address; waits for it until ``until`` (monotonic seconds) if none is known. Raises SourceError."""
        now = time.monotonic()
        with self._lock:
            base, due, failed = self._base, now >= self._fresh_until, self._failed
            allowed = now >= self._not_before
        if self._fixed:
            return base
        if base:
            if due and allowed:
                self._flights.start("discovery", self._look)
            return base
        if not allowed:
            raise SourceError(failed)
        return self._flights.run("discovery", self._look, until, "finding intune's service")

    def known(self) -> str:
        """The address in hand, for reports; ``""`` before it is found."""
        with self._lock:
            return self._base

    def suspect(self) -> None:
        """There was trouble at this address: look again in the background, if that is allowed now."""
        if self._may_look():
            self._flights.start("discovery", self._look)

    def rediscover(self, until: float) -> str:
        """The address after looking again, if that is allowed now; the old one if looking fails or takes too long."""
        if self._may_look():
            try:
                return self._flights.run("discovery", self._look, until, "finding intune's service")
            except SourceError:
                return self.known()  # why is kept and told once no address is left
        return self.known()

    def fresh(self, until: float) -> str:
        """Look now, whatever was tried before (for a live test). Raises SourceError."""
        if self._fixed:
            return self._base
        with self._lock:
            self._not_before = 0.0
        return self._flights.run("discovery", self._look, until, "finding intune's service")

    def _may_look(self) -> bool:
        with self._lock:
            return not self._fixed and time.monotonic() >= self._not_before

    def _look(self) -> str:
        now = time.monotonic()
        with self._lock:
            if now < self._not_before and self._base:
                return self._base  # somebody else's flight landed between our look and our start
        try:
            found = self._ask_graph(now + _LOOK_S)
        except SourceError as trouble:
            with self._lock:
                self._failed = trouble.detail
                self._rest()
            raise
        with self._lock:
            changed, self._base = found != self._base, found
            self._fresh_until, self._failed = now + _FRESH_S, ""
            if changed:
                self._fruitless = 0
            self._rest()
        if changed:
            self._memory.keep(found)
        return found

    def _rest(self) -> None:
        """Not again before some time has passed. With the lock held."""
        now = time.monotonic()
        if now - self._not_before > _QUIET_S:
            self._fruitless = 0
        self._not_before = now + min(_PAUSE_S, _FIRST_PAUSE_S * 2**self._fruitless)
        self._fruitless = min(self._fruitless + 1, 10)

    def _ask_graph(self, until: float) -> str:
        root, app = f"{self._options.cloud.graph}/v1.0/servicePrincipals", self._options.cloud.app_id
        answer = self._page(f"{root}/appId={app}/endpoints", until)
        if answer.status in (400, 404):
            answer = self._page(f"{root}(appId='{app}')/endpoints", until)
        for _ in range(_PAGES):
            if answer.status != 200:
                raise SourceError(_refusal(answer))
            uri, following = read_endpoints(answer.body)
            if uri:
                return self._believed(uri)
            if not following:
                break
            answer = self._page(_joined(self._options.cloud.graph, following), until)
        raise SourceError(f"graph lists no {SERVICE}: no intune licence in this tenant, or the service is not set up")

    def _page(self, url: str, until: float) -> HttpAnswer:
        return self._graph.get(url, "application/json", until)

    def _believed(self, uri: str) -> str:
        base = uri.rstrip("/")
        if refusal := self._options.hosts.refusal(base) or ("it has a query" if "?" in base else ""):
            raise SourceError(f"graph names an address for intune that is not believed: {refusal}")
        return base

    def _remembered(self) -> str:
        """The address from the last run, if there is one and it may still be believed; it is looked up anew at once."""
        kept = self._memory.recall()
        try:
            return self._believed(kept) if kept else ""
        except SourceError:
            return ""  # a changed configuration, or somebody else's hand: it is found anew


def read_endpoints(body: bytes) -> tuple[str, str]:
    """The service's address, or without it the next page's, each ``""`` if absent, out of Graph's list.

    Raises UnreadableError.

    Rows name themselves by ``providerName``, in the list's older form by ``serviceName``.
    """
    document = read_json(body, whose="graph's answer")
    rows = document.get("value") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise UnreadableError("graph's answer is not a list of endpoints")
    uri = ""
    for row in rows:
        if isinstance(row, dict):
            name = row.get("providerName") or row.get("serviceName")
            if isinstance(name, str) and name.lower() == SERVICE.lower() and isinstance(row.get("uri"), str):
                uri = uri or row["uri"]
    return uri, "" if uri else next_link(document)


def _joined(graph: str, following: str) -> str:
    try:
        return urljoin(graph, following)
    except ValueError as trouble:
        raise SourceError("graph's next page is no address") from trouble


def _refusal(answer: HttpAnswer) -> str:
    said = error_text(answer.body)
    words = f": {said}" if said.message else ""
    if answer.status == 403:
        return f"graph refuses the application (status 403): it needs the permission {PERMISSION}{words}"
    if answer.status == 401 and (asked := challenge(answer.headers.get("www-authenticate", ""))):
        words += f"; {asked}"
    return f"graph does not tell where intune is (status {answer.status}){words}"
