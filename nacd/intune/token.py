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
import threading
import time
from base64 import urlsafe_b64decode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import msal
from msal.exceptions import MsalError

from nacd.errors import SourceError
from nacd.intune.client import HttpAnswer, HttpClient
from nacd.intune.cloud import Audience, Hosts
from nacd.intune.credentials import CredentialRefusedError, Credentials, LoginService, for_msal
from nacd.intune.flight import Flights
from nacd.intune.nac.document import UnreadableError, read_json
from nacd.intune.options import IntuneOptions, ManagedIdentity
from nacd.intune.refusals import printable
from nacd.values import Secret

NEEDED_ROLE = "get_device_compliance"
_ACQUISITION_S = 15.0
_MARGIN_S = 30.0
# It reads an answer as if its fields were what they should be: a number for a text is an AttributeError.
_MSAL_RAISES = (
    MsalError,
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


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
        return not self.may((NEEDED_ROLE,))

    def may(self, roles: Collection[str]) -> bool:
        """Whether one of these roles is in it; True when it cannot be read, because then nobody knows."""
        return not self.readable or not set(roles).isdisjoint(self.roles)


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
        self.credentials = Credentials(options.credentials)
        """How things stand with the credentials."""
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

    def renewed(self, audience: Audience, refused: Token, until: float) -> Token:
        """Another token in place of one that was refused for its roles; this one, if none is to be had in half the
        time that is left."""
        now = time.monotonic()
        try:
            return self.fresh(audience, now + (until - now) / 2)
        except SourceError:
            return refused

    def _acquire(self, audience: Audience) -> Token:
        with self._lock:
            held = self._held.get(audience)
        if held is not None and held.good() and time.monotonic() < held.refresh_at:
            return held  # somebody else's flight landed between our look and our start
        return self._fetch(audience)

    def _fetch(self, audience: Audience) -> Token:
        """A new token by the credential that worked last, or by the other one when this is refused."""
        until = time.monotonic() + _ACQUISITION_S
        said, pause_s = list[str](), 0.0
        for place in self.credentials.in_order():
            login = self._login_service(place, until)
            try:
                token = self._ask(audience, place, login)
            except SourceError as trouble:
                said.append(trouble.detail)
                pause_s = max(pause_s, login.pause_s())
                if not (login.refuses or isinstance(trouble, CredentialRefusedError)):
                    break
                self.credentials.refused(place, trouble.detail)
            else:
                self.credentials.worked(place)
                with self._lock:
                    self._held[audience] = token
                    self._failures.pop(audience, None)
                return token
        detail = f"no token for {audience}: {'; the other credential: '.join(said)}"
        with self._lock:
            self._failures[audience] = _Failure(detail=detail, until=time.monotonic() + pause_s)
        raise SourceError(detail)

    def _login_service(self, place: int, until: float) -> LoginService:
        local = isinstance(self._options.credentials[place], ManagedIdentity)
        return LoginService(self._http, self._options.cloud.login, until, local=local)

    def _ask(self, audience: Audience, place: int, login: LoginService) -> Token:
        """One credential shown to the login service. Raises SourceError, in words."""
        started = time.monotonic()
        try:
            return _token(self._ask_msal(audience, place, login), login, started)
        except SourceError as trouble:
            raise type(trouble)(login.said() or trouble.detail) from trouble
        except _MSAL_RAISES as trouble:
            # MSAL's own texts quote URLs and bodies; what the service said was kept on the way.
            raise SourceError(login.said() or f"msal gave up ({type(trouble).__name__})") from trouble

    def _ask_msal(self, audience: Audience, place: int, login: LoginService) -> Mapping[str, Any]:
        options, credential = self._options, self.credentials.usable(place)
        if isinstance(credential, ManagedIdentity):
            identity = (
                msal.UserAssignedManagedIdentity(client_id=credential.client_id)
                if credential.client_id
                else msal.SystemAssignedManagedIdentity()
            )
            client = msal.ManagedIdentityClient(identity, http_client=login)
            return client.acquire_token_for_client(resource=options.cloud.target(audience)) or {}
        # instance_discovery=False: the operator named the cloud; nobody else is asked about its host.
        app = msal.ConfidentialClientApplication(
            options.client_id,
            client_credential=for_msal(credential),
            authority=f"{options.cloud.login}/{options.tenant}",
            http_client=login,
            instance_discovery=False,
        )
        return app.acquire_token_for_client([options.cloud.scope(audience)]) or {}


class Bearer:
    """Questions with a token of one audience, sent to allowed hosts only."""

    def __init__(self, http: HttpClient, tokens: TokenSource, audience: Audience, hosts: Hosts) -> None:
        self._http = http
        self._tokens = tokens
        self._audience = audience
        self._hosts = hosts
        self._refused: Token | None = None

    def get(self, url: str, accept: str, until: float) -> HttpAnswer:
        """The answer, whatever its status. A 401 drops the token and is tried once more with a fresh one.

        Raises SourceError when the host is not allowed or there is no token, UnreachableError when no
        answer came.
        """
        if refusal := self._hosts.refusal(url):
            raise SourceError(f"no token is sent: {refusal}")
        token = self._tokens.token(self._audience, until)
        if token is self._refused:
            # Roles are in the token: consent that was given since then comes with another one only.
            token = self._tokens.renewed(self._audience, token, until)
        answer = self._send(url, accept, token, until)
        self._refused = token if answer.status == 403 else None
        if answer.status != 401:
            return answer
        self._tokens.reject(self._audience, token)
        return self._send(url, accept, self._tokens.token(self._audience, until), until)

    def post(self, url: str, body: bytes, accept: str, until: float) -> HttpAnswer:
        """The same for a question whose words are a JSON body and which changes nothing.

        A 401 drops the token; whoever asks next has another one. Raises as ``get``.
        """
        if refusal := self._hosts.refusal(url):
            raise SourceError(f"no token is sent: {refusal}")
        token = self._tokens.token(self._audience, until)
        answer = self._send(url, accept, token, until, body)
        if answer.status == 401:
            self._tokens.reject(self._audience, token)
        return answer

    def _send(self, url: str, accept: str, token: Token, until: float, body: bytes = b"") -> HttpAnswer:
        secret = token.value.reveal()
        headers = {
            "Authorization": f"Bearer {secret.decode('ascii')}",
            "Accept": accept,
            "client-request-id": str(uuid4()),
        }
        if body:
            headers["Content-Type"] = "application/json"
        method = "POST" if body else "GET"
        return self._http.send(method, url, headers=headers, until=until, body=body).without(secret)


def _token(result: Mapping[str, Any], login: LoginService, started: float) -> Token:
    """MSAL's result as a value. started: monotonic seconds, taken before asking, so that age is never too small."""
    value = result.get("access_token")
    if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable():
        raise SourceError(login.said() or login.complaint(result))
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
        claims = read_json(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (IndexError, ValueError, binascii.Error, UnreadableError):
        return False, ()
    if not isinstance(claims, dict):
        return False, ()
    roles = claims.get("roles")
    return True, tuple(printable(role) for role in roles if isinstance(role, str)) if isinstance(roles, list) else ()
