"""How the app proves itself: its one or two credentials, and the way to the login service.

Knows: which credential is tried first, what each was refused for and when it ends, how MSAL wants it, what the
login service complained of and for how long. Refuses to know: MSAL itself and tokens (``token``).

With two credentials the second one takes over when the login service refuses the first, in the same acquisition;
the one that worked is tried first from then on. An outage is no refusal: another credential would not help.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from nacd.errors import SourceError
from nacd.intune import aadsts
from nacd.intune.client import HttpAnswer, HttpClient
from nacd.intune.cloud import netloc
from nacd.intune.nac.document import UnreadableError, read_json
from nacd.intune.options import Credential, ManagedIdentity, PemCredential, PfxCredential, SecretCredential, inspect
from nacd.intune.refusals import blot, retry_after_s

_AFTER_REFUSAL_S = 30.0
_AFTER_OUTAGE_S = 5.0
_LONGEST_PAUSE_S = 3600.0
_CONFIDED = ("client_secret", "client_assertion", "authorization", "x-identity-header", "secret")
"""Fields of a form, and headers, that a login service is shown and nobody else may see."""


class CredentialRefusedError(SourceError):
    """This credential will not do, and another one may: the login service said so, or it cannot even be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialStatus:
    """How things stand with one credential. Nothing in it is secret.

    kind: ``client secret``, ``certificate`` or ``managed identity``. expires_at: seconds since the epoch, 0.0 if
    nobody knows. in_use: the last token came by it. refused: why it was refused when it was tried last, ``""`` if
    it was not. problem: what can be seen to be wrong without asking anybody.
    """

    kind: str
    expires_at: float
    in_use: bool
    refused: str
    problem: str


class Credentials:
    """The credentials in the order they are tried. Thread-safe."""

    def __init__(self, given: tuple[Credential, ...]) -> None:
        """Looks at each once (a PFX file is read)."""
        self._given = given
        self._lock = threading.Lock()
        self._seen = [inspect(one) for one in given]
        self._refused = [""] * len(given)
        self._first = 0
        self._in_use = -1

    def in_order(self) -> tuple[int, ...]:
        """Places of the credentials, the one that worked last at the front."""
        with self._lock:
            return (self._first, *(place for place in range(len(self._given)) if place != self._first))

    def usable(self, place: int) -> Credential:
        """The credential at this place, looked at once more. Raises CredentialRefusedError when it cannot be used."""
        seen = inspect(self._given[place])
        with self._lock:
            self._seen[place] = seen
        if seen.problem:
            raise CredentialRefusedError(seen.problem)
        return self._given[place]

    def worked(self, place: int) -> None:
        """A token came by it."""
        with self._lock:
            self._first = self._in_use = place
            self._refused[place] = ""

    def refused(self, place: int, why: str) -> None:
        """It was refused."""
        with self._lock:
            self._refused[place] = why

    def report(self) -> tuple[CredentialStatus, ...]:
        """All of them, in the order they were given; reads no file."""
        with self._lock:
            return tuple(
                CredentialStatus(
                    kind=kind(one),
                    expires_at=self._seen[place].not_after,
                    in_use=place == self._in_use,
                    refused=self._refused[place],
                    problem=self._seen[place].problem,
                )
                for place, one in enumerate(self._given)
            )


def kind(credential: Credential) -> str:
    """What sort of credential it is, for people."""
    match credential:
        case SecretCredential():
            return "client secret"
        case PemCredential() | PfxCredential():
            return "certificate"
        case ManagedIdentity():
            return "managed identity"


def for_msal(credential: SecretCredential | PemCredential | PfxCredential) -> str | dict[str, str | bool]:
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


class LoginService:
    """MSAL's way out: our client, our deadline, the login service only; remembers what was said.

    login: root of the login service. until: monotonic seconds. local: the machine itself is asked (managed identity).
    """

    def __init__(self, http: HttpClient, login: str, until: float, *, local: bool = False) -> None:
        self._http = http
        self._until = until
        self._local = local
        self._host = netloc(login)
        self._last: HttpAnswer | None = None
        self._confided: tuple[bytes, ...] = ()

    def get(
        self, url: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None, **_: Any
    ) -> LoginAnswer:
        """As requests has it."""
        return self._send("GET", url, params, headers, b"")

    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> LoginAnswer:
        """As requests has it."""
        form = {name: value for name, value in (data or {}).items() if value is not None}
        sort = {"Content-Type": "application/x-www-form-urlencoded"}
        octets = urlencode(form, doseq=True).encode()
        return self._send("POST", url, params, {**(headers or {}), **sort}, octets, confided=_confided(form))

    def close(self) -> None:
        """Nothing of its own to close."""

    @property
    def refuses(self) -> bool:
        """Whether it refused what it was shown: neither an outage nor a throttle."""
        return self._last is not None and self._last.status in (400, 401)

    def said(self) -> str:
        """What the login service last complained of, in words; ``""`` if it did not."""
        if self._last is None or self._last.status < 400:
            return ""
        return complaint(
            _json_object(self._last.body) or {}, self._last.body.decode("utf-8", "replace"), self._last.status
        )

    def complaint(self, result: Mapping[str, Any]) -> str:
        """What MSAL's result complains of, in words; nothing in it that the login service was shown."""
        said = {
            name: blot(value.encode("utf-8", "replace"), self._confided).decode("utf-8", "replace")
            for name, value in result.items()
            if isinstance(value, str)
        }
        return complaint({**result, **said}, said.get("error_description", ""), 0)

    def pause_s(self) -> float:
        """Seconds for which asking again makes no sense: Retry-After, else a few for an outage, more for a refusal."""
        if self._last is None or self._last.status < 400:
            return _AFTER_OUTAGE_S
        busy = self._last.status == 429 or self._last.status >= 500
        default_s = _AFTER_OUTAGE_S if busy else _AFTER_REFUSAL_S
        return min(_LONGEST_PAUSE_S, max(1.0, retry_after_s(self._last.headers, time.time(), default_s=default_s)))

    def _send(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        body: bytes,
        *,
        confided: tuple[bytes, ...] = (),
    ) -> LoginAnswer:
        if not self._local and netloc(url) != self._host:
            raise SourceError(f"the login service points to another host, `{netloc(url) or 'unreadable'}`")
        if params:
            url = f"{url}?{urlencode(params)}"
        self._last = None
        self._confided = confided + _confided(headers or {})
        answer = self._http.send(method, url, headers=headers or {}, until=self._until, body=body, local=self._local)
        self._last = answer.without(*self._confided)  # what words are made of; MSAL reads the answer as it came
        if answer.status < (500 if method == "POST" else 400) and _json_object(answer.body) is None:
            # Told here in words; MSAL would put the whole body into the log.
            strange = "the login service does not answer in json: is a proxy or tls inspection in between?"
            raise SourceError(self.said() or strange)
        return LoginAnswer(answer)


class LoginAnswer:
    """An answer in the shape MSAL reads."""

    def __init__(self, answer: HttpAnswer) -> None:
        self.status_code = answer.status
        self.text = answer.body.decode("utf-8", "replace")
        self.headers = answer.headers

    def raise_for_status(self) -> None:
        """Raises SourceError for 4xx and 5xx."""
        if self.status_code >= 400:
            raise SourceError(f"the login service is failing or busy (status {self.status_code})")


def complaint(error: Mapping[str, Any], text: str, status: int) -> str:
    """What the login service complains of, in words. status 0: not known."""
    if status == 429 or status >= 500:
        return f"the login service is failing or busy (status {status})"
    found = aadsts.codes(error.get("error_codes"), text)
    words = str(error.get("error_description") or "")
    name = str(error.get("error") or (f"status {status}" if status else ""))
    return f"the login service refuses: {aadsts.sentence(found, name, words)}"


def _confided(fields: Mapping[str, Any]) -> tuple[bytes, ...]:
    return tuple(str(value).encode() for name, value in fields.items() if name.lower() in _CONFIDED)


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        found = read_json(body)
    except UnreadableError:
        return None
    return found if isinstance(found, dict) else None
