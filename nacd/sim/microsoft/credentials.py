"""What an app registration proves itself with: a client secret or a signed assertion, and which of them are refused.

Knows: RFC 7523 assertions, thumbprints (``x5t#S256``, ``x5t``), the AADSTS code of each refusal. Refuses to
know: scopes, tokens, HTTP.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from nacd.sim.microsoft.scene import App

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_SKEW_S = 300.0


def credential_problem(app: App, form: Mapping[str, str], token_urls: tuple[str, ...], now: float) -> int:
    """The AADSTS code of what is wrong with the credential in a token request, 0 when it is good.

    token_urls: what an assertion may name as its audience. now: seconds since the epoch.
    """
    if "client_assertion" in form:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            return 700027
        return _assertion_problem(app, form["client_assertion"], token_urls, now)
    return _secret_problem(app, form.get("client_secret", ""))


def _secret_problem(app: App, shown: str) -> int:
    for secret in (app.secret, *app.more_secrets):
        if secret and hmac.compare_digest(shown.encode(), secret.encode()):
            return app.refused.get(secret, 0)
    return 7000215


def _assertion_problem(app: App, assertion: str, token_urls: tuple[str, ...], now: float) -> int:
    """RFC 7523 section 3, with the certificate chosen by ``x5t#S256`` or ``x5t``."""
    parts = assertion.split(".")
    if len(parts) != 3:
        return 700027
    try:
        header, claims = unpacked(parts[0]), unpacked(parts[1])
        signature = octets_of(parts[2])
    except (ValueError, TypeError):
        return 700027
    certificate = _registered(app, header)
    if certificate is None or not _signed_by(
        certificate.public_key(), header.get("alg"), f"{parts[0]}.{parts[1]}".encode(), signature
    ):
        return 700027
    if claims.get("aud") not in token_urls or claims.get("iss") != claims.get("sub"):
        return 700027
    if str(claims.get("iss")).lower() != app.client_id.lower():
        return 700027
    if code := app.refused.get(thumbprint(certificate), 0):
        return code
    # Microsoft gives an expired certificate the same code as one that was never registered
    if not certificate.not_valid_before_utc.timestamp() <= now <= certificate.not_valid_after_utc.timestamp():
        return 700027
    expires, starts = claims.get("exp"), claims.get("nbf", claims.get("iat", 0))
    if not isinstance(expires, (int, float)) or not isinstance(starts, (int, float)):
        return 700024
    return 0 if starts - _SKEW_S <= now <= expires + _SKEW_S else 700024


def credential_name(app: App, credential: str) -> str:
    """The key in ``App.refused`` of a secret, a thumbprint (SHA-1 or SHA-256, hex) or a PEM certificate.

    Raises LookupError when the app has no such credential.
    """
    if credential in (app.secret, *app.more_secrets) and credential:
        return credential
    bare = credential.replace(":", "").lower()
    for pem in app.certificates:
        certificate = x509.load_pem_x509_certificate(pem)
        sha1 = certificate.fingerprint(hashes.SHA1()).hex()  # noqa: S303 - a name, not a proof
        if bare in (sha1, thumbprint(certificate)) or credential.strip().encode() == pem.strip():
            return thumbprint(certificate)
    raise LookupError(f"app `{app.client_id}` has no such credential")


def thumbprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the certificate, lower-case hex."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def unpacked(part: str) -> dict[str, Any]:
    """The JSON object in one part of a JWT. Raises ValueError, TypeError."""
    claims = json.loads(octets_of(part))
    if not isinstance(claims, dict):
        raise TypeError("not a JSON object")
    return claims


def text_of(octets: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def octets_of(text: str) -> bytes:
    """Back from ``text_of``. Raises ValueError."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _registered(app: App, header: Mapping[str, object]) -> x509.Certificate | None:
    for pem in app.certificates:
        certificate = x509.load_pem_x509_certificate(pem)
        sha1, sha256 = certificate.fingerprint(hashes.SHA1()), certificate.fingerprint(hashes.SHA256())  # noqa: S303
        if _bare(header.get("x5t#S256")) == text_of(sha256) or _bare(header.get("x5t")) == text_of(sha1):
            return certificate
    return None


def _signed_by(public: object, algorithm: object, octets: bytes, signature: bytes) -> bool:
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)
    paddings: dict[object, padding.PSS | padding.PKCS1v15] = {"PS256": pss, "RS256": padding.PKCS1v15()}
    if algorithm not in paddings or not isinstance(public, rsa.RSAPublicKey):
        return False
    try:
        public.verify(signature, octets, paddings[algorithm], hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _bare(value: object) -> str:
    """A thumbprint without padding: clients send it with or without."""
    return value.rstrip("=") if isinstance(value, str) else ""
