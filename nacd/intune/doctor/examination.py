"""One tenant examined, step by step, each as far as it can be without the others.

Knows: the order, what each step needs, how long it may take. Refuses to know: what a step does, and printing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from urllib.parse import unquote, urlsplit

from nacd.intune.client import HttpClient
from nacd.intune.cloud import Audience, netloc
from nacd.intune.doctor import bulk, clock, devices, names, service, tls, tokens, versions
from nacd.intune.doctor.credentials import Registration, look, secret_words
from nacd.intune.doctor.step import (
    Begun,
    Finding,
    Status,
    Step,
    failed,
    no_time,
    not_needed,
    not_tried,
    timed,
    timely,
    warning,
)
from nacd.intune.graph.source import GraphSource
from nacd.intune.nac.source import IntuneSource
from nacd.intune.options import IntuneOptions, ManagedIdentity
from nacd.intune.token import Token, TokenSource
from nacd.values import DeviceId, MacAddress

STEP_S = 8.0
LISTING_S = 20.0
"""How long Graph's list of devices is waited for: it alone knows addresses."""
_NO_LOGIN = "a managed identity gets its tokens from this machine, not from the login service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is examined. nac, graph: whether Compliance Retrieval, and Graph, are asked about devices.

    device, mac: one to ask about, None = nobody. bulk: whether to ask for a page of the list, which uses its window.
    login_s: how long a login waits for an answer, in seconds; infinite where that is not to be judged.
    """

    options: IntuneOptions
    nac: bool = True
    graph: bool = False
    device: DeviceId | None = None
    mac: MacAddress | None = None
    bulk: bool = False
    login_s: float = math.inf


@dataclass(slots=True)
class Examination:
    """What has been found so far. until: monotonic seconds, when all must be over."""

    question: Question
    until: float
    _http: HttpClient | None = None
    _sources: dict[Audience, TokenSource] = field(default_factory=dict)
    _tokens: dict[Audience, Token] = field(default_factory=dict)
    _base: str = ""
    _graph: GraphSource | None = None
    _deaf: frozenset[str] = frozenset()
    """Hosts with which there is no TLS: who cannot be spoken to is not asked, and the cause is told once."""

    def steps(self) -> Iterator[Begun | Step]:
        """Each step, announced before it is done. Trouble is a step that failed, never an exception."""
        for name, doing, work in self._plan():
            yield Begun(name=name, doing=doing)
            yield timed(name, work, self._secrets)

    def _secrets(self) -> Iterator[str]:
        """Everything that must not be shown, whoever says it."""
        options = self.question.options
        for credential in options.credentials:
            yield from secret_words(credential)
        yield urlsplit(options.proxy).password or ""
        yield unquote(urlsplit(options.proxy).password or "")
        for token in self._tokens.values():
            yield token.value.reveal().decode("utf-8", "replace")

    def _plan(self) -> Iterator[tuple[str, str, Callable[[], Finding]]]:
        yield "trust", "reading the roots that are trusted", self._trust
        yield "clock", "comparing clocks with the login service", self._clock
        yield "dns", "resolving names", partial(self._dns, self._first_hosts())
        yield "tls", "shaking hands", partial(self._tls, self._first_hosts())
        yield from self._credentials()
        yield "roles", "reading what was consented to", self._roles
        yield "discovery", "asking graph where intune is", self._discovery
        yield "intune dns", "resolving intune's host", partial(self._intune_host, self._dns)
        yield "intune tls", "shaking hands with intune", partial(self._intune_host, self._tls)
        yield "addresses", "putting together what is asked of whom", self._addresses
        yield "mdminfo", "asking intune what it is", self._mdminfo
        yield from self._devices()
        if self.question.bulk:
            yield "bulk page", "asking for one page of the list", self._bulk

    # -- the way there ----------------------------------------------------------------------

    def _left(self, most_s: float = STEP_S) -> float:
        return min(time.monotonic() + most_s, self.until)

    def _late(self) -> bool:
        return time.monotonic() >= self.until - 0.05

    def _trust(self) -> Finding:
        options = self.question.options
        what = f"`ca_file` {options.ca_file}" if options.ca_file else "the operating system's roots"
        try:
            self._http = HttpClient(ca_file=options.ca_file, proxy=options.proxy)
            return tls.roots(options)
        except OSError as trouble:
            words = (trouble.strerror or "no certificates in it").lower()
            return failed(f"{what} cannot be read: {words}", "it must be a PEM file that nacd's user may read")

    def _clock(self) -> Finding:
        if self._http is None:
            return not_tried("trusted roots")
        if not self._wants_login:
            return not_needed(_NO_LOGIN)
        return clock.skew(self._http, self.question.options, self._left())

    def _first_hosts(self) -> Sequence[str]:
        """Login and Graph, where they are asked anything."""
        cloud = self.question.options.cloud
        roots = [cloud.login] * self._wants_login + [cloud.graph] * self._wants_graph
        return tuple(dict.fromkeys(netloc(root) for root in roots))

    @property
    def _wants_login(self) -> bool:
        return not all(isinstance(credential, ManagedIdentity) for credential in self.question.options.credentials)

    @property
    def _wants_graph(self) -> bool:
        return self.question.graph or (self.question.nac and not self.question.options.endpoint)

    def _dns(self, hosts: Sequence[str]) -> Finding:
        if self._late():
            return no_time()
        options = self.question.options
        if options.proxy:
            # The proxy resolves all other names.
            return names.addresses((urlsplit(options.proxy).hostname or "",), self._left(), public=False)
        if not hosts:
            return not_needed(_NO_LOGIN)
        plain = tuple(dict.fromkeys(host.partition(":")[0] for host in hosts))
        return names.addresses(plain, self._left(), public=options.cloud.name != "custom")

    def _tls(self, hosts: Sequence[str]) -> Finding:
        if self._late():
            return no_time()
        if self._http is None:
            return not_tried("trusted roots")
        if not hosts:
            return not_needed(_NO_LOGIN)
        found, bad = tls.handshakes(hosts, self.question.options, self._left())
        self._deaf |= bad
        return found

    def _intune_host(self, examine: Callable[[Sequence[str]], Finding]) -> Finding:
        if not self.question.nac:
            return not_needed("graph alone is asked about devices")
        if not self._base:
            return not_tried("intune's address, see `discovery`")
        return examine((netloc(self._base),))

    # -- proof ------------------------------------------------------------------------------

    def _credentials(self) -> Iterator[tuple[str, str, Callable[[], Finding]]]:
        """Each credential alone: one that is refused is found even while the other one works."""
        options = self.question.options
        app = Registration(client_id=options.client_id)
        audiences = [Audience.GRAPH] * self._wants_graph + [Audience.INTUNE] * self.question.nac
        for place, credential in enumerate(options.credentials):
            which = "next " if place else ""
            yield (
                f"{which}credential",
                "looking at the credential",
                partial(look, credential, app, time.time()),
            )
            for audience in audiences:
                yield (
                    f"{which}{audience} token",
                    f"getting a token for {audience}",
                    partial(self._token, place, audience),
                )

    def _token(self, place: int, audience: Audience) -> Finding:
        if self._http is None:
            return not_tried("trusted roots")
        if self._late():
            return no_time()
        options = self.question.options
        login = netloc(options.cloud.login)
        if login in self._deaf and not isinstance(options.credentials[place], ManagedIdentity):
            return not_tried(f"tls with `{login}`, see `tls`")
        found, source, token = tokens.fetch(options.credentials[place], options, audience, self._http, self._left())
        if source is not None and token is not None and audience not in self._tokens:
            self._sources[audience], self._tokens[audience] = source, token
        return found

    def _roles(self) -> Finding:
        if not self._tokens:
            return not_tried("a token")
        wanted = tokens.needs(self.question.options, nac=self.question.nac, graph=self.question.graph)
        return tokens.roles(self._tokens, wanted, self.question.options)

    # -- the service ------------------------------------------------------------------------

    def _discovery(self) -> Finding:
        options = self.question.options
        if not self.question.nac:
            return not_needed("graph alone is asked about devices")
        if options.endpoint:
            self._base = options.endpoint.rstrip("/")
            return not_needed(f"`endpoint` is {self._base}")
        if self._http is None or Audience.GRAPH not in self._sources:
            return not_tried("a token for graph")
        if netloc(options.cloud.graph) in self._deaf:
            return not_tried("tls with graph, see `tls`")
        if self._late():
            return no_time()
        found, self._base = service.discover(options, self._http, self._sources[Audience.GRAPH], self._left())
        return found

    def _addresses(self) -> Finding:
        return versions.addresses(self.question.options, self._base, nac=self.question.nac, graph=self.question.graph)

    def _why_not(self) -> Finding | None:
        """Why Compliance Retrieval cannot be asked; None when it can."""
        if not self.question.nac:
            return not_needed("graph alone is asked about devices")
        if not self._base:
            return not_tried("intune's address, see `discovery`")
        if Audience.INTUNE not in self._sources:
            return not_tried("a token for intune")
        if netloc(self._base) in self._deaf:
            return not_tried("tls with intune, see `intune tls`")
        return no_time() if self._late() else None

    def _mdminfo(self) -> Finding:
        if (refused := self._why_not()) is not None or self._http is None:
            return refused or not_tried("trusted roots")
        source, question = self._sources[Audience.INTUNE], self.question
        describe = partial(service.describe, question.options, self._base, self._http, source)
        found, took_s = _timed(partial(describe, self._left()))
        if question.device is not None or question.mac is not None:
            return found  # how long a device takes is told by the device
        if found.status is not Status.FAILED and took_s > question.login_s / 2:
            found, took_s = _timed(partial(describe, self._left()))  # the first question shook hands
        return timely(found, took_s, question.login_s)

    # -- devices ----------------------------------------------------------------------------

    def _devices(self) -> Iterator[tuple[str, str, Callable[[], Finding]]]:
        subjects: list[tuple[str, DeviceId | MacAddress]] = []
        if self.question.device is not None:
            subjects.append(("device", self.question.device))
        if self.question.mac is not None:
            subjects.append(("mac", self.question.mac))
        for name, subject in subjects:
            yield name, f"asking intune about {subject}", partial(self._ask, subject)
            if self.question.graph:
                yield (
                    f"{name} by graph",
                    f"asking graph about {subject}",
                    partial(self._ask_graph, subject),
                )
        if not subjects:
            yield "device", "", devices.missing

    def _ask(self, subject: DeviceId | MacAddress) -> Finding:
        if (refused := self._why_not()) is not None:
            return refused
        # The address is in hand already: this source need not find it again.
        source = IntuneSource(replace(self.question.options, endpoint=self._base))
        graph = self._graph_source()
        return devices.ask(source, subject, self._patience_s(), graph, self.question.login_s)

    def _ask_graph(self, subject: DeviceId | MacAddress) -> Finding:
        if self._late():
            return no_time()
        graph = self._graph_source()
        if graph is None:
            return not_tried("a token for graph")
        if isinstance(subject, MacAddress) and (unlisted := devices.unlisted(graph, self._left(LISTING_S))):
            return warning(unlisted, "a large tenant takes longer; the daemon reads the list in the background")
        return devices.ask(graph, subject, self._patience_s(), graph, self.question.login_s)

    def _patience_s(self) -> float:
        """How long an answer is waited for: no shorter than a login waits, or none of both questions could end well."""
        login_s = self.question.login_s
        return self._left(max(STEP_S, 2 * login_s) if math.isfinite(login_s) else STEP_S) - time.monotonic()

    def _graph_source(self) -> GraphSource | None:
        if self._graph is None and self.question.graph and Audience.GRAPH in self._sources:
            self._graph = GraphSource(self.question.options)
        return self._graph

    def _bulk(self) -> Finding:
        if (refused := self._why_not()) is not None or self._http is None:
            return refused or not_tried("trusted roots")
        return bulk.one_page(
            self.question.options, self._base, self._http, self._sources[Audience.INTUNE], self._left()
        )


def _timed(work: Callable[[], Finding]) -> tuple[Finding, float]:
    started = time.monotonic()
    return work(), time.monotonic() - started
