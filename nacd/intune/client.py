"""The door to HTTP: one request, one answer, one deadline.

Knows: requests, TLS trust, the proxy, how a failure is said in words. Refuses to know: tokens,
what an answer means, retries. The environment changes nothing here: no proxy variables, no
~/.netrc, no CA bundle variables; redirects are not followed and cookies not kept.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from nacd.errors import SourceError
from nacd.intune.bounded import POOLS, limit, tls_context
from nacd.intune.presented import Onlooker, root_is_missing
from nacd.intune.refusals import blot

BODY_LIMIT = 2 * 1024 * 1024
_CHUNK = 16 * 1024
_IDLE_S = 45.0


class UnreachableError(SourceError):
    """No answer came: refused, cut, not trusted, too late. Asking once more may help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """What came back. headers: names in lower case. body: at most 2 MiB."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def content_type(self) -> str:
        """Media type without parameters, lower case; ``""`` if none was given."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def without(self, *secrets: bytes) -> HttpAnswer:
        """The answer as words may be made of it: what was sent in confidence and came back is blotted out."""
        headers = {
            name: blot(value.encode("latin-1", "replace"), secrets).decode("latin-1")
            for name, value in self.headers.items()
        }
        return replace(self, headers=headers, body=blot(self.body, secrets))


class HttpClient:
    """Sends requests; thread-safe, with one session (and connections kept for less than a minute) for each thread."""

    def __init__(self, *, ca_file: str = "", proxy: str = "", context: ssl.SSLContext | None = None) -> None:
        """ca_file, proxy: see ``IntuneOptions``. context: instead of one that trusts the CA file, of ``tls_context``.

        Raises OSError when the CA file cannot be read.
        """
        self._context = context or tls_context(ca_file)
        self._proxies = {"http": proxy, "https": proxy} if proxy else {}
        self._threads = threading.local()
        self._onlooker = Onlooker(proxy)

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        until: float,
        body: bytes = b"",
        local: bool = False,
    ) -> HttpAnswer:
        """One request, over by ``until`` (monotonic seconds). ``local``: plain http allowed, no proxy.

        Raises UnreachableError when no answer came, SourceError when it is too long or the URL is not https.
        """
        parts = urlsplit(url)
        if parts.scheme != "https" and not local:
            raise SourceError(f"`{parts.hostname}` is not asked over {parts.scheme or 'nothing'}, only over https")
        if until <= time.monotonic():
            raise UnreachableError("no time left to ask")
        try:
            with limit(until), self._open(method, url, headers, body, local) as response:
                received = self._read(response)
                return HttpAnswer(
                    status=response.status_code,
                    headers={name.lower(): value for name, value in response.headers.items()},
                    body=received,
                )
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as trouble:
            # ValueError: urllib3 lets it through for a piece of negative length.
            words = _in_words(trouble, parts.hostname or "")
            raise UnreachableError(words + self._presented(trouble, url, until)) from trouble

    def _presented(self, trouble: BaseException, url: str, until: float) -> str:
        """What the server presented, when it is not trusted: nobody should need a packet capture to see it."""
        refused = [cause for cause in _causes(trouble) if isinstance(cause, ssl.SSLCertVerificationError)]
        if not refused:
            return ""
        parts = urlsplit(url)
        seen = self._onlooker.look(parts.hostname or "", parts.port or 443, until)
        return f"; {seen.words(root_missing=root_is_missing(refused[0]))}"

    def _open(self, method: str, url: str, headers: Mapping[str, str], body: bytes, local: bool) -> requests.Response:
        # The timeout only has to exist: every read and write sets the time left itself.
        return self._session().request(
            method,
            url,
            headers={"User-Agent": "nacd", "Accept-Encoding": "identity", **headers},
            data=body or None,
            timeout=60.0,
            allow_redirects=False,
            stream=True,
            proxies={} if local else self._proxies,
        )

    def _read(self, response: requests.Response) -> bytes:
        received = bytearray()
        while chunk := response.raw.read(_CHUNK, decode_content=True):
            received += chunk
            if len(received) > BODY_LIMIT:
                raise SourceError(f"the answer is longer than {BODY_LIMIT} octets")
        return bytes(received)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._threads, "session", None)
        if session is None:
            session = _Session()
            session.trust_env = False
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
            session.headers.clear()
            adapter = _Adapter(self._context)
            session.mount("https://", adapter)
            session.mount("http://", adapter)
            self._threads.session = session
        elif time.monotonic() > self._threads.used_at + _IDLE_S:
            # A firewall in between may have forgotten the connection without a word: a request would wait in vain.
            session.close()
        self._threads.used_at = time.monotonic()
        return session


class _Session(requests.Session):
    """requests without its look at where a redirect leads: it would read the whole body for that, however long, and
    raise for what is no address, although nobody follows."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere."""


class _Adapter(HTTPAdapter):
    """requests' transport with our trust and our connections; it never retries."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(max_retries=0, pool_connections=4, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        made = super().proxy_manager_for(proxy, ssl_context=self._context, **kwargs)
        made.pool_classes_by_scheme = POOLS
        return made

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave trust to the context: requests would add certifi's roots to it here."""


def _in_words(trouble: BaseException, host: str) -> str:
    """What went wrong, deepest cause first: the wrappers say little and quote URLs."""
    causes = list(_causes(trouble))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate of `{host}` is not trusted: {cause.verify_message}"
    for cause in causes:
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, TimeoutError):
            return f"tls with `{host}` failed: {(cause.reason or 'protocol error').lower().replace('_', ' ')}"
    if any(isinstance(cause, requests.exceptions.ProxyError | urllib3.exceptions.ProxyError) for cause in causes):
        return f"the proxy does not lead to `{host}`"
    if any(isinstance(cause, TimeoutError | urllib3.exceptions.TimeoutError) for cause in causes):
        return f"`{host}` did not answer in time"
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return f"`{host}` refuses the connection"
    if any(isinstance(cause, ConnectionResetError | BrokenPipeError) for cause in causes):
        return f"`{host}` cut the connection"
    return f"the connection to `{host}` failed: {type(causes[-1]).__name__}"


def _causes(trouble: BaseException) -> Iterator[BaseException]:
    """The exception and what is wrapped in it, in the four ways the two libraries wrap."""
    waiting, seen = [trouble], set[int]()
    while waiting:
        cause = waiting.pop(0)
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        wrapped = (cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args)
        waiting.extend(inner for inner in wrapped if isinstance(inner, BaseException))
