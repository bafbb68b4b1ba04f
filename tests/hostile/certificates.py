"""Certificates that are odd in one way each, made by `cryptography` where it can and out of DER where it cannot."""

from __future__ import annotations

import base64
import math
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.now(UTC).replace(microsecond=0)
GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
DEVICE_URI = f"ID:Microsoft Endpoint Manager:GUID:{GUID}"
VERSION, SIGNED_WITH, KEY, EXTENSIONS = 0, 2, 6, -1

KEYS: dict[str, Callable[[], Any]] = {
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
    "brainpool": lambda: ec.generate_private_key(ec.BrainpoolP256R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ed448": ed448.Ed448PrivateKey.generate,
    "rsa1024": lambda: rsa.generate_private_key(65537, 1024),
    "rsa2048": lambda: rsa.generate_private_key(65537, 2048),
    "dsa": lambda: dsa.generate_private_key(1024),
}
_kept: dict[str, Any] = {}


def key_of(kind: str) -> Any:
    """A private key of this kind, made once."""
    if kind not in _kept:
        _kept[kind] = KEYS[kind]()
    return _kept[kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A certificate as octets, with its key and what a device sends along."""

    der: bytes
    key: Any = field(repr=False)
    above: tuple[Paper, ...] = ()

    @property
    def cert(self) -> x509.Certificate:
        return x509.load_der_x509_certificate(self.der)

    @property
    def pem(self) -> bytes:
        return ssl.DER_cert_to_PEM_cert(self.der).encode()

    @property
    def chain_pem(self) -> bytes:
        return self.pem + b"".join(one.pem for one in self.above)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def behind(self, *above: Paper) -> Paper:
        """The same, sent with these."""
        return Paper(der=self.der, key=self.key, above=above)


def named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def issue(
    common_name: str,
    by: Paper | None = None,
    *,
    key: Any = None,
    ca: bool = False,
    path_length: int | None = None,
    usages: Sequence[x509.ObjectIdentifier] | None = None,
    begin: datetime = NOW - timedelta(days=30),
    end: datetime = NOW + timedelta(days=365),
    uris: Sequence[str] = (),
    dns: Sequence[str] = (),
    more: Sequence[tuple[x509.ExtensionType, bool]] = (),
    hash_with: Any = None,
    rsa_padding: Any = None,
    identifiers: bool = True,
    issuer: x509.Name | None = None,
) -> Paper:
    """Sign one. usages: of the key, clientAuth for a leaf unless told otherwise (empty: none listed)."""
    key = key or key_of("p256")
    signer = by.key if by else key
    name = named(common_name)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer or (by.cert.subject if by else name))
        .public_key(key.public_key() if hasattr(key, "public_key") else key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=path_length if ca else None), critical=True)
    )
    if identifiers:
        public = key.public_key() if hasattr(key, "public_key") else key
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        above = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        builder = builder.add_extension(above, critical=False)
    meant_for = usages if usages is not None else (() if ca else (ExtendedKeyUsageOID.CLIENT_AUTH,))
    if meant_for:
        builder = builder.add_extension(x509.ExtendedKeyUsage(meant_for), critical=False)
    names = [x509.DNSName(one) for one in dns] + [x509.UniformResourceIdentifier(one) for one in uris]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    for extension, critical in more:
        builder = builder.add_extension(extension, critical=critical)
    plain = isinstance(signer, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey))
    extra = {"rsa_padding": rsa_padding} if rsa_padding is not None else {}
    signed = builder.sign(signer, None if plain else (hash_with or hashes.SHA256()), **extra)
    return Paper(der=signed.public_bytes(Encoding.DER), key=key)


def device(by: Paper | None, common_name: str = "laptop", **how: Any) -> Paper:
    """A leaf that names the one device the register knows."""
    return issue(common_name, by, **({"uris": (DEVICE_URI,)} | how))


def line(root: Paper, length: int, **how: Any) -> Paper:
    """A device behind ``length`` intermediates, all of them sent along."""
    cas = [root]
    for number in range(length):
        cas.append(issue(f"step {number + 1}", cas[-1], ca=True, key=KEYS["p256"]()))
    return device(cas[-1], **how).behind(*reversed(cas[1:]))


# -- DER by hand ----------------------------------------------------------------------------


def tlv(tag: int, body: bytes) -> bytes:
    size = len(body)
    if size < 128:
        return bytes((tag, size)) + body
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + body


def elements(octets: bytes) -> list[tuple[int, bytes]]:
    """(tag, body) of each DER element in a row."""
    found = []
    while octets:
        size, start = octets[1], 2
        if size & 0x80:
            start += size & 0x7F
            size = int.from_bytes(octets[2:start], "big")
        found.append((octets[0], octets[start : start + size]))
        octets = octets[start + size :]
    return found


def changed(one: Paper, by: Paper, place: int, element: tuple[int, bytes], key: Any = None) -> Paper:
    """The same certificate with another part, signed anew by an EC key. key: when its own is another now."""
    tbs, algorithm, _ = elements(elements(one.der)[0][1])
    parts = elements(tbs[1])
    parts[place] = element
    body = tlv(0x30, b"".join(tlv(*part) for part in parts))
    signature = by.key.sign(body, ec.ECDSA(hashes.SHA256()))
    der = tlv(0x30, body + tlv(*algorithm) + tlv(3, b"\x00" + signature))
    return Paper(der=der, key=key or one.key, above=one.above)


def integer(number: int) -> bytes:
    return tlv(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def explicit_p256(key: Any) -> tuple[int, bytes]:
    """SubjectPublicKeyInfo of a P-256 key that spells the curve out instead of naming it (RFC 3279 section 2.3.5)."""
    prime = 2**256 - 2**224 + 2**192 + 2**96 - 1
    a, b = prime - 3, 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    base = bytes.fromhex(
        "046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
        "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5"
    )
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    field_id = tlv(0x30, tlv(6, bytes.fromhex("2A8648CE3D0101")) + integer(prime))
    curve = tlv(0x30, tlv(4, a.to_bytes(32, "big")) + tlv(4, b.to_bytes(32, "big")))
    parameters = tlv(0x30, integer(1) + field_id + curve + tlv(4, base) + integer(order) + integer(1))
    numbers = key.public_key().public_numbers()
    point = b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
    algorithm = tlv(0x30, tlv(6, bytes.fromhex("2A8648CE3D0201")) + parameters)
    return 0x30, algorithm + tlv(3, b"\x00" + point)


def rsa_key(modulus: int, exponent: int) -> tuple[int, bytes]:
    """SubjectPublicKeyInfo of any two numbers."""
    algorithm = tlv(0x30, tlv(6, bytes.fromhex("2A864886F70D010101")) + b"\x05\x00")
    return 0x30, algorithm + tlv(3, b"\x00" + tlv(0x30, integer(modulus) + integer(exponent)))


def p256_key(point: bytes) -> tuple[int, bytes]:
    """SubjectPublicKeyInfo on P-256 with any octets as its point."""
    oids = tlv(6, bytes.fromhex("2A8648CE3D0201")) + tlv(6, bytes.fromhex("2A8648CE3D030107"))
    return 0x30, tlv(0x30, oids) + tlv(3, b"\x00" + point)


def _signed(one: Paper, algorithm: bytes, sign: Callable[[bytes], bytes]) -> Paper:
    """The same certificate under another signature. algorithm: what stands in the AlgorithmIdentifier."""
    parts = elements(elements(elements(one.der)[0][1])[0][1])
    parts[SIGNED_WITH] = 0x30, algorithm
    body = tlv(0x30, b"".join(tlv(*part) for part in parts))
    der = tlv(0x30, body + tlv(0x30, algorithm) + tlv(3, b"\x00" + sign(body)))
    return Paper(der=der, key=one.key, above=one.above)


def signed_by_sha1(one: Paper, by: Paper) -> Paper:
    """The same certificate with ecdsa-with-SHA1."""
    algorithm = tlv(6, bytes.fromhex("2A8648CE3D0401"))
    return _signed(one, algorithm, lambda body: by.key.sign(body, ec.ECDSA(hashes.SHA1())))


def signed_by_rsa(one: Paper, by: Paper, name: str) -> Paper:
    """The same certificate with sha1WithRSAEncryption or md5WithRSAEncryption. name: ``SHA1`` or ``MD5``."""
    oid, algorithm = {"SHA1": ("2A864886F70D010105", hashes.SHA1()), "MD5": ("2A864886F70D010104", hashes.MD5())}[name]
    identifier = tlv(6, bytes.fromhex(oid)) + b"\x05\x00"
    return _signed(one, identifier, lambda body: by.key.sign(body, padding.PKCS1v15(), algorithm))


@dataclass(frozen=True, slots=True)
class Stored:
    """A key that only its PEM tells: `cryptography` would look at it for seconds, or not take it."""

    pem: bytes = field(repr=False)
    public: Any

    def public_key(self) -> Any:
        return self.public

    def private_bytes(self, *_: Any) -> bytes:
        return self.pem


def _pkcs8(algorithm: bytes, key: bytes) -> bytes:
    """A private key as a PEM file (RFC 5958)."""
    der = integer(0) + tlv(0x30, algorithm) + tlv(4, key)
    text = base64.b64encode(tlv(0x30, der))
    lines = b"\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    return b"-----BEGIN PRIVATE KEY-----\n" + lines + b"\n-----END PRIVATE KEY-----\n"


def pss_only(one: Paper, by: Paper) -> Paper:
    """The same certificate, its RSA key good for RSASSA-PSS only (RFC 4055 section 3.1)."""
    algorithm = tlv(6, bytes.fromhex("2A864886F70D01010A"))
    public = elements(elements(elements(elements(one.der)[0][1])[0][1])[KEY][1])[1]
    private = one.key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    stored = Stored(_pkcs8(algorithm, private), one.key.public_key())
    return changed(one, by, KEY, (0x30, tlv(0x30, algorithm) + tlv(*public)), stored)


_KNOWN_PRIMES = {
    8_192: (2**4423 - 1, 2**3217 - 1, 2**521 - 1, 2**31 - 1),
    16_384: (2**11213 - 1, 2**4423 - 1, 2**607 - 1, 2**128 - 159, 2**13 - 1),
}


def big_rsa(bits: int) -> Stored:
    """An RSA key of several famous primes (RFC 8017 appendix A.1.2), as finding such large ones takes minutes.

    Its exponent is the largest prime of 64 bits that OpenSSL takes with so large a modulus.
    """
    exponent, primes = 2**64 - 59, _KNOWN_PRIMES[bits]
    modulus = math.prod(primes)
    secret = pow(exponent, -1, math.lcm(*(prime - 1 for prime in primes)))
    first, second = primes[:2]
    numbers = (1, modulus, exponent, secret, first, second, secret % (first - 1), secret % (second - 1))
    others = b""
    for place, prime in enumerate(primes[2:], start=2):
        before = pow(math.prod(primes[:place]), -1, prime)
        others += tlv(0x30, integer(prime) + integer(secret % (prime - 1)) + integer(before))
    octets = b"".join(map(integer, numbers)) + integer(pow(second, -1, first)) + tlv(0x30, others)
    algorithm = tlv(6, bytes.fromhex("2A864886F70D010101")) + b"\x05\x00"
    return Stored(_pkcs8(algorithm, tlv(0x30, octets)), rsa.RSAPublicNumbers(exponent, modulus).public_key())
