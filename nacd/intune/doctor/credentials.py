"""A credential looked at without using it: what kind, until when, and whether it can work at all.

Knows: ends and warnings before them, the thumbprint by which the portal lists a certificate. Refuses to know: what
the login service thinks of it (``tokens``). Keys and secrets are read and never repeated.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import pkcs12

from nacd.intune.doctor.step import Finding, failed, good, warning
from nacd.intune.options import (
    Credential,
    ManagedIdentity,
    PemCredential,
    PfxCredential,
    SecretCredential,
    inspect,
)

WARN_DAYS = 30.0
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """The app registration, as places in the portal are named after it. client_id: its application id."""

    client_id: str

    def place(self, page: str) -> str:
        """Where to click."""
        return f"Entra admin center > App registrations > {self.client_id} > {page}"


def look(credential: Credential, app: Registration, now: float) -> Finding:
    """What can be said before it is used. now: seconds since the epoch. Reads a PFX file; no network."""
    seen, what = inspect(credential), _kind(credential)
    secrets = app.place("Certificates & secrets")
    if seen.problem:
        return failed(
            f"{what}: {seen.problem}", f"mend `credential` in the configuration; the other half is in {secrets}"
        )
    if isinstance(credential, ManagedIdentity):
        return good(f"{what}: Azure keeps it, nothing here can expire")
    if not seen.not_after:
        fix = f'{secrets}: look up its end there, and write it as `expires: "YYYY-MM-DD"` beside `secret`'
        return warning(f"{what}: nobody said when it expires", fix)
    left_s = seen.not_after - now
    day = time.strftime("%Y-%m-%d", time.gmtime(seen.not_after))
    renew = f"{secrets}: {_renewal(credential)}, and name it as `next_credential` until the old one is gone"
    if left_s <= 0:
        return failed(f"{what}: expired on {day}, {_days(-left_s)} ago", renew)
    if left_s < WARN_DAYS * _DAY_S:
        return warning(f"{what}: expires on {day}, in {_days(left_s)}", renew)
    pair = "" if isinstance(credential, SecretCredential) else ", key and certificate belong together (rsa)"
    return good(f"{what}: good for {_days(left_s)}, until {day}{pair}")


def secret_words(credential: Credential) -> tuple[str, ...]:
    """What of it must never be shown, for whoever has to keep it out of a report."""
    match credential:
        case SecretCredential(secret=secret):
            return (secret.reveal().decode("utf-8", "replace"),)
        case PemCredential() | PfxCredential():
            return (credential.passphrase.reveal().decode("utf-8", "replace"),)
        case ManagedIdentity():
            return ()


def _days(seconds: float) -> str:
    days = int(seconds // _DAY_S)
    return "less than a day" if days < 1 else f"{days} day{'' if days == 1 else 's'}"


def _renewal(credential: Credential) -> str:
    if isinstance(credential, SecretCredential):
        return "New client secret, copy its Value into the secret's file"
    return "Upload certificate with a new one"


def _kind(credential: Credential) -> str:
    match credential:
        case SecretCredential():
            return "client secret"
        case ManagedIdentity(client_id=client_id):
            return f"managed identity {client_id}" if client_id else "managed identity of this machine"
        case PemCredential() | PfxCredential():
            print_ = _thumbprint(credential)
            return f"certificate, thumbprint {print_}" if print_ else "certificate"


def _thumbprint(credential: PemCredential | PfxCredential) -> str:
    """SHA-1 in upper-case hex: the name by which the portal lists a certificate. ``""`` if it cannot be read."""
    try:
        if isinstance(credential, PemCredential):
            certificate = x509.load_pem_x509_certificate(credential.certificate)
        else:
            found = pkcs12.load_key_and_certificates(
                Path(credential.path).read_bytes(), credential.passphrase.reveal() or None
            )[1]
            if found is None:
                return ""
            certificate = found
    except (OSError, ValueError, TypeError):
        return ""  # why is told by the inspection
    return certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - a name, not a proof
