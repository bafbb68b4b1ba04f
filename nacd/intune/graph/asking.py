"""One question to Graph: token, one retry, pauses, and what a refusal means in words.

Knows: which status may be tried again, how long Graph is left alone after which. Refuses to know: what is asked
and what a good answer says. Only a 200, and a 404 in which Graph itself says that there is no such device, leave here
as answers; any other 404 is an outage. Throttling: Microsoft Graph's guidance, 429/503/504 with Retry-After, which is
sometimes missing.
"""

from __future__ import annotations

import secrets
import threading
import time

from nacd.errors import SourceError
from nacd.intune.client import HttpAnswer, UnreachableError
from nacd.intune.cloud import Audience
from nacd.intune.graph.answers import refusal
from nacd.intune.graph.backoff import BackOff
from nacd.intune.nac.answers import about_device
from nacd.intune.nac.pause import Pause
from nacd.intune.refusals import challenge, error_text, retry_after_s
from nacd.intune.token import Bearer, Token, TokenSource

PERMISSION = "DeviceManagementManagedDevices.Read.All"
ROLES = (PERMISSION, "DeviceManagementManagedDevices.ReadWrite.All")
"""Each is enough."""
_JSON = "application/json"
_NOT_FOUND = "resourcenotfound"
_AFTER_REFUSAL_S = 300.0
_FIRST_TRY_S = 2.0
_LONGEST_WAIT_S = 1.0
_THROTTLES = (429, 503, 504)
_PAGE_S = 30.0
_TRIES = 5
_PATIENCE_S = 120.0


class PausedError(SourceError):
    """Graph is being left alone: it was not asked."""


class FailingError(SourceError):
    """Graph fails or throttles: the same question may be answered later."""


class Graph:
    """Asks Graph. Thread-safe; the pause is one for all threads."""

    def __init__(self, bearer: Bearer, tokens: TokenSource) -> None:
        self._bearer = bearer
        self._tokens = tokens
        self._lock = threading.Lock()
        self._back_off = BackOff()
        self.pause = Pause()

    def get(self, url: str, until: float) -> HttpAnswer:
        """The answer: status 200, or a 404 that says `no such device`. until: monotonic seconds.

        A failure of the service or of the way to it is tried once more if there is time. Raises SourceError,
        in words; PausedError when Graph is being left alone.
        """
        self._refuse_while_paused()
        self._tokens.token(Audience.GRAPH, until)  # waited for with all the time there is, not with the first try's
        started = time.monotonic()
        first_until = min(until, started + max(_FIRST_TRY_S, (until - started) / 2))
        # Drawn first: many callers fail at the same moment and must not come back at the same moment.
        pause_s = 0.05 + secrets.randbelow(200) / 1000
        try:
            answer = self._bearer.get(url, _JSON, first_until)
        except UnreachableError:
            if time.monotonic() + pause_s >= until:
                raise
        else:
            wanted_s = retry_after_s(answer.headers, time.time(), default_s=0.0)
            if answer.status < 500 or wanted_s > _LONGEST_WAIT_S or time.monotonic() + max(pause_s, wanted_s) >= until:
                return self._settled(answer)
            pause_s = max(pause_s, wanted_s)
        time.sleep(pause_s)
        self._refuse_while_paused()
        return self._settled(self._bearer.get(url, _JSON, until))

    def get_patiently(self, url: str) -> HttpAnswer:
        """The same for work in the background: waits out pauses, and tries five times what may get better.

        Raises SourceError.
        """
        failed = SourceError("graph was not asked")
        for done in range(_TRIES):
            left_s, why = self.pause.left()
            if left_s > _PATIENCE_S:
                raise PausedError(_not_now(left_s, why))
            time.sleep(left_s)
            try:
                return self.get(url, time.monotonic() + _PAGE_S)
            except (PausedError, FailingError, UnreachableError) as trouble:
                failed = trouble
                if not self.pause.left()[0] and done + 1 < _TRIES:
                    time.sleep(0.1 * 2**done)
        raise failed

    def paused(self) -> str:
        """Why nobody asks now and for how long, ``""`` when Graph may be asked."""
        left_s, why = self.pause.left()
        return _not_now(left_s, why) if left_s else ""

    def consent(self) -> str:
        """What the token in hand says is missing, ``""`` if nothing, or nothing can be seen."""
        token = self._tokens.held(Audience.GRAPH)
        return _consent(token) if token is not None else ""

    def _refuse_while_paused(self) -> None:
        if why := self.paused():
            raise PausedError(why)

    def _settled(self, answer: HttpAnswer) -> HttpAnswer:
        """The answer if it is one; else its meaning, after the pause it asks for has begun."""
        if answer.status == 200 or (answer.status == 404 and _code(answer).lower() == _NOT_FOUND):
            self._back_off.eased()
            return answer
        said = error_text(answer.body)
        detail = self._meaning(answer) + (f": {said}" if said.message else "")
        if answer.status in _THROTTLES:
            self._leave_alone(answer, said.retry_after_s, detail)
        elif answer.status in (401, 403):
            self._forget_token_without_consent()
            self.pause.extend(_AFTER_REFUSAL_S, detail)
        elif answer.status == 400:
            detail = about_device(detail).detail
        raise FailingError(detail) if answer.status == 429 or answer.status >= 500 else SourceError(detail)

    def _leave_alone(self, answer: HttpAnswer, said_s: float, why: str) -> None:
        """For as long as it wants, or longer than the last time. Many threads meet one throttle: that is one step."""
        if answer.status == 429:
            self.pause.throttle()
        wanted_s = retry_after_s(answer.headers, time.time(), default_s=said_s)
        with self._lock:
            if wanted_s:
                self.pause.extend(wanted_s, why)
            elif not self.pause.left()[0]:
                self.pause.extend(self._back_off.next_s(), why)

    def _meaning(self, answer: HttpAnswer) -> str:
        status = answer.status
        if status in (401, 403):
            words = {
                401: "graph refuses the token (status 401): is the cloud the right one",
                403: f"graph refuses the application (status 403): it needs the permission {PERMISSION}",
            }[status]
            more = (self.consent(), challenge(answer.headers.get("www-authenticate", "")))
            return "; ".join(part for part in (words, *more) if part)
        code = _code(answer)
        meaning = {
            400: "graph refuses the question (status 400)",
            404: f"graph answers status 404 with `{code}`, which does not mean that there is no such device"
            if code
            else "the answer is status 404 and not graph's: is a proxy in between",
            429: "graph is throttling (status 429)",
        }.get(status)
        if meaning is None and 300 <= status < 400:
            meaning = f"graph redirects elsewhere (status {status}), which is not followed"
        if meaning is None and status >= 500:
            meaning = f"graph is failing (status {status})"
        return meaning or f"graph answers status {status}"

    def _forget_token_without_consent(self) -> None:
        """After the pause ask with a new token: the roles are in it, and consent may be given meanwhile."""
        token = self._tokens.held(Audience.GRAPH)
        if token is not None and _consent(token):
            self._tokens.reject(Audience.GRAPH, token)


def _code(answer: HttpAnswer) -> str:
    return refusal(answer.body, answer.content_type)


def _consent(token: Token) -> str:
    if token.may(ROLES):
        return ""
    there = ", ".join(token.roles)[:300] or "none"
    return f"consent missing: the token has no role {PERMISSION} (it has: {there}); grant admin consent"


def _not_now(left_s: float, why: str) -> str:
    return f"{why}; not asked again for {left_s:.0f} s"
