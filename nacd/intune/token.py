"""The door to MSAL: tokens for Graph and for Intune, and asking with them.

Knows: how a credential becomes a token, how long one is good, when to fetch the next. Refuses to
know: what is asked with it. Nothing here runs in a caller's thread except waiting: MSAL goes to the
network even while being built, so each acquisition is a flight of its own, with a new MSAL object
(an old one remembers refusals for a minute after the operator has put them right).

The last good token is kept here and used until 30 s before its end whatever the login service
says meanwhile: MSAL raises on 5xx although its cached token is still good.
"""

from __future__ import annotations

import binascii
import json
import threading
import time
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import msal
from msal.exceptions import MsalError

from nacd.errors import SourceError
from nacd.intune import aadsts
from nacd.intune.client import HttpAnswer, HttpClient
from nacd.intune.cloud import Audience, Hosts, netloc
from nacd.intune.flight import Flights
from nacd.intune.options import (
    IntuneOptions,
    ManagedIdentity,
    PemCredential,
    PfxCredential,
    SecretCredential,
    inspect,
)
from nacd.intune.refusals import retry_after_s
from nacd.values import Secret

NEEDED_ROLE = "get_device_compliance"
_ACQUISITION_S = 15.0
_MARGIN_S = 30.0
_AFTER_REFUSAL_S = 30.0
_AFTER_OUTAGE_S = 5.0
_LONGEST_PAUSE_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A bearer token. expires_at, refresh_at: monotonic seconds. roles: what the tenant consented to;
    meaningless unless ``readable`` (the token could be looked into)."""

    value: Secret
    expires_at: float
    refresh_at: float
    roles: tuple[str, ...] = ()
    readable: bool = False

    def good(self) -> bool:
        """Whether it may still be sent."""
        return time.monotonic() < self.expires_at - _MARGIN_S

    @property
    def lacks_consent(self) -> bool:
        """It can be read, and the role Compliance Retrieval asks for is not in it."""
        return self.readable and NEEDED_ROLE not in self.roles


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    detail: str
    until: float


class TokenSource:
    """Tokens by audience; thread-safe. One acquisition at a time for each audience."""

    def __init__(self, options: IntuneOptions, http: HttpClient, flights: Flights) -> None:
        self._options = options
        self._http = http
        self._flights = flights
        self._lock = threading.Lock()
        self._held: dict[Audience, Token] = {}
        self._failures: dict[Audience, _Failure] = {}

    def token(self, audience: Audience, until: float) -> Token:
        """A good token; waits for one until ``until`` (monotonic seconds). Raises SourceError, in words."""
        with self._lock:
            held, failure = self._held.get(audience), self._failures.get(audience)
        now = time.monotonic()
        pausing = failure is not None and now < failure.until
        if held is not None and held.good():
            if now >= held.refresh_at and not pausing:
                self._flights.start(("token", audience), lambda: self._acquire(audience))
            return held
        if failure is not None and pausing:
            raise SourceError(failure.detail)
        return self._flights.run(
            ("token", audience), lambda: self._acquire(audience), until, f"getting a token for {audience}"
        )

    def held(self, audience: Audience) -> Token | None:
        """The token in hand, for reports; None before the first."""
        with self._lock:
            return self._held.get(audience)

    def reject(self, audience: Audience, token: Token) -> None:
        """This token was refused: never send it again. A fresh one that came meanwhile stays."""
        with self._lock:
            if self._held.get(audience) is token:
                del self._held[audience]

    def fresh(self, audience: Audience, until: float) -> Token:
        """A new token from the login service, whatever is in hand and whatever failed before (for a live test)."""
        with self._lock:
            self._failures.pop(audience, None)
        key = ("fresh token", audience)
        return self._flights.run(key, lambda: self._fetch(audience), until, f"getting a token for {audience}")

    def _acquire(self, audience: Audience) -> Token:
        with self._lock:
            held = self._held.get(audience)
        if held is not None and held.good() and time.monotonic() < held.refresh_at:
            return held  # somebody else's flight landed between our look and our start
        return self._fetch(audience)

    def _fetch(self, audience: Audience) -> Token:
        http = _MsalHttp(self._http, self._options)
        started = time.monotonic()
        try:
            result = self._ask_msal(audience, http)
            token = _token(result, http, started)
        except SourceError as trouble:
            detail = f"no token for {audience}: {trouble.detail}"
            self._remember(audience, detail, http)
            raise SourceError(detail) from trouble
        except (MsalError, ValueError, TypeError, KeyError, RuntimeError, OSError) as trouble:
            # MSAL's own texts quote URLs and bodies; what the service said was kept on the way.
            detail = f"no token for {audience}: {http.said() or f'msal gave up ({type(trouble).__name__})'}"
            self._remember(audience, detail, http)
            raise SourceError(detail) from trouble
        with self._lock:
            self._held[audience] = token
            self._failures.pop(audience, None)
        return token

    def _ask_msal(self, audience: Audience, http: _MsalHttp) -> Mapping[str, Any]:
        options, credential = self._options, self._options.credential
        if problem := inspect(credential).problem:
            raise SourceError(problem)
        if isinstance(credential, ManagedIdentity):
            identity = (
                msal.UserAssignedManagedIdentity(client_id=credential.client_id)
                if credential.client_id
                else msal.SystemAssignedManagedIdentity()
            )
            client = msal.ManagedIdentityClient(identity, http_client=http)
            return client.acquire_token_for_client(resource=options.cloud.target(audience)) or {}
        # instance_discovery=False: the operator named the cloud; nobody else is asked about its host.
        app = msal.ConfidentialClientApplication(
            options.client_id,
            client_credential=_for_msal(credential),
            authority=f"{options.cloud.login}/{options.tenant}",
            http_client=http,
            instance_discovery=False,
        )
        return app.acquire_token_for_client([options.cloud.scope(audience)]) or {}

    def _remember(self, audience: Audience, detail: str, http: _MsalHttp) -> None:
        failure = _Failure(detail=detail, until=time.monotonic() + http.pause_s())
        with self._lock:
            self._failures[audience] = failure


class Bearer:
    """GET with a token of one audience, sent to allowed hosts only."""

    def __init__(self, http: HttpClient, tokens: TokenSource, audience: Audience, hosts: Hosts) -> None:
        self._http = http
        self._tokens = tokens
        self._audience = audience
        self._hosts = hosts

    def get(self, url: str, accept: str, until: float) -> HttpAnswer:
        """The answer, whatever its status. A 401 drops the token and is tried once more with a fresh one.

        Raises SourceError when the host is not allowed or there is no token, UnreachableError when no
        answer came.
        """
        if refusal := self._hosts.refusal(url):
            raise SourceError(f"no token is sent: {refusal}")
        token = self._tokens.token(self._audience, until)
        answer = self._send(url, accept, token, until)
        if answer.status != 401:
            return answer
        self._tokens.reject(self._audience, token)
        return self._send(url, accept, self._tokens.token(self._audience, until), until)

    def _send(self, url: str, accept: str, token: Token, until: float) -> HttpAnswer:
        headers = {
            "Authorization": f"Bearer {token.value.reveal().decode('ascii')}",
            "Accept": accept,
            "client-request-id": str(uuid4()),
        }
        return self._http.send("GET", url, headers=headers, until=until)


class _MsalHttp:
    """MSAL's way out: our client, our deadline, the login service only; remembers what was said."""

    def __init__(self, http: HttpClient, options: IntuneOptions) -> None:
        self._http = http
        self._until = time.monotonic() + _ACQUISITION_S
        self._local = isinstance(options.credential, ManagedIdentity)
        self._host = netloc(options.cloud.login)
        self._last: HttpAnswer | None = None

    def get(
        self, url: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None, **_: Any
    ) -> _MsalAnswer:
        return self._send("GET", url, params, headers, b"")

    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> _MsalAnswer:
        form = {name: value for name, value in (data or {}).items() if value is not None}
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._send("POST", url, params, {**(headers or {}), **kind}, urlencode(form, doseq=True).encode())

    def close(self) -> None:
        """Nothing of its own to close."""

    def said(self) -> str:
        """What the login service last complained of, in words; ``""`` if it did not."""
        if self._last is None or self._last.status < 400:
            return ""
        error = json.loads(self._last.body) if _is_json_object(self._last.body) else {}
        return _complaint(error, self._last.body.decode("utf-8", "replace"), self._last.status)

    def pause_s(self) -> float:
        """Seconds for which asking again makes no sense."""
        if self._last is None or self._last.status < 400:
            return _AFTER_OUTAGE_S
        wanted_s = retry_after_s(self._last.headers, time.time(), default_s=0.0)
        short = self._last.status >= 500
        return min(_LONGEST_PAUSE_S, max(wanted_s, _AFTER_OUTAGE_S if short else _AFTER_REFUSAL_S))

    def _send(
        self, method: str, url: str, params: Mapping[str, str] | None, headers: Mapping[str, str] | None, body: bytes
    ) -> _MsalAnswer:
        if not self._local and netloc(url) != self._host:
            raise SourceError(f"the login service points to another host, `{netloc(url) or 'unreadable'}`")
        if params:
            url = f"{url}?{urlencode(params)}"
        self._last = None
        self._last = self._http.send(
            method, url, headers=headers or {}, until=self._until, body=body, local=self._local
        )
        if self._last.status < (500 if method == "POST" else 400) and not _is_json_object(self._last.body):
            # Told here in words; MSAL would put the whole body into the log.
            strange = "the login service does not answer in json: is a proxy or tls inspection in between?"
            raise SourceError(self.said() or strange)
        return _MsalAnswer(self._last)


class _MsalAnswer:
    """An answer in the shape MSAL reads."""

    def __init__(self, answer: HttpAnswer) -> None:
        self.status_code = answer.status
        self.text = answer.body.decode("utf-8", "replace")
        self.headers = answer.headers

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise MsalError(f"status {self.status_code}")


def _is_json_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False


def _for_msal(credential: SecretCredential | PemCredential | PfxCredential) -> str | dict[str, str | bool]:
    """The credential as MSAL wants it. A certificate without thumbprint makes MSAL sign PS256 with x5t#S256."""
    match credential:
        case SecretCredential(secret=secret):
            return secret.reveal().decode()
        case PemCredential(certificate=certificate, private_key=key, passphrase=passphrase):
            pem: dict[str, str | bool] = {
                "private_key": key.reveal().decode(),
                "public_certificate": certificate.decode(),
            }
            return pem | ({"passphrase": passphrase.reveal().decode()} if passphrase.reveal() else {})
        case PfxCredential(path=path, passphrase=passphrase):
            pfx: dict[str, str | bool] = {"private_key_pfx_path": path, "public_certificate": True}
            return pfx | ({"passphrase": passphrase.reveal().decode()} if passphrase.reveal() else {})


def _token(result: Mapping[str, Any], http: _MsalHttp, started: float) -> Token:
    """MSAL's result as a value. started: monotonic seconds, taken before asking, so that age is never too small."""
    value = result.get("access_token")
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise SourceError(http.said() or _complaint(result, str(result.get("error_description") or ""), 0))
    lifetime_s = float(result.get("expires_in") or 0)
    refresh_s = float(result.get("refresh_in") or lifetime_s * 0.75)
    readable, roles = _roles(value)
    return Token(
        value=Secret(value.encode("ascii")),
        expires_at=started + lifetime_s,
        refresh_at=started + min(refresh_s, lifetime_s),
        roles=roles,
        readable=readable,
    )


def _roles(token: str) -> tuple[bool, tuple[str, ...]]:
    """The ``roles`` claim, for diagnosis only: nothing is verified here."""
    try:
        body = token.split(".")[1]
        claims = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (IndexError, ValueError, binascii.Error, RecursionError):
        return False, ()
    if not isinstance(claims, dict):
        return False, ()
    roles = claims.get("roles")
    return True, tuple(role for role in roles if isinstance(role, str)) if isinstance(roles, list) else ()


def _complaint(error: Mapping[str, Any], text: str, status: int) -> str:
    if status == 429 or status >= 500:
        return f"the login service is failing or busy (status {status})"
    found = aadsts.codes(error.get("error_codes"), text)
    words = str(error.get("error_description") or "")
    name = str(error.get("error") or (f"status {status}" if status else ""))
    return f"the login service refuses: {aadsts.sentence(found, name, words)}"
