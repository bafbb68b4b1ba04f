"""Microsoft Graph as a source of compliance: one question, one dated verdict, within the time given.

Knows: how a device is found by its Intune id, its Entra id, its Wi-Fi address. Refuses to know: what octets mean
(``answers``), when Graph is left alone (``asking``), caches and breakers (whoever asks has them).

A verdict comes from a row that names what was asked about, fetched now. The index only says which Intune ids to
ask about. Graph tells Wi-Fi addresses alone in its lists: an address that is not found may be the wired one of a
managed device, so it is ``unknown``, never ``not_managed``. What rests on the list is dated with the last look at it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from nacd.errors import SourceError
from nacd.intune.client import HttpClient
from nacd.intune.cloud import Audience
from nacd.intune.credentials import CredentialStatus
from nacd.intune.flight import Flights
from nacd.intune.graph import answers
from nacd.intune.graph.answers import ManagedDevice, read_device, read_page, speaks_of
from nacd.intune.graph.asking import Graph
from nacd.intune.graph.directory import Directory, DirectoryStatus, Known
from nacd.intune.graph.groups import Groups
from nacd.intune.graph.index import MOST_ASKED, IndexOptions
from nacd.intune.graph.listing import device_url, entra_url
from nacd.intune.nac.answers import about_device
from nacd.intune.options import IntuneOptions
from nacd.intune.token import Bearer, TokenSource
from nacd.values import NO_FACTS, Compliance, ComplianceState, DeviceId, DeviceIdKind, MacAddress

_BACKGROUND_S = 15.0
_FOR_THE_WAY_BACK_S = 0.1
_LONGEST_DOUBT = 500

Now: TypeAlias = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphStatus:
    """How things stand, for people and metrics. Nothing in it is secret.

    token_left_s: of the Graph token, 0.0 without one. roles: what it carries. consent: what it says is missing,
    ``""`` if nothing or not known yet. paused_s: seconds for which Graph is left alone, paused_why: why. throttled:
    429 answers since the start. devices: the index.
    """

    token_left_s: float
    roles: tuple[str, ...]
    consent: str
    paused_s: float
    paused_why: str
    throttled: int
    credentials: tuple[CredentialStatus, ...]
    devices: DirectoryStatus


class GraphSource:
    """``managedDevices`` of one tenant. Thread-safe."""

    def __init__(self, options: IntuneOptions, index: IndexOptions | None = None) -> None:
        """No network here. Raises OSError when the CA file cannot be read."""
        self._flights = Flights()
        http = HttpClient(ca_file=options.ca_file, proxy=options.proxy)
        self._tokens = TokenSource(options, http, self._flights)
        bearer = Bearer(http, self._tokens, Audience.GRAPH, options.graph_hosts)
        self._graph = Graph(bearer, self._tokens)
        self._root = options.cloud.graph
        self._groups = Groups(bearer, self._tokens, self._root, options.user_groups)
        self._directory = Directory(self._graph, self._root, self._flights, index or IndexOptions())

    def lookup(self, subject: DeviceId | MacAddress, deadline_s: float, now: Now) -> Compliance:
        """What Graph says of this device; blocks for ``deadline_s`` seconds at most.

        deadline_s covers everything: token, list, question, retry. now: gives seconds since the epoch. Never
        raises for trouble that is to be expected: that is ``unavailable`` and says what.
        """
        until = time.monotonic() + deadline_s
        try:
            if isinstance(subject, MacAddress):
                known = self._directory.by_mac(subject.hex12, until)
                return self._by_index(subject, known, until, now)
            if subject.kind is DeviceIdKind.ENTRA:
                return self._by_entra(subject, until, now)
            return self._by_id(subject, until, now)
        except SourceError as trouble:
            return answers.unavailable(trouble.detail, now())

    @property
    def throttled(self) -> int:
        """How many 429 answers came since the start."""
        return self._graph.pause.throttled

    def warm(self) -> None:
        """Fetch the token and list the devices in the background, before the first question."""
        self._flights.start("warm", lambda: self._tokens.token(Audience.GRAPH, time.monotonic() + _BACKGROUND_S))
        self._directory.tend()

    def status(self) -> GraphStatus:
        """How things stand; no network."""
        token = self._tokens.held(Audience.GRAPH)
        left_s, why = self._graph.pause.left()
        return GraphStatus(
            token_left_s=max(0.0, token.expires_at - time.monotonic()) if token else 0.0,
            roles=token.roles if token else (),
            consent=self._graph.consent(),
            paused_s=left_s,
            paused_why=why,
            throttled=self.throttled,
            credentials=self._tokens.credentials.report(),
            devices=self._directory.status(),
        )

    # -- the three questions ----------------------------------------------------------------

    def _by_id(self, subject: DeviceId, until: float, now: Now) -> Compliance:
        row = self._device(subject.guid, until)
        if row is None:
            return answers.not_managed("not enrolled in intune (status 404)", now())
        return self._judged(subject, [row], now(), until)

    def _by_entra(self, subject: DeviceId, until: float, now: Now) -> Compliance:
        """By a filter that Graph does not promise: what comes back shows whether it was heard."""
        answer = self._graph.get(entra_url(self._root, subject.guid), until)
        if answer.status != 200:
            raise SourceError(f"graph does not list devices (status {answer.status})")
        page = read_page(answer.body, answer.content_type)
        if page.odd:  # if Graph heeded the filter, they are about this device
            raise SourceError(about_device(f"{page.odd} rows of graph's answer cannot be read").detail)
        strangers = sum(not speaks_of(row, subject) for row in page.rows)
        if page.next_link:
            # Everything that Graph has, or more devices than one machine can be: one page of it proves nothing.
            return self._by_index(subject, self._directory.by_entra(subject.guid, until), until, now)
        if len(page.rows) > strangers:
            return self._judged(subject, page.rows, now(), until)
        if silent := _silent(subject, page.rows):
            return answers.unavailable(about_device(silent).detail, now())
        ignored = f"; graph ignored the filter and told of {strangers} others" if strangers else ""
        return answers.not_managed(f"no device with this entra id is enrolled in intune{ignored}", now())

    def _by_index(self, subject: DeviceId | MacAddress, known: Known, until: float, now: Now) -> Compliance:
        """Ask about each device that the index names; those that are gone or are somebody else's by now drop out."""
        if len(known.ids) > MOST_ASKED:
            return answers.ambiguous(f"more than {MOST_ASKED} devices have `{subject}`", now())
        asked_at = now()
        looked_at = asked_at - known.age_s
        asked = [row for guid in known.ids if (row := self._device(guid, until)) is not None]
        there = [row for row in asked if speaks_of(row, subject)]
        if there:
            return self._judged(subject, there, asked_at, until)
        if silent := _silent(subject, asked):
            return answers.unavailable(about_device(silent).detail, now())
        if known.doubt:
            return answers.unavailable(
                about_device(f"graph cannot be asked by `{subject}`: {known.doubt}").detail, now()
            )
        if isinstance(subject, MacAddress):
            return answers.not_listed(looked_at)
        return answers.not_managed("no device with this entra id is enrolled in intune", looked_at)

    def _judged(
        self, subject: DeviceId | MacAddress, rows: Sequence[ManagedDevice], as_of: float, until: float
    ) -> Compliance:
        """The verdict, with the groups of the user that all these rows have, if rules ask for any."""
        verdict = answers.judge(subject, rows, as_of)
        if not self._groups or verdict.state is ComplianceState.UNAVAILABLE or verdict.device == NO_FACTS:
            return verdict
        users = {row.user_id for row in rows if speaks_of(row, subject)}
        user = users.pop() if len(users) == 1 else ""
        if not user:
            return verdict
        # What Graph has said of the device is not lost for the sake of what it may say of its user.
        told = self._groups.of(user, until - _FOR_THE_WAY_BACK_S)
        facts = replace(
            verdict.device, in_groups=told.inside, outside_groups=told.outside, groups_doubt=told.doubt[:_LONGEST_DOUBT]
        )
        return replace(verdict, device=facts)

    def _device(self, guid: str, until: float) -> ManagedDevice | None:
        """The device with this Intune id, None when Graph knows none. Raises SourceError, also for another's row."""
        answer = self._graph.get(device_url(self._root, guid), until)
        if answer.status == 404:
            return None
        row = read_device(answer.body, answer.content_type)
        if row.intune_id != guid:
            raise SourceError(about_device(f"graph was asked about `{guid}` and told of another device").detail)
        return row


def _silent(subject: DeviceId | MacAddress, rows: Sequence[ManagedDevice]) -> str:
    """Why it cannot be said that these devices are others: one of them, asked alone, does not tell what it has."""
    for row in rows:
        if not (row.wifi_mac if isinstance(subject, MacAddress) else row.entra_id):
            return f"graph named `{row.intune_id}` for `{subject}`, and it does not tell it"
    return ""
