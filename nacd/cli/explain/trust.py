"""Whether a certificate out of a file would be let in: its way up to a CA of ``client_cas``.

Knows: how to find that way with the certificates at hand, signature by signature. Refuses to know: dates,
key usage and strength (``eap/chain.examine`` judges those for a login too) and handshakes. At a login OpenSSL
checks the chain, by more rules than these (name constraints, for one): it has the last word.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from nacd.eap.chain import Accepted, Anchors, examine, load_pem, quoted
from nacd.eap.tls.certificate import UNREADABLE, Failure, complaint

_MAX_CHAIN: Final = 10
_NOT_ISSUED: Final = (*UNREADABLE, InvalidSignature)


class NotCertificate(Exception):
    """This file holds no certificate that can be read; the text says why."""


def certificates_of(octets: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM or DER file, leaf first. Raises NotCertificate."""
    try:
        if b"-----BEGIN" in octets:
            return load_pem(octets, "PEM")
        return (x509.load_der_x509_certificate(octets),)
    except UNREADABLE as error:
        raise NotCertificate(f"no certificate that can be read, neither PEM nor DER ({error})") from error


def judge(
    presented: Sequence[x509.Certificate], anchors: Anchors, wall: float, *, require_client_auth_eku: bool
) -> Accepted | Failure:
    """Whether the first certificate leads to ``client_cas`` over the others, and is within nacd's rules.

    wall: seconds since the epoch.
    """
    way = _way_up([presented[0]], presented[1:], anchors)
    if len(way) < 2 or not anchors.entry_of(way[-1]):
        return _dead_end(presented[0], way[-1], anchors)
    for below, cert in enumerate(way[1:-1]):
        unfit = _unfit_as_ca(cert, below)
        if unfit:
            return complaint("bad_chain", cert, f"stands between the client and `client_cas` but {unfit}")
    return examine(way, anchors, wall, require_client_auth_eku=require_client_auth_eku)


def _way_up(
    way: list[x509.Certificate], others: Sequence[x509.Certificate], anchors: Anchors
) -> list[x509.Certificate]:
    """The way from ``way[-1]`` to the nearest listed CA; the longest dead end if none leads there."""
    top = way[-1]
    listed = [anchor for anchor in anchors.certificates if anchor != top and _issued(top, anchor)]
    if listed:
        # A renewed CA has one key and two certificates.
        return [*way, max(listed, key=lambda anchor: anchor.not_valid_after_utc)]
    longest = way
    for other in others:
        if len(way) < _MAX_CHAIN and other not in way and _issued(top, other):
            found = _way_up([*way, other], others, anchors)
            if anchors.entry_of(found[-1]):
                return found
            longest = max(longest, found, key=len)
    return longest


def _issued(cert: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether names and signature say so."""
    try:
        cert.verify_directly_issued_by(issuer)
    except _NOT_ISSUED:
        return False
    return True


def _unfit_as_ca(cert: x509.Certificate, below: int) -> str:
    """Why this certificate may not issue others, ``""`` if it may (RFC 5280 section 6.1.4, k to n).

    below: intermediates between it and the client.
    """
    try:
        constraints = cert.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return "is no CA certificate"
    except UNREADABLE:
        return "has extensions that cannot be read"
    if not constraints.ca:
        return "is no CA certificate"
    if constraints.path_length is not None and constraints.path_length < below:
        return f"allows {constraints.path_length} CAs below itself, and there are {below}"
    try:
        usage = cert.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return ""
    return "" if usage.key_cert_sign else "has a Key Usage without keyCertSign"


def _dead_end(leaf: x509.Certificate, top: x509.Certificate, anchors: Anchors) -> Failure:
    """The sentence for a way that leads nowhere: where it ends, and what is missing."""
    try:
        issuer, namesakes = top.issuer.rfc4514_string(), anchors.entries_named_like(top.issuer)
        self_signed = top.issuer == top.subject
    except UNREADABLE:
        return complaint("unreadable_certificate", top, "has an issuer that cannot be read")
    if namesakes:
        text = f"was not signed by the CA of that name in client_cas ({quoted(namesakes)}): it has another key"
    elif self_signed:
        text = f"is self-signed and not among client_cas ({quoted(anchors.names)})"
    else:
        text = (
            f"was issued by `{issuer}`, which is neither in client_cas ({quoted(anchors.names)}) nor behind the "
            "certificate in its file; if that is an intermediate CA, append it (the device must send it, too)"
        )
    if top is not leaf:
        text = f"ends the chain: it {text}"
    return complaint("unknown_ca", top, text)
