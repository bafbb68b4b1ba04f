"""Every way a TLS handshake can end badly, as a stable code and a sentence for people.

The sentence says which certificate, what is wrong with it, and what to do.

Knows: OpenSSL's verification error numbers, the TLS alert numbers (RFC 8446 section 6), and what usually
causes them in a network that does EAP-TLS. Refuses to know: OpenSSL itself and its changing texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509

from nacd.eap.chain import Anchors, quoted, usage_failure
from nacd.eap.tls.certificate import (
    CertificateName,
    Failure,
    complaint,
    curve_outside_tls,
    date_text,
    expired,
    key_weakness,
    name_of,
    not_yet_valid,
    signature_weakness,
    unreadable,
)
from nacd.eap.tls.notes import NO_ALERT

_DECODE_ERROR = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerName:
    """Our own certificate as the peer sees it. dns: its SAN names; not_before, not_after: seconds since the epoch."""

    name: CertificateName
    dns: tuple[str, ...]
    not_before: float
    not_after: float


def server_name(cert: x509.Certificate) -> ServerName:
    """What our own certificate calls itself."""
    try:
        names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        dns = tuple(names.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        dns = ()
    return ServerName(
        name=name_of(cert),
        dns=dns,
        not_before=cert.not_valid_before_utc.timestamp(),
        not_after=cert.not_valid_after_utc.timestamp(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What OpenSSL's verification complained of: error number, depth (0 is the leaf), and the certificate there."""

    error: int
    depth: int
    certificate: x509.Certificate


_NO_ISSUER = frozenset((2, 20, 21, 27, 28))
_SELF_SIGNED = frozenset((18, 19))
_BAD_SIGNATURE = frozenset((4, 6, 7, 29, 30, 31, 76, 77, 78))
_NOT_A_CA = frozenset((24, 32, 37, 79, 80, 81, 82))
_NAME_CONSTRAINTS = frozenset((47, 48, 49, 51, 52, 53))
_EXPLICIT_CURVE = 94


def of_verification(refusal: Refusal, chain: Sequence[x509.Certificate], anchors: Anchors, wall: float) -> Failure:
    """Put OpenSSL's verdict into words. chain: what was built so far, leaf first, maybe empty; for words only."""
    failure = unreadable(refusal.certificate)
    if not failure.code:
        failure = _of_error(refusal, anchors, wall)
    if refusal.depth == 0 or not chain:
        return failure
    leaf = name_of(chain[0])
    return Failure(
        code=failure.code,
        reason=f"client certificate {leaf} is refused: in its chain, {failure.reason}",
        subject=leaf.subject,
        issuer=leaf.issuer,
    )


def _of_error(refusal: Refusal, anchors: Anchors, wall: float) -> Failure:
    error, cert = refusal.error, refusal.certificate
    if error == 10:
        return expired(cert, wall)
    if error == 9:
        return not_yet_valid(cert, wall)
    if error in _NO_ISSUER:
        return _no_issuer(cert, anchors)
    if error in _SELF_SIGNED:
        return _self_signed(cert, anchors)
    if error in _BAD_SIGNATURE:
        return _bad_signature(cert, anchors)
    if error == 26:
        return _wrong_purpose(refusal)
    if error in (66, 67):
        return complaint(
            "weak_key", cert, f"{key_weakness(cert) or 'has a weak key'}; issue it anew with a stronger key"
        )
    if error == 68:
        weakness = signature_weakness(cert) or "is signed with a weak algorithm"
        return complaint("weak_signature", cert, f"{weakness}; have it issued anew with SHA-256 or better")
    if error in _NOT_A_CA:
        text = (
            "has issued another certificate but is no CA for that (Basic Constraints, Key Usage keyCertSign); have the "
            "device certificate issued by a real CA"
        )
        return complaint("not_a_ca", cert, text)
    if error == 25:
        text = "has more CAs below it than its path length constraint allows; renew it with a larger one"
        return complaint("path_too_long", cert, text)
    if error == 22:
        text = "ends a chain that is longer than nacd follows; list a CA nearer to the device in eap.client_cas"
        return complaint("path_too_long", cert, text)
    if error == 23:
        return complaint("certificate_revoked", cert, "has been revoked")
    if error == 34:
        text = "has a critical extension that OpenSSL does not know; issue it anew without it, or not marked critical"
        return complaint("unknown_extension", cert, text)
    if error in _NAME_CONSTRAINTS:
        text = "has a name outside the name constraints of a CA above it; issue it anew with names inside them"
        return complaint("name_constraints", cert, text)
    if error == _EXPLICIT_CURVE:
        text = "has an EC key that spells its curve out instead of naming it; issue it anew with P-256 or P-384"
        return complaint("weak_key", cert, text)
    return complaint("certificate_refused", cert, f"is refused by OpenSSL (verification error {error}); issue it anew")


def _self_signed(cert: x509.Certificate, anchors: Anchors) -> Failure:
    namesakes = anchors.entries_named_like(cert.subject)
    if namesakes:
        text = (
            f"is self-signed and not in client_cas; entry {quoted(namesakes)} has that name but is another certificate"
        )
    else:
        text = "is self-signed and not in client_cas; have it issued by a CA of yours, or add that CA to eap.client_cas"
    return complaint("unknown_ca", cert, text)


def _no_issuer(cert: x509.Certificate, anchors: Anchors) -> Failure:
    issuer = name_of(cert).issuer
    namesakes = anchors.entries_named_like(cert.issuer)
    if namesakes:
        text = (
            f"was issued by a CA called `{issuer}`; client_cas entry {quoted(namesakes)} has that name but is another "
            f"certificate: add the CA certificate that really issued it (was the CA renewed?)"
        )
    else:
        text = (
            f"was issued by `{issuer}`, which is neither in client_cas ({quoted(anchors.names)}) nor was it sent by "
            f"the device; add that CA to eap.client_cas, or have the device send its intermediate certificates"
        )
    return complaint("unknown_ca", cert, text)


def _bad_signature(cert: x509.Certificate, anchors: Anchors) -> Failure:
    text = f"carries a signature that `{name_of(cert).issuer}` did not make"
    namesakes = anchors.entries_named_like(cert.issuer)
    if len(namesakes) > 1:
        text += (
            f"; client_cas entries {quoted(namesakes)} all have that name, and OpenSSL tells them apart by key "
            f"identifiers (SKI and AKI) only, which are missing here: issue it anew with them, or list one CA"
        )
    elif namesakes:
        text += f"; client_cas entry {quoted(namesakes)} has that name but another key: add the CA that issued it"
    return complaint("bad_signature", cert, text)


def _wrong_purpose(refusal: Refusal) -> Failure:
    failure = usage_failure(refusal.certificate, require_client_auth_eku=False)
    if refusal.depth == 0:
        if failure.code:
            return failure
        return complaint("wrong_eku", refusal.certificate, "is not meant for a TLS client")
    text = (
        "is a CA that may not issue client certificates: its Extended Key Usage, Key Usage or Basic Constraints "
        "forbid it; a CA above client certificates has no Extended Key Usage, or one with clientAuth"
    )
    return complaint("ca_wrong_eku", refusal.certificate, text)


# -- alerts ---------------------------------------------------------------------------------

_ALERT_NAMES = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    22: "record_overflow",
    40: "handshake_failure",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    109: "missing_extension",
    110: "unsupported_extension",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    116: "certificate_required",
    120: "no_application_protocol",
}
_DISTRUST = frozenset((42, 43, 44, 45, 46, 48, 49, 112, 113))


def alert_name(number: int) -> str:
    """The RFC's word for an alert."""
    return _ALERT_NAMES.get(number, f"alert {number}")


def of_peer_alert(number: int, server: ServerName, wall: float) -> Failure:
    """The supplicant ended it. Most often it does not trust our certificate."""
    said = f"the supplicant ended the handshake with TLS alert `{alert_name(number)}`"
    ours = f"server certificate {server.name}"
    if number == 45 or (number in _DISTRUST and not server.not_before <= wall <= server.not_after):
        until = date_text(server.not_after)
        reason = (
            f"{said}: it finds {ours}, valid until {until}, or a CA above it expired or not valid yet; "
            f"renew that certificate, or check the clock of the device"
        )
        return _about_server("server_certificate_expired", reason, server)
    if number in _DISTRUST:
        names = quoted(server.dns) if server.dns else "none, which most supplicants refuse"
        reason = (
            f"{said}: it does not trust {ours}; install the root of `{server.name.issuer}` on the device as a trusted "
            f"CA, name that CA in its network profile, and let the profile's server name match ({names})"
        )
        return _about_server("server_distrusted", reason, server)
    if number == 90 or number == 0:
        return Failure(code="supplicant_cancelled", reason=f"{said}: it, or its user, gave up")
    if number == 70:
        return Failure(code="version_mismatch", reason=f"{said}: it does not take the TLS version chosen here")
    if number == 51:
        reason = (
            f"{said}: a signature did not verify there; does the private key of {ours} fit, is the device's TLS sound?"
        )
        return _about_server("supplicant_alert", reason, server)
    reason = f"{said}; the device's own log says more (Windows: CAPI2 and WLAN/Wired-AutoConfig; wpa_supplicant: -dd)"
    return Failure(code="supplicant_alert", reason=reason)


def _about_server(code: str, reason: str, server: ServerName) -> Failure:
    return Failure(code=code, reason=reason, subject=server.name.subject, issuer=server.name.issuer)


def of_hello_alert(number: int, offered: Sequence[str], versions: tuple[str, str]) -> Failure:
    """OpenSSL refused the ClientHello. offered: versions in it. versions: ours, lowest and highest."""
    ours = f"TLS {versions[0]}" if versions[0] == versions[1] else f"TLS {versions[0]} to {versions[1]}"
    listed = ", ".join(offered) or "none that can be read"
    if number == 86:
        reason = (
            f"the supplicant fell back to {listed} though it and nacd can do better (TLS_FALLBACK_SCSV): an earlier "
            "try failed or was cut off; look for what broke that one"
        )
        return Failure(code="version_mismatch", reason=reason)
    if number == 70:
        reason = (
            f"no common TLS version: the supplicant offers {listed}, nacd takes {ours}; update or configure the "
            f"supplicant (nacd does not speak TLS 1.0 and 1.1, which are broken)"
        )
        return Failure(code="version_mismatch", reason=reason)
    if number in (40, 71, 109):
        reason = (
            "no shared cipher: the supplicant's ClientHello has no cipher suite, group or signature algorithm that is "
            f"allowed here ({listed}); update the supplicant, widen the ciphers here, or use another kind of server key"
        )
        return Failure(code="no_shared_cipher", reason=reason)
    return Failure(code="bad_tls", reason=f"the supplicant's ClientHello is broken ({_cause(number)})")


def of_own_alert(number: int, chain: Sequence[x509.Certificate], anchors: Anchors) -> Failure:
    """OpenSSL ended it after our first flight for no fault of a certificate. chain: as in ``of_verification``."""
    if chain:
        return _of_proof(number, chain[0])
    if number in (40, 116):
        names = quoted([name_of(cert).subject for cert in anchors.certificates])
        reason = (
            f"the supplicant sent no client certificate: it has none, or none of the CAs nacd asks for ({names}); "
            "give the device a certificate of such a CA, and let its network profile pick that one"
        )
        return Failure(code="no_client_certificate", reason=reason)
    if number in (42, 43):
        reason = "the client certificate cannot be used or read by OpenSSL; issue it anew"
        return Failure(code="unreadable_certificate", reason=reason)
    if number == _DECODE_ERROR:
        broken = _broken(number)
        return Failure(code=broken.code, reason=f"{broken.reason}; a certificate that is no DER ends like this, too")
    return _broken(number)


def of_late_alert(number: int) -> Failure:
    """OpenSSL ended it when the handshake was over and nothing was left to say."""
    return _broken(number)


def _of_proof(number: int, leaf: x509.Certificate) -> Failure:
    """The certificate was fine; what went wrong came behind it."""
    if number == 51:
        text = (
            "is fine, but the device could not prove that it owns the private key (bad signature in the handshake): "
            "its key store or TPM driver is at fault, or the certificate was copied without its key"
        )
        return complaint("proof_failed", leaf, text)
    curve = curve_outside_tls(leaf)
    if number in (40, 47, 71) and curve:
        text = f"has an EC key on the curve {curve}, which TLS does not take here; issue it anew with P-256 or P-384"
        return complaint("weak_key", leaf, text)
    if number in (40, 47, 71):
        text = (
            "is fine, but the device signs the handshake with an algorithm that is not allowed here (SHA-1?); update "
            "its TLS software or its TPM firmware"
        )
        return complaint("weak_signature", leaf, text)
    return _broken(number)


def _broken(number: int) -> Failure:
    return Failure(
        code="bad_tls", reason=f"the supplicant's TLS is broken or was altered on the way ({_cause(number)})"
    )


def _cause(number: int) -> str:
    return "unreadable records" if number == NO_ALERT else alert_name(number)
