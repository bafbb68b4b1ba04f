"""Intune as a source of compliance: one question, one dated verdict, within the time given.

Knows: the order of things: address, token, question, one retry, a moved service, pauses. Refuses
to know: what octets mean (``answers``), how pages follow each other (``bulk``), caches and breakers (whoever asks has
them).

Trouble never becomes a verdict: whatever fails comes back as ``unavailable`` with what failed. Only
``answers.judge`` turns an answer into a state, and only a 404 whose service proves healthy becomes
``not_managed`` here.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from urllib.parse import urlencode

from nacd.compliance.listed import BulkAnswer, ListRefused, NoncompliantList
from nacd.errors import SourceError
from nacd.intune.client import HttpAnswer, HttpClient, UnreachableError
from nacd.intune.cloud import Audience, netloc
from nacd.intune.flight import Flights
from nacd.intune.nac import answers, bulk
from nacd.intune.nac.answers import ServiceDescription, Verdict
from nacd.intune.nac.discovery import Discovery, EndpointMemory
from nacd.intune.nac.pause import Pause
from nacd.intune.nac.status import SourceStatus, missing_consent
from nacd.intune.options import IntuneOptions
from nacd.intune.refusals import challenge, error_text, retry_after_s
from nacd.intune.token import Bearer, TokenSource
from nacd.values import Compliance, ComplianceSource, ComplianceState, DeviceId, DeviceIdKind, MacAddress

PROVIDER = "nac"
_XML = "application/xml"
_AFTER_REFUSAL_S = 300.0
_AFTER_FAILURE_S = 300.0
_LEARN_AGAIN_S = 300.0
_BACKGROUND_S = 15.0
_FIRST_TRY_S = 2.0
_LONGEST_WAIT_S = 1.0
_PAGE_S = 60.0


class IntuneSource:
    """Compliance Retrieval (NAC 2.0) of one tenant. Thread-safe."""

    def __init__(self, options: IntuneOptions, memory: EndpointMemory | None = None) -> None:
        """No network here. memory: keeps the address over a restart; none: it is found anew at each start.

        Raises OSError when the CA file cannot be read.
        """
        self._options = options
        self._flights = Flights()
        http = HttpClient(ca_file=options.ca_file, proxy=options.proxy)
        self._tokens = TokenSource(options, http, self._flights)
        graph = Bearer(http, self._tokens, Audience.GRAPH, options.graph_hosts)
        self._intune = Bearer(http, self._tokens, Audience.INTUNE, options.hosts)
        self._discovery = Discovery(options, graph, self._flights, memory)
        self._pause = Pause()
        self._services: dict[str, ServiceDescription] = {}
        self._learn_after = 0.0
        self._bulk_ignored = 0

    def lookup(self, subject: DeviceId | MacAddress, deadline_s: float, now: Callable[[], float]) -> Compliance:
        """What Intune says of this device; blocks for ``deadline_s`` seconds at most.

        deadline_s covers everything: token, discovery, question, retry. now: gives seconds since the
        epoch. Never raises for trouble that is to be expected: that is ``unavailable`` and says what.
        """
        until = time.monotonic() + deadline_s
        if isinstance(subject, DeviceId) and subject.kind is DeviceIdKind.ENTRA:
            detail = "compliance retrieval knows intune device ids only, this is an entra device id"
            return Compliance(state=ComplianceState.UNKNOWN, as_of=0.0, source=ComplianceSource.NONE, detail=detail)
        try:
            self._refuse_while_paused()
            verdict = self._ask(subject, until, now)
        except SourceError as trouble:
            verdict = Verdict(state=ComplianceState.UNAVAILABLE, detail=trouble.detail)
        return _dated(verdict, now())

    def noncompliant(self, deadline_s: float, now: Callable[[], float]) -> BulkAnswer:
        """All devices that are not compliant, every page, or why not; blocks for ``deadline_s`` seconds at most.

        now: gives seconds since the epoch; the list is as of the moment before it was asked for. A 503 is Intune's
        quota (one list in four hours) and changes nothing for single devices. Never raises for expected trouble.
        """
        until = time.monotonic() + deadline_s
        try:
            self._refuse_while_paused()
            self._discovery.base(until)
            self._tokens.token(Audience.INTUNE, until)
            as_of = now()
            listed = bulk.read(self._page_of_list(until), until, self._busy)
        except SourceError as trouble:
            return ListRefused(detail=trouble.detail)
        if isinstance(listed, ListRefused):
            return listed
        self._bulk_ignored = listed.ignored
        return NoncompliantList(guids=listed.guids, as_of=as_of)

    def warm(self) -> None:
        """Fetch token, address and service description in the background, before the first question."""
        self._flights.start("warm", lambda: self._learn(self._discovery.base(time.monotonic() + _BACKGROUND_S)))

    def status(self) -> SourceStatus:
        """How things stand; no network, no files."""
        token = self._tokens.held(Audience.INTUNE)
        endpoint = self._discovery.known()
        left_s, why = self._pause.left()
        portal = self._options.cloud.portal
        return SourceStatus(
            endpoint=endpoint,
            portal=self._service(endpoint).redirect_url or (f"https://{portal}/" if portal else ""),
            token_left_s=max(0.0, token.expires_at - time.monotonic()) if token else 0.0,
            roles=token.roles if token else (),
            consent=missing_consent(token, None if endpoint else self._tokens.held(Audience.GRAPH)),
            paused_s=left_s,
            paused_why=why,
            throttled=self.throttled,
            bulk_ignored=self._bulk_ignored,
            credentials=self._tokens.credentials.report(),
        )

    @property
    def throttled(self) -> int:
        """How many 429 answers came since the start, to whatever was asked."""
        return self._pause.throttled

    # -- one question -----------------------------------------------------------------------

    def _ask(self, subject: DeviceId | MacAddress, until: float, now: Callable[[], float]) -> Verdict:
        asked = ""

        def there(base: str, send: Callable[[str, float], HttpAnswer]) -> HttpAnswer:
            nonlocal asked
            asked = self._url(base, subject)
            return send(asked, until)

        base, answer = self._wherever_it_is(
            lambda base: there(base, self._twice), lambda moved: there(moved, self._get), until
        )
        if answer.status == 404 and self._healthy(base, until):
            named = self._url(base, subject)
            if named != asked:  # the probe tells of another path: what was asked there has not been answered yet
                answer = self._get(named, until)
            if answer.status == 404:
                return Verdict(state=ComplianceState.NOT_MANAGED, detail="intune knows no such device (status 404)")
        return self._verdict(subject, answer, now)

    def _page_of_list(self, until: float) -> Callable[[str], HttpAnswer]:
        """Asks for one page after the other, all of them at the place where the first one was."""
        root = ""

        def ask(query: str) -> HttpAnswer:
            def there(base: str) -> HttpAnswer:
                nonlocal root
                root = self._root(base)
                return page()

            def page() -> HttpAnswer:
                # One that hangs must not take the time of a run that may be repeated.
                return self._get(f"{root}/devices/?{query}", min(until, time.monotonic() + _PAGE_S))

            if root:
                bulk.wait(self._pause.left()[0], until)  # somebody else may have been throttled meanwhile
                answer = page()
            else:
                _base, answer = self._wherever_it_is(there, there, until)
            if answer.status == 429:
                self._throttled(answer, time.time())
            if answer.status in (401, 403):
                detail = answers.judge_status(answer.status, error_text(answer.body)).detail
                raise SourceError(detail + self._about_refusal(answer))
            return answer

        return ask

    def _wherever_it_is(
        self, first: Callable[[str], HttpAnswer], again: Callable[[str], HttpAnswer], until: float
    ) -> tuple[str, HttpAnswer]:
        """The service's address and its answer: asked at the address in hand, then where it has moved to."""
        base = self._discovery.base(until)
        self._learn_in_background(base)
        try:
            answer = first(base)
        except UnreachableError:
            moved = self._discovery.rediscover(until)
            if moved == base:
                raise
            return moved, again(moved)
        if answer.status == 404 or 300 <= answer.status < 400:
            moved = self._discovery.rediscover(until)
            if moved != base:
                return moved, again(moved)
        return base, answer

    def _get(self, url: str, until: float) -> HttpAnswer:
        answer = self._intune.get(url, _XML, until)
        if answer.status == 429:
            self._pause.throttle()
        return answer

    def _throttled(self, answer: HttpAnswer, wall: float) -> str:
        """Nobody asks for as long as the answer says; the words for it."""
        said = error_text(answer.body)
        detail = answers.judge_status(answer.status, said).detail
        self._pause.extend(retry_after_s(answer.headers, wall, default_s=said.retry_after_s or 30.0), detail)
        return detail

    def _refuse_while_paused(self) -> None:
        """Raises SourceError."""
        left_s, why = self._pause.left()
        if left_s:
            raise SourceError(f"{why}; not asked again for {left_s:.0f} s")

    def _busy(self, seconds: float) -> None:
        self._pause.extend(seconds, "intune asks to be left alone")

    def _twice(self, url: str, until: float) -> HttpAnswer:
        """The answer; a failure of the service or the way to it is tried once more if there is time."""
        self._tokens.token(Audience.INTUNE, until)  # waited for with all the time there is, not with the first try's
        started = time.monotonic()
        first_until = min(until, started + max(_FIRST_TRY_S, (until - started) / 2))
        # Drawn first: many callers fail at the same moment and must not come back at the same moment.
        pause_s = 0.05 + secrets.randbelow(200) / 1000
        try:
            answer = self._get(url, first_until)
            if answer.status < 500:
                return answer
            wanted_s = retry_after_s(answer.headers, time.time(), default_s=0.0)
            if wanted_s > _LONGEST_WAIT_S or time.monotonic() + max(pause_s, wanted_s) >= until:
                return answer
            pause_s = max(pause_s, wanted_s)
        except UnreachableError:
            if time.monotonic() + pause_s >= until:
                raise
        time.sleep(pause_s)
        self._refuse_while_paused()  # somebody else may have been throttled meanwhile
        return self._get(url, until)

    def _verdict(self, subject: DeviceId | MacAddress, answer: HttpAnswer, now: Callable[[], float]) -> Verdict:
        if answer.status == 200:
            devices = answers.read_devices(answer.body, answer.content_type)
            if devices.busy_s:
                self._busy(devices.busy_s)
            return answers.judge(subject, devices)
        said = error_text(answer.body)
        verdict = answers.judge_status(answer.status, said)
        if answer.status not in (400, 429):
            self._discovery.suspect()  # whoever is not responsible for this tenant any more may say so in any way
        if answer.status in (401, 403):
            verdict = Verdict(state=verdict.state, detail=verdict.detail + self._about_refusal(answer))
            self._pause.extend(_AFTER_REFUSAL_S, verdict.detail)
        elif answer.status == 429:
            self._throttled(answer, now())
        elif answer.status >= 500:
            wanted_s = retry_after_s(answer.headers, now(), default_s=said.retry_after_s)
            self._pause.extend(min(wanted_s, _AFTER_FAILURE_S), verdict.detail)
        return verdict

    def _healthy(self, base: str, until: float) -> bool:
        """Whether the service itself is there: then a 404 speaks of the device."""
        try:
            self._describe(base, until)
        except SourceError:
            return False
        return True

    def _about_refusal(self, answer: HttpAnswer) -> str:
        consent = missing_consent(self._tokens.held(Audience.INTUNE), None)
        asked = challenge(answer.headers.get("www-authenticate", ""))
        return "".join(f"; {words}" for words in (consent, asked) if words)

    def _url(self, base: str, subject: DeviceId | MacAddress) -> str:
        if isinstance(subject, DeviceId):
            criterion, value = "guid", subject.guid
        else:
            criterion, value = "macaddress", subject.hex12
        query = urlencode({"paging": "0", "querycriteria": criterion, "value": value, "filter": "all"})
        return f"{self._root(base)}/devices/?{query}"

    def _root(self, base: str) -> str:
        """What devices are asked under: the path that the service names, but never a host of its choice."""
        path = self._service(base).api_path
        return f"https://{netloc(base)}{path}" if path else f"{base}/cisco"

    # -- the service ------------------------------------------------------------------------

    def _service(self, base: str) -> ServiceDescription:
        return self._services.get(base) or ServiceDescription()

    def _learn_in_background(self, base: str) -> None:
        now = time.monotonic()
        if base not in self._services and now >= self._learn_after:
            self._learn_after = now + _LEARN_AGAIN_S
            self._flights.start(("service", base), lambda: self._learn(base))

    def _learn(self, base: str) -> ServiceDescription:
        return self._describe(base, time.monotonic() + _BACKGROUND_S)

    def _describe(self, base: str, until: float) -> ServiceDescription:
        """What the service says of itself; kept. Raises SourceError."""
        answer = self._get(f"{base}/ciscoise/mdminfo/?ise_api_version=3", until)
        if answer.status == 429:
            self._throttled(answer, time.time())
        if answer.status != 200:
            detail = answers.judge_status(answer.status, error_text(answer.body)).detail
            if answer.status in (401, 403):
                detail += self._about_refusal(answer)
            raise SourceError(detail)
        service = answers.read_service(answer.body, answer.content_type)
        self._services = {base: service}  # a moved service leaves nothing behind
        return service


def _dated(verdict: Verdict, wall: float) -> Compliance:
    if verdict.state is ComplianceState.UNAVAILABLE:
        return Compliance(state=verdict.state, as_of=wall, source=ComplianceSource.NONE, detail=verdict.detail)
    return Compliance(
        state=verdict.state, as_of=wall, source=ComplianceSource.LIVE, detail=verdict.detail, provider=PROVIDER
    )
