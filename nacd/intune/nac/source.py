"""Intune as a source of compliance: one question, one dated verdict, within the time given.

Knows: the order of things: address, token, question, one retry, a moved service, pauses. Refuses
to know: what octets mean (``answers``), caches and breakers (whoever asks has them).

Trouble never becomes a verdict: whatever fails comes back as ``unavailable`` with what failed. Only
``answers.judge`` turns an answer into a state, and only a 404 whose service proves healthy becomes
``not_managed`` here.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from nacd.errors import SourceError
from nacd.intune.client import HttpAnswer, HttpClient, UnreachableError
from nacd.intune.cloud import Audience, netloc
from nacd.intune.flight import Flights
from nacd.intune.nac import answers
from nacd.intune.nac.answers import ServiceDescription, Verdict
from nacd.intune.nac.discovery import Discovery
from nacd.intune.options import IntuneOptions, inspect
from nacd.intune.refusals import error_text, retry_after_s
from nacd.intune.token import NEEDED_ROLE, Bearer, Token, TokenSource
from nacd.values import Compliance, ComplianceSource, ComplianceState, DeviceId, DeviceIdKind, MacAddress

_XML = "application/xml"
_AFTER_REFUSAL_S = 300.0
_AFTER_FAILURE_S = 300.0
_LONGEST_PAUSE_S = 3600.0
_LEARN_AGAIN_S = 300.0
_BACKGROUND_S = 15.0
_FIRST_TRY_S = 2.0
_LONGEST_WAIT_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckStep:
    """One step of a live test: what was tried, whether it went well, and what was seen."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatus:
    """How things stand, for people and metrics. Nothing in it is secret.

    token_left_s: of the Intune token, 0.0 without one. paused_s: seconds for which Intune is left
    alone. certificate_not_after: seconds since the epoch, 0.0 without a certificate. portal: where
    users are sent to mend their device.
    """

    endpoint: str
    portal: str
    token_left_s: float
    roles: tuple[str, ...]
    paused_s: float
    paused_why: str
    certificate_not_after: float
    file_problem: str


class _Pause:
    """Until when Intune is left alone, and why."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until = 0.0
        self._why = ""

    def extend(self, seconds: float, why: str) -> None:
        until = time.monotonic() + min(seconds, _LONGEST_PAUSE_S)
        with self._lock:
            if until > self._until:
                self._until, self._why = until, why

    def clear(self) -> None:
        with self._lock:
            self._until = 0.0

    def left(self) -> tuple[float, str]:
        with self._lock:
            left_s = max(0.0, self._until - time.monotonic())
            return left_s, self._why if left_s else ""


class IntuneSource:
    """Compliance Retrieval (NAC 2.0) of one tenant. Thread-safe."""

    def __init__(self, options: IntuneOptions) -> None:
        """No network here. Raises OSError when the CA file cannot be read."""
        self._options = options
        self._flights = Flights()
        http = HttpClient(ca_file=options.ca_file, proxy=options.proxy)
        self._tokens = TokenSource(options, http, self._flights)
        graph = Bearer(http, self._tokens, Audience.GRAPH, options.graph_hosts)
        self._intune = Bearer(http, self._tokens, Audience.INTUNE, options.hosts)
        self._discovery = Discovery(options, graph, self._flights)
        self._pause = _Pause()
        self._services: dict[str, ServiceDescription] = {}
        self._learn_after = 0.0

    def lookup(self, subject: DeviceId | MacAddress, deadline_s: float, now: Callable[[], float]) -> Compliance:
        """What Intune says of this device; blocks for ``deadline_s`` seconds at most.

        deadline_s covers everything: token, discovery, question, retry. now: gives seconds since the
        epoch. Never raises for trouble that is to be expected: that is ``unavailable`` and says what.
        """
        until = time.monotonic() + deadline_s
        if isinstance(subject, DeviceId) and subject.kind is DeviceIdKind.ENTRA:
            detail = "compliance retrieval knows intune device ids only, this is an entra device id"
            return Compliance(state=ComplianceState.UNKNOWN, as_of=0.0, source=ComplianceSource.NONE, detail=detail)
        left_s, why = self._pause.left()
        if left_s:
            detail = f"{why}; not asked again for {left_s:.0f} s"
            return _dated(Verdict(state=ComplianceState.UNAVAILABLE, detail=detail), now())
        try:
            verdict = self._ask(subject, until, now)
        except SourceError as trouble:
            verdict = Verdict(state=ComplianceState.UNAVAILABLE, detail=trouble.detail)
        return _dated(verdict, now())

    def warm(self) -> None:
        """Fetch token, address and service description in the background, before the first question."""
        self._flights.start("warm", lambda: self._learn(self._discovery.base(time.monotonic() + _BACKGROUND_S)))

    def status(self) -> SourceStatus:
        """How things stand; no network (a PFX file is read)."""
        token = self._tokens.held(Audience.INTUNE)
        endpoint = self._discovery.known()
        left_s, why = self._pause.left()
        portal = self._options.cloud.portal
        return SourceStatus(
            endpoint=endpoint,
            portal=self._service(endpoint).redirect_url or (f"https://{portal}/" if portal else ""),
            token_left_s=max(0.0, token.expires_at - time.monotonic()) if token else 0.0,
            roles=token.roles if token else (),
            paused_s=left_s,
            paused_why=why,
            certificate_not_after=inspect(self._options.credential).not_after,
            file_problem=self._discovery.file_problem,
        )

    def check(self, deadline_s: float) -> tuple[CheckStep, ...]:
        """A live test, everything fetched anew; ends at the first step that fails. Raises nothing expected."""
        until = time.monotonic() + deadline_s
        steps: list[CheckStep] = []
        trials: tuple[tuple[str, Callable[[float], str]], ...] = (
            ("credential", self._try_credential),
            ("graph token", self._try_graph_token),
            ("discovery", self._discovery.fresh),
            ("intune token", self._try_intune_token),
            ("service", self._try_service),
        )
        for name, trial in trials:
            if self._options.endpoint and name == "graph token":
                continue
            try:
                steps.append(CheckStep(name=name, ok=True, detail=trial(until)))
            except SourceError as trouble:
                steps.append(CheckStep(name=name, ok=False, detail=trouble.detail))
                return tuple(steps)
        self._pause.clear()
        return tuple(steps)

    # -- one question -----------------------------------------------------------------------

    def _ask(self, subject: DeviceId | MacAddress, until: float, now: Callable[[], float]) -> Verdict:
        base = self._discovery.base(until)
        self._learn_in_background(base)
        try:
            answer = self._twice(self._url(base, subject), until)
        except UnreachableError:
            moved = self._discovery.rediscover(until)
            if moved == base:
                raise
            base, answer = moved, self._intune.get(self._url(moved, subject), _XML, until)
        if answer.status == 404 or 300 <= answer.status < 400:
            moved = self._discovery.rediscover(until)
            if moved != base:
                base, answer = moved, self._intune.get(self._url(moved, subject), _XML, until)
        elif answer.status >= 500:
            self._discovery.suspect()
        return self._verdict(subject, base, answer, until, now)

    def _twice(self, url: str, until: float) -> HttpAnswer:
        """The answer; a failure of the service or the way to it is tried once more if there is time."""
        self._tokens.token(Audience.INTUNE, until)  # waited for with all the time there is, not with the first try's
        started = time.monotonic()
        first_until = min(until, started + max(_FIRST_TRY_S, (until - started) / 2))
        # Drawn first: many callers fail at the same moment and must not come back at the same moment.
        pause_s = 0.05 + secrets.randbelow(200) / 1000
        try:
            answer = self._intune.get(url, _XML, first_until)
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
        return self._intune.get(url, _XML, until)

    def _verdict(
        self, subject: DeviceId | MacAddress, base: str, answer: HttpAnswer, until: float, now: Callable[[], float]
    ) -> Verdict:
        if answer.status == 200:
            devices = answers.read_devices(answer.body, answer.content_type)
            if devices.busy_s:
                self._pause.extend(devices.busy_s, "intune asks to be left alone")
            return answers.judge(subject, devices)
        if answer.status == 404 and self._healthy(base, until):
            return Verdict(state=ComplianceState.NOT_MANAGED, detail="intune knows no such device (status 404)")
        said = error_text(answer.body)
        verdict = answers.judge_status(answer.status, said)
        if answer.status in (401, 403):
            verdict = Verdict(state=verdict.state, detail=verdict.detail + self._about_refusal(answer))
            self._pause.extend(_AFTER_REFUSAL_S, verdict.detail)
        elif answer.status == 429:
            wanted_s = retry_after_s(answer.headers, now(), default_s=said.retry_after_s or 30.0)
            self._pause.extend(wanted_s, verdict.detail)
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
        token = self._tokens.held(Audience.INTUNE)
        words = f"; {_consent(token)}" if token is not None and token.lacks_consent else ""
        challenge = "".join(char for char in answer.headers.get("www-authenticate", "") if char.isprintable())[:160]
        return words + (f"; it asks for `{challenge}`" if challenge else "")

    def _url(self, base: str, subject: DeviceId | MacAddress) -> str:
        if isinstance(subject, DeviceId):
            criterion, value = "guid", subject.guid
        else:
            criterion, value = "macaddress", subject.hex12
        path = self._service(base).api_path
        root = f"https://{netloc(base)}{path}" if path else f"{base}/cisco"
        query = urlencode({"paging": "0", "querycriteria": criterion, "value": value, "filter": "all"})
        return f"{root}/devices/?{query}"

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
        answer = self._intune.get(f"{base}/ciscoise/mdminfo/?ise_api_version=3", _XML, until)
        if answer.status != 200:
            detail = answers.judge_status(answer.status, error_text(answer.body)).detail
            if answer.status in (401, 403):
                detail += self._about_refusal(answer)
            raise SourceError(detail)
        service = answers.read_service(answer.body, answer.content_type)
        self._services = {base: service}  # a moved service leaves nothing behind
        return service

    # -- live test --------------------------------------------------------------------------

    def _try_credential(self, _until: float) -> str:
        seen = inspect(self._options.credential)
        if seen.problem:
            raise SourceError(seen.problem)
        if not seen.not_after:
            return f"{type(self._options.credential).__name__}, nothing to see before it is used"
        left_s = seen.not_after - time.time()
        if left_s <= 0:
            raise SourceError("the certificate of the credential has expired")
        return f"certificate good for {left_s / 86_400:.0f} days"

    def _try_graph_token(self, until: float) -> str:
        self._tokens.fresh(Audience.GRAPH, until)
        return f"scope {self._options.cloud.scope(Audience.GRAPH)}"

    def _try_intune_token(self, until: float) -> str:
        token = self._tokens.fresh(Audience.INTUNE, until)
        scope = f"scope {self._options.cloud.scope(Audience.INTUNE)}"
        if token.lacks_consent:
            raise SourceError(f"{scope}: {_consent(token)}")
        return f"{scope}, roles {', '.join(token.roles) or 'not readable'}"

    def _try_service(self, until: float) -> str:
        service = self._describe(self._discovery.base(until), until)
        return f"{service.product or 'answers'}, users go to {service.redirect_url or self._options.cloud.portal}"


def _consent(token: Token) -> str:
    there = ", ".join(token.roles) or "none"
    return f"consent missing: the token has no role {NEEDED_ROLE} (it has: {there}); grant admin consent"


def _dated(verdict: Verdict, wall: float) -> Compliance:
    failed = verdict.state is ComplianceState.UNAVAILABLE
    source = ComplianceSource.NONE if failed else ComplianceSource.LIVE
    return Compliance(state=verdict.state, as_of=wall, source=source, detail=verdict.detail)
