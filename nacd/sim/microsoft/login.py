"""The simulated sign-in service: who may have which token, and whether a token shown later is a good one.

Knows: client secrets, signed assertions, scopes, AADSTS codes. Refuses to know: HTTP. Tokens are
real JWTs, signed with a key that lives as long as the simulator: clients may decode them for
diagnosis and must not care how they are signed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from nacd.sim.microsoft.answers import Json
from nacd.sim.microsoft.state import App, TenantState

INTUNE_RESOURCES = ("https://api.manage.microsoft.com/", "https://api.manage.microsoft.us/")
GRAPH_RESOURCES = (
    "https://graph.microsoft.com",
    "https://graph.microsoft.us",
    "https://dod-graph.microsoft.us",
    "https://microsoftgraph.chinacloudapi.cn",
)

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SKEW_S = 300.0

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
        self._state = state
        self._tenants = tuple(tenant.lower() for tenant in tenants)
        self._key = secrets.token_bytes(32)
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
        code = self._check_credential(app, form, token_urls) or self._check_scope(form.get("scope", ""))
        if code:
            return refusal(code, self._state.now())
        return self._grant(app, tenant, form["scope"])

    def check(self, authorization: str, service: str) -> Shown:
        """Look at an ``Authorization`` header; service: ``graph`` or ``compliance``."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or token.count(".") != 2:
            return Shown(problem="no bearer token")
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(_b64(self._sign(signed.encode())), signature):
            return Shown(problem="not a token of this simulator")
        claims = _unpack(signed.partition(".")[2])
        expires = claims.get("exp")
        if not isinstance(expires, int) or expires <= self._state.now():
            return Shown(problem="the token has expired")
        wanted = self._graph_resources() if service == "graph" else self._intune_resources()
        if claims.get("aud") not in wanted:
            return Shown(problem=f"the token is for `{claims.get('aud')}`")
        roles = claims.get("roles")
        return Shown(problem="", roles=tuple(str(role) for role in roles) if isinstance(roles, list) else ())

    def _intune_resources(self) -> tuple[str, ...]:
        return (*INTUNE_RESOURCES, *(f"{origin}/" for origin in self.own_origins))

    def _graph_resources(self) -> tuple[str, ...]:
        return (*GRAPH_RESOURCES, *self.own_origins)

    def _check_scope(self, scope: str) -> int:
        if not scope or " " in scope.strip():
            return 70011
        if not scope.endswith("/.default"):
            return 1002012
        resource = scope.removesuffix("/.default")
        # a single slash before .default asks for a resource without its trailing slash: granted, and useless
        known = (*self._intune_resources(), *self._graph_resources(), *(one[:-1] for one in INTUNE_RESOURCES))
        return 0 if resource in known else 500011

    def _check_credential(self, app: App, form: Mapping[str, str], token_urls: tuple[str, ...]) -> int:
        if "client_assertion" in form:
            if form.get("client_assertion_type") != _ASSERTION_TYPE:
                return 700027
            return self._check_assertion(app, form["client_assertion"], token_urls)
        right = hmac.compare_digest(form.get("client_secret", "").encode(), app.secret.encode())
        return 0 if app.secret and right else 7000215

    def _check_assertion(self, app: App, assertion: str, token_urls: tuple[str, ...]) -> int:
        """RFC 7523 section 3, with the certificate chosen by ``x5t#S256`` or ``x5t``."""
        parts = assertion.split(".")
        if len(parts) != 3:
            return 700027
        try:
            header, claims = _unpack(parts[0]), _unpack(parts[1])
            signature = _unb64(parts[2])
        except (ValueError, TypeError):
            return 700027
        public = _registered_key(app, header)
        if public is None or not _signed_by(public, header.get("alg"), f"{parts[0]}.{parts[1]}".encode(), signature):
            return 700027
        if claims.get("aud") not in token_urls or claims.get("iss") != claims.get("sub"):
            return 700027
        if str(claims.get("iss")).lower() != app.client_id.lower():
            return 700027
        expires, starts = claims.get("exp"), claims.get("nbf", claims.get("iat", 0))
        if not isinstance(expires, (int, float)) or not isinstance(starts, (int, float)):
            return 700024
        in_time = starts - _SKEW_S <= self._state.now() <= expires + _SKEW_S
        return 0 if in_time else 700024

    def _grant(self, app: App, tenant: str, scope: str) -> Granted:
        tuning, now = self._state.tuning, int(self._state.now())
        resource = scope.removesuffix("/.default")
        roles = app.graph_roles if resource in self._graph_resources() else app.intune_roles
        claims: dict[str, Json] = {
            "aud": resource,
            "iss": f"https://sts.windows.net/{tenant}/",
            "iat": now,
            "nbf": now,
            "exp": now + tuning.token_lifetime_s,
            "appid": app.client_id,
            "tid": tenant,
            "roles": list(roles),
            "jti": str(uuid.uuid4()),
        }
        signed = f"{_pack({'typ': 'JWT', 'alg': 'HS256', 'kid': 'nacd-simulator'})}.{_pack(claims)}"
        body: dict[str, Json] = {
            "token_type": "Bearer",
            "expires_in": tuning.token_lifetime_s,
            "ext_expires_in": tuning.token_lifetime_s,
            "access_token": f"{signed}.{_b64(self._sign(signed.encode()))}",
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


def _registered_key(app: App, header: Mapping[str, object]) -> rsa.RSAPublicKey | None:
    for pem in app.certificates:
        certificate = x509.load_pem_x509_certificate(pem)
        sha1, sha256 = certificate.fingerprint(hashes.SHA1()), certificate.fingerprint(hashes.SHA256())  # noqa: S303
        if _bare(header.get("x5t#S256")) == _b64(sha256) or _bare(header.get("x5t")) == _b64(sha1):
            public = certificate.public_key()
            return public if isinstance(public, rsa.RSAPublicKey) else None
    return None


def _signed_by(public: rsa.RSAPublicKey, algorithm: object, octets: bytes, signature: bytes) -> bool:
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)
    paddings: dict[object, padding.PSS | padding.PKCS1v15] = {"PS256": pss, "RS256": padding.PKCS1v15()}
    if algorithm not in paddings:
        return False
    try:
        public.verify(signature, octets, paddings[algorithm], hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _pack(claims: dict[str, Json]) -> str:
    return _b64(json.dumps(claims, separators=(",", ":")).encode())


def _unpack(part: str) -> dict[str, object]:
    claims = json.loads(_unb64(part))
    if not isinstance(claims, dict):
        raise TypeError("not a JSON object")
    return claims


def _b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _bare(value: object) -> str:
    """A thumbprint without padding: clients send it with or without."""
    return value.rstrip("=") if isinstance(value, str) else ""
