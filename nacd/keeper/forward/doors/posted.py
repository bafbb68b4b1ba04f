"""HTTPS: a batch is a POST, and 2xx means that it was taken.

Knows: headers, secrets, what each status asks for. Refuses to know: TLS, proxies and deadlines (``intune/client`` is
the door to HTTP), and bodies (``bodies``). Redirects are not followed: they would carry records to somebody else.
"""

from __future__ import annotations

import base64
import gzip
import time
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import Final

from nacd.config.sections.audit.forwarding import Destination
from nacd.errors import SourceError
from nacd.intune.client import HttpAnswer, HttpClient
from nacd.keeper.forward.cursor import Place
from nacd.keeper.forward.doors.bodies import BODIES, bulk_verdict
from nacd.keeper.forward.doors.door import Event, Refused, Trouble, context_of

_REFUSALS: Final = frozenset({400, 413, 422})
_BUSY: Final = frozenset({429, 503})
_MOST_WAIT_S: Final = 600.0


class Posted:
    """One destination over HTTP."""

    def __init__(self, destination: Destination, version: str) -> None:
        """version: of nacd, told as User-Agent."""
        self._to = destination
        self._body = BODIES[destination.http.body]
        self._headers = _headers(destination, self._body.content_type, version)
        self._client: HttpClient | None = None
        self._passed: Place | None = None
        self._sound = False

    def send(self, events: Sequence[Event]) -> None:
        """Post them. Raises Trouble, and Refused when this batch will never be taken."""
        octets = self._body.join(events)
        if self._to.http.gzip:
            octets = gzip.compress(octets, compresslevel=4, mtime=0)
        self._judge(self._post(octets), len(events))
        self._sound = True

    def passed(self, place: Place) -> None:
        self._passed = place

    def settled(self) -> Place | None:
        found, self._passed = self._passed, None
        return found

    def sound(self) -> bool:
        return self._sound

    def tend(self) -> None:
        """Nothing: connections that are old are not used again by the client."""

    def forget(self) -> None:
        self._passed, self._sound = None, False
        self._client = None

    def close(self) -> None:
        self.forget()

    def _post(self, octets: bytes) -> HttpAnswer:
        if self._client is None:
            self._client = HttpClient(proxy=self._to.http.proxy or "", context=context_of(self._to))
        until = time.monotonic() + self._to.timeout.total_seconds()
        local = self._to.scheme == "http"
        try:
            return self._client.send("POST", self._to.url, headers=self._headers, until=until, body=octets, local=local)
        except SourceError as trouble:
            raise Trouble(trouble.detail) from trouble

    def _judge(self, answer: HttpAnswer, count: int) -> None:
        status = answer.status
        if 200 <= status < 300:
            if self._to.http.body == "bulk":
                self._judge_each(answer, count)
            return
        if status in _REFUSALS:
            raise Refused(f"`{self._to.host}` refuses it with status {status}")
        if 300 <= status < 400:
            raise Trouble(f"`{self._to.host}` sends nacd elsewhere (status {status}): write the final address in `url`")
        words = f"`{self._to.host}` answers with status {status}"
        if status in (401, 403):
            words += ": it does not accept `http.login`"
        raise Trouble(words, _asked_to_wait_s(answer.headers.get("retry-after", "")) if status in _BUSY else 0.0)

    def _judge_each(self, answer: HttpAnswer, count: int) -> None:
        verdict = bulk_verdict(answer.body, count)
        if verdict.trouble:
            raise Trouble(verdict.trouble)
        if verdict.refused:
            # Those that were taken are there under their ids: the halves of this batch find them so.
            raise Refused(f"`{self._to.host}` refuses it: {next(iter(verdict.refused.values()))}")


def _headers(destination: Destination, content_type: str, version: str) -> dict[str, str]:
    http = destination.http
    made = {"User-Agent": f"nacd/{version}", "Content-Type": content_type, **http.headers}
    if http.gzip:
        made["Content-Encoding"] = "gzip"
    if http.login is not None:
        secret = http.login.secret.reveal().decode("utf-8", "replace").strip()
        if http.login.scheme == "Basic":
            secret = base64.b64encode(f"{http.login.user}:{secret}".encode()).decode()
        made[http.login.header] = f"{http.login.scheme} {secret}".strip()
    return made


def _asked_to_wait_s(header: str) -> float:
    """Retry-After: seconds, or a date (RFC 9110 section 10.2.3); 0 for neither, and never longer than is sane."""
    try:
        wait_s = float(header) if header.isascii() and header.isdigit() else _until_s(header)
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(wait_s, 0.0), _MOST_WAIT_S)


def _until_s(header: str) -> float:
    return parsedate_to_datetime(header).timestamp() - time.time()
