"""The simulated sign-in service: who may have which token, and whether a token shown later is a good one.

Knows: scopes, roles, AADSTS codes. Refuses to know: HTTP, and how an app proves itself (``credentials``). Tokens are
real JWTs, signed with a key that lives as long as the simulator: clients may decode them for
diagnosis and must not care how they are signed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from nacd.sim.microsoft.answers import Json
from nacd.sim.microsoft.credentials import credential_problem, text_of, unpacked
from nacd.sim.microsoft.state import App, TenantState

INTUNE_RESOURCES = ("https://api.manage.microsoft.com/", "https://api.manage.microsoft.us/")
GRAPH_RESOURCES = (
    "https://graph.microsoft.com",
    "https://graph.microsoft.us",
    "https://dod-graph.microsoft.us",
    "https://microsoftgraph.chinacloudapi.cn",
)

# code -> (OAuth error, HTTP status, sentence); the sentences are ours, the codes are Microsoft's
REFUSALS: Mapping[int, tuple[str, int, str]] = {
    700016: ("unauthorized_client", 400, "no application with this identifier in the directory"),
    7000215: ("invalid_client", 401, "the client secret is not right; send the value, not the id of the secret"),
    7000222: ("invalid_client", 401, "the client secret keys have expired"),
    700027: ("invalid_client", 401, "the certificate that signed the assertion is not registered for the application"),
    7000214: ("invalid_client", 401, "the certificate has been revoked"),
    700024: ("invalid_client", 401, "the assertion is not within its valid time range"),
    90002: ("invalid_request", 400, "tenant not found"),
    900021: ("invalid_request", 400, "the tenant identifier is neither a valid domain nor a GUID"),
    900023: ("invalid_request", 400, "the tenant identifier is neither a valid domain nor a GUID"),
    500011: ("invalid_resource", 400, "the resource principal was not found in the tenant"),
    1002012: ("invalid_scope", 400, "a client credentials scope has to end in /.default"),
    70011: ("invalid_scope", 400, "the scope is not valid"),
    7000112: ("unauthorized_client", 400, "the application is disabled"),
    7000229: ("unauthorized_client", 400, "the application has no service principal in the tenant"),
    53000: ("access_denied", 400, "access is blocked by a Conditional Access policy"),
    53003: ("access_denied", 400, "access is blocked by a Conditional Access policy"),
    50034: ("invalid_grant", 400, "the user account does not exist in the directory"),
    70003: ("unsupported_grant_type", 400, "the grant type is not supported"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The 200 body, and what the token is for."""

    body: dict[str, Json]
    scope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The error body with its HTTP status."""

    status: int
    code: int
    body: dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a bearer token turned out to be: ``problem`` is ``""`` when it is good, ``roles`` what it allows."""

    problem: str
    roles: tuple[str, ...] = ()


TokenAnswer: TypeAlias = Granted | Refused


class Login:
    """Grants and checks tokens for one tenant. ``own_origins``: the simulator's own ``https://host:port``."""

    def __init__(self, state: TenantState, tenants: tuple[str, ...]) -> None:
        """tenants: its names; the last one is its GUID, which stands in the tokens."""
        self._state = state
        self._tenants = tuple(tenant.lower() for tenant in tenants)
        self._key = secrets.token_bytes(32)
        self._generations = {"graph": 0, "compliance": 0}
        self.own_origins: tuple[str, ...] = ()

    def knows(self, tenant: str) -> bool:
        """Whether this is the tenant that is played."""
        return tenant.lower() in self._tenants

    def grant(self, tenant: str, form: Mapping[str, str], token_urls: tuple[str, ...]) -> TokenAnswer:
        """Answer a token request. token_urls: what an assertion may name as its audience."""
        if not self.knows(tenant):
            return refusal(90002, self._state.now())
        if form.get("grant_type") != "client_credentials":
            return refusal(70003, self._state.now())
        app = self._state.app(form.get("client_id", ""))
        if app is None:
            return refusal(700016, self._state.now())
        code = credential_problem(app, form, token_urls, self._state.now()) or self._check_scope(form.get("scope", ""))
        if code:
            return refusal(code, self._state.now())
        return self._grant(app, form["scope"])

    def check(self, authorization: str, service: str) -> Shown:
        """Look at an ``Authorization`` header; service: ``graph`` or ``compliance``."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or token.count(".") != 2:
            return Shown(problem="no bearer token")
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(text_of(self._sign(signed.encode())), signature):
            return Shown(problem="not a token of this simulator")
        claims = unpacked(signed.partition(".")[2])
        expires = claims.get("exp")
        if not isinstance(expires, int) or expires <= self._state.now():
            return Shown(problem="the token has expired")
        wanted = self._graph_resources() if service == "graph" else self._intune_resources()
        if claims.get("aud") not in wanted:
            return Shown(problem=f"the token is for `{claims.get('aud')}`")
        if claims.get("generation") != self._generations[service]:
            return Shown(problem="the token has been revoked")
        roles = claims.get("roles")
        return Shown(problem="", roles=tuple(str(role) for role in roles) if isinstance(roles, list) else ())

    def revoke(self, service: str = "") -> None:
        """No token given so far is good any more: for ``graph``, ``compliance``, or both. Raises ValueError."""
        if service not in ("", *self._generations):
            raise ValueError(f"`service` is one of {', '.join(self._generations)}, not `{service}`")
        for one in [service] if service else list(self._generations):
            self._generations[one] += 1

    def _intune_resources(self) -> tuple[str, ...]:
        more = self._state.tuning.intune_resource
        return (*INTUNE_RESOURCES, *(f"{origin}/" for origin in self.own_origins), *([more] if more else []))

    def _graph_resources(self) -> tuple[str, ...]:
        return (*GRAPH_RESOURCES, *self.own_origins)

    def _check_scope(self, scope: str) -> int:
        if not scope or " " in scope.strip():
            return 70011
        if not scope.endswith("/.default"):
            return 1002012
        resource = scope.removesuffix("/.default")
        # a single slash before .default asks for a resource without its trailing slash: granted, and useless
        known = (
            *self._graph_resources(),
            *(name for one in self._intune_resources() for name in (one, one.rstrip("/"))),
        )
        return 0 if resource in known else 500011

    def _grant(self, app: App, scope: str) -> Granted:
        tuning, now = self._state.tuning, int(self._state.now())
        resource = scope.removesuffix("/.default")
        service = "graph" if resource in self._graph_resources() else "compliance"
        roles = app.graph_roles if service == "graph" else app.intune_roles
        claims: dict[str, Json] = {
            "aud": resource,
            "iss": f"https://sts.windows.net/{self._tenants[-1]}/",
            "iat": now,
            "nbf": now,
            "exp": now + tuning.token_lifetime_s,
            "appid": app.client_id,
            "tid": self._tenants[-1],
            "roles": list(roles),
            "generation": self._generations[service],
            "jti": str(uuid.uuid4()),
        }
        signed = f"{_pack({'typ': 'JWT', 'alg': 'HS256', 'kid': 'nacd-simulator'})}.{_pack(claims)}"
        body: dict[str, Json] = {
            "token_type": "Bearer",
            "expires_in": tuning.token_lifetime_s,
            "ext_expires_in": tuning.token_lifetime_s,
            "access_token": f"{signed}.{text_of(self._sign(signed.encode()))}",
        }
        if tuning.refresh_in_s:
            body["refresh_in"] = tuning.refresh_in_s
        return Granted(body=body, scope=scope)

    def _sign(self, octets: bytes) -> bytes:
        return hmac.new(self._key, octets, hashlib.sha256).digest()


def refusal(code: int, now: float) -> Refused:
    """The body of a refusal, as the sign-in service words it. An unknown code gets ``invalid_request``."""
    error, status, sentence = REFUSALS.get(code, ("invalid_request", 400, "refused by the simulator"))
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    stamp = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(now))
    text = f"AADSTS{code}: {sentence}. Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}"
    body: dict[str, Json] = {
        "error": error,
        "error_description": text,
        "error_codes": [code],
        "timestamp": stamp,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={code}",
    }
    return Refused(status=status, code=code, body=body)


def openid_configuration(origin: str, tenant: str) -> dict[str, Json]:
    """What a client reads before it asks for a token."""
    return {
        "token_endpoint": f"{origin}/{tenant}/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "jwks_uri": f"{origin}/{tenant}/discovery/v2.0/keys",
        "issuer": f"{origin}/{tenant}/v2.0",
        "authorization_endpoint": f"{origin}/{tenant}/oauth2/v2.0/authorize",
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }


def _pack(claims: dict[str, Json]) -> str:
    return text_of(json.dumps(claims, separators=(",", ":")).encode())
