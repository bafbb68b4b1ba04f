"""Client certificates that are strong, weak, odd, huge or wrong: each has its outcome, its sentence and its price."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.hostile.certificates import (
    KEY,
    KEYS,
    NOW,
    Paper,
    big_rsa,
    changed,
    device,
    explicit_p256,
    issue,
    key_of,
    line,
    named,
    p256_key,
    pss_only,
    rsa_key,
    signed_by_rsa,
    signed_by_sha1,
)
from tests.hostile.conftest import Lab
from tests.hostile.records import other_certificates
from tests.hostile.test_tls_bent import BOTH, SECONDS, end

DAY = dt.timedelta(days=1)
SERVER = (ExtendedKeyUsageOID.SERVER_AUTH,)


def fresh() -> object:
    return KEYS["p256"]()


def under(root: Paper, leaf: dict[str, object] | None = None, **ca: object) -> Paper:
    """A device below one CA that is odd."""
    above = issue("odd issuing", root, **({"ca": True, "key": fresh()} | ca))
    return device(above, **(leaf or {})).behind(above)


def extension(octets: int, oid: str = "1.3.6.1.4.1.99999.1", critical: bool = False) -> tuple[object, bool]:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), bytes(octets)), critical


def hosts(octets: int) -> tuple[str, ...]:
    return tuple(f"host{number:07d}.devices.contoso.test" for number in range(octets // 34))


def constrained(*permitted: str) -> tuple[object, bool]:
    return x509.NameConstraints([x509.DNSName(one) for one in permitted], None), True


# -- who gets in --------------------------------------------------------------------------------


def stranger(number: int) -> Paper:
    return issue(f"stranger {number % 7}", ca=True, key=key_of("p256"))


def repeated(paper: Paper, count: int) -> Paper:
    return paper.behind(*[paper] * count)


def namesakes(lab: Lab) -> Paper:
    false, true = (issue("issuing", lab.root, ca=True, key=fresh()) for _ in range(2))
    return device(true).behind(false, true)


GOOD: dict[str, Callable[[Lab], Paper]] = {
    **{
        kind: lambda lab, kind=kind: device(lab.root, key=key_of(kind))
        for kind in ("p256", "p384", "p521", "ed25519", "ed448", "rsa2048")
    },
    "an RSA key for PSS only": lambda lab: pss_only(device(lab.root, key=key_of("rsa2048")), lab.root),
    "signed with PSS": lambda lab: device(
        lab.rsa_root, rsa_padding=padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    ),
    "signed with SHA-512": lambda lab: device(lab.root, hash_with=hashes.SHA512()),
    "behind ten CAs": lambda lab: line(lab.root, 10),
    "a CA on a curve that TLS does not take": lambda lab: under(lab.root, key=key_of("brainpool")),
    "16 KiB of something": lambda lab: device(lab.root, more=(extension(16_384),)),
    "60 KiB of something": lambda lab: device(lab.root, more=(extension(61_000),)),
    "within name constraints": lambda lab: under(
        lab.root, {"dns": ("a.contoso.test",)}, more=(constrained("contoso.test"),)
    ),
    "as many CAs as the path length allows": lambda lab: under(lab.root, path_length=0),
    "a CA with clientAuth only": lambda lab: under(lab.root, usages=(ExtendedKeyUsageOID.CLIENT_AUTH,)),
    "a leaf that is a CA, too": lambda lab: device(lab.root, ca=True, usages=(ExtendedKeyUsageOID.CLIENT_AUTH,)),
    "with its root": lambda lab: device(lab.root).behind(lab.root),
    "with a hundred strangers": lambda lab: device(lab.root).behind(*(stranger(n) for n in range(100))),
    "with its CA's namesake in front": namesakes,
    "with itself a hundred times": lambda lab: repeated(device(lab.root), 100),
}


@BOTH
@pytest.mark.parametrize("name", GOOD)
def test_an_odd_but_sound_certificate_gets_in(lab: Lab, version: str, name: str) -> None:
    paper = GOOD[name](lab)
    client, talk = lab.client(paper, version), lab.talk()
    spent = lab.cpu(lambda: talk.login(client, size=3_000))
    assert lab.verdict(talk, talk.answer) == "accept"
    assert spent < SECONDS
    assert len(lab.lines()[-1]) < 20_000, "what a certificate says does not fill the disk"


@BOTH
@pytest.mark.parametrize("bits", [8_192, 16_384])
def test_a_huge_rsa_key_costs_milliseconds(lab: Lab, version: str, bits: int) -> None:
    """16,384 bits is OpenSSL's own limit; above 3,072 bits it takes exponents of 64 bits only, as this one's."""
    key = big_rsa(bits)
    assert key.public_key().key_size == bits
    client, talk = lab.client(device(lab.root, key=key), version), lab.talk()
    assert lab.cpu(lambda: talk.login(client, size=3_000)) < SECONDS
    assert lab.verdict(talk, talk.answer) == "accept"


@BOTH
@pytest.mark.parametrize("octets", [16_000, 60_000])
def test_a_crowd_of_names_is_verified_and_then_names_nobody(lab: Lab, version: str, octets: int) -> None:
    client, talk = lab.client(device(lab.root, dns=hosts(octets)), version), lab.talk()
    assert lab.cpu(lambda: talk.login(client, size=3_000)) < SECONDS
    assert talk.answer.is_failure
    record = lab.record(talk)
    assert record["event"] == "access.reject"
    assert "entries" in record["identity"]["detail"]
    assert len(lab.lines()[-1]) < 20_000, "what a certificate says does not fill the disk"


# -- who does not -------------------------------------------------------------------------------


def weakly_signed_ca(lab: Lab) -> Paper:
    ca = signed_by_sha1(issue("odd issuing", lab.root, ca=True, key=fresh()), lab.root)
    return device(ca).behind(ca)


WEAK = "issue it anew with a stronger key"
BAD: dict[str, tuple[Callable[[Lab], Paper], str, str]] = {
    "rsa1024": (lambda lab: device(lab.root, key=key_of("rsa1024")), "weak_key", WEAK),
    "a CA of rsa1024": (lambda lab: under(lab.root, key=key_of("rsa1024")), "weak_key", WEAK),
    "signed with SHA-1": (
        lambda lab: signed_by_sha1(device(lab.root), lab.root),
        "weak_signature",
        "SHA-256 or better",
    ),
    "signed with SHA-1, RSA": (
        lambda lab: signed_by_rsa(device(lab.rsa_root), lab.rsa_root, "SHA1"),
        "weak_signature",
        "SHA-256",
    ),
    "signed with MD5": (
        lambda lab: signed_by_rsa(device(lab.rsa_root), lab.rsa_root, "MD5"),
        "weak_signature",
        "SHA-256",
    ),
    "a CA signed with SHA-1": (weakly_signed_ca, "weak_signature", "SHA-256"),
    "no EKU": (lambda lab: device(lab.root, usages=()), "wrong_eku", "issue it with clientAuth"),
    "serverAuth only": (lambda lab: device(lab.root, usages=SERVER), "wrong_eku", "issue it with clientAuth"),
    "a CA of serverAuth": (lambda lab: under(lab.root, usages=SERVER), "ca_wrong_eku", "Extended Key Usage"),
    "an unknown critical extension": (
        lambda lab: device(lab.root, more=(extension(2, critical=True),)),
        "unknown_extension",
        "critical extension",
    ),
    "a CA with an unknown critical extension": (
        lambda lab: under(lab.root, more=(extension(2, critical=True),)),
        "unknown_extension",
        "critical extension",
    ),
    "outside name constraints": (
        lambda lab: under(lab.root, {"dns": ("a.evil.test",)}, more=(constrained("contoso.test"),)),
        "name_constraints",
        "name constraints",
    ),
    "one CA too many for a path length": (
        lambda lab: deeper(lab, path_length=0),
        "path_too_long",
        "path length constraint",
    ),
    "a leaf as CA": (lambda lab: under(lab.root, ca=False, usages=()), "not_a_ca", "is no CA"),
    "a device as CA": (
        lambda lab: under(lab.root, ca=False, usages=(ExtendedKeyUsageOID.CLIENT_AUTH,)),
        "not_a_ca",
        "is no CA",
    ),
    "expired": (lambda lab: device(lab.root, end=NOW - DAY), "certificate_expired", "renew it"),
    "not yet valid": (lambda lab: device(lab.root, begin=NOW + DAY), "certificate_not_yet_valid", "check the clock"),
    "an expired CA": (lambda lab: under(lab.root, end=NOW - DAY), "certificate_expired", "renew it"),
    "a CA not yet valid": (
        lambda lab: under(lab.root, begin=NOW + DAY),
        "certificate_not_yet_valid",
        "check the clock",
    ),
    "behind eleven CAs": (lambda lab: line(lab.root, 11), "path_too_long", "longer than nacd follows"),
    "behind a hundred CAs": (lambda lab: line(lab.root, 100), "path_too_long", "longer than nacd follows"),
    "self-signed": (lambda _: device(None), "unknown_ca", "have it issued by a CA of yours"),
    "self-signed under the root's name": (
        lambda lab: device(None, "hostile root", key=fresh()),
        "unknown_ca",
        "is another certificate",
    ),
    "issued by itself by name only": (
        lambda lab: device(lab.rsa_root, issuer=named("laptop")),
        "unknown_ca",
        "add that CA to eap.client_cas",
    ),
    "two CAs that sign each other": (lambda _: circle(), "unknown_ca", "add that CA to eap.client_cas"),
    "a hundred CAs of one name": (lambda _: crowd(), "unknown_ca", "add that CA to eap.client_cas"),
    "signed by another under the root's name": (
        lambda lab: device(issue("elsewhere", ca=True, key=fresh()), issuer=lab.root.cert.subject, identifiers=False),
        "bad_signature",
        "add the CA that issued it",
    ),
}


def deeper(lab: Lab, path_length: int) -> Paper:
    first = issue("first", lab.root, ca=True, key=fresh(), path_length=path_length)
    second = issue("second", first, ca=True, key=fresh())
    return device(second).behind(second, first)


def circle() -> Paper:
    keys = [fresh(), fresh()]
    one, other = (issue(name, ca=True, key=key) for name, key in zip(("one", "other"), keys, strict=True))
    crossed = issue("one", other, ca=True, key=keys[0]), issue("other", one, ca=True, key=keys[1])
    return device(crossed[0]).behind(*crossed)


def crowd() -> Paper:
    """All of one name and without key identifiers, so that each might be the issuer of every other."""
    keys = [fresh() for _ in range(101)]
    cas = [
        issue("crowd", issue("crowd", ca=True, key=keys[n + 1]), ca=True, key=keys[n], identifiers=False)
        for n in range(100)
    ]
    return device(cas[0], identifiers=False).behind(*cas)


@BOTH
@pytest.mark.parametrize("name", BAD)
def test_a_certificate_that_may_not_enter_is_told_why(lab: Lab, version: str, name: str) -> None:
    make, code, words = BAD[name]
    client, talk = lab.client(make(lab), version), lab.talk()
    spent = lab.cpu(lambda: talk.login(client, size=3_000))
    assert lab.verdict(talk, talk.answer) == code
    assert words in lab.record(talk)["why"]
    assert spent < SECONDS


@pytest.mark.parametrize(("kind", "curve"), [("secp256k1", "secp256k1"), ("brainpool", "brainpoolP256r1")])
def test_a_curve_that_tls_does_not_take_is_named(lab: Lab, kind: str, curve: str) -> None:
    """In TLS 1.3 the client finds out by itself, and shows no certificate."""
    paper = device(lab.root, key=key_of(kind))
    talk = lab.talk()
    assert lab.verdict(talk, talk.login(lab.client(paper, "1.2"))) == "weak_key"
    why = lab.record(talk)["why"]
    assert curve in why
    assert "P-256" in why
    assert lab.outcome(paper, "1.3") == "no_client_certificate"


def test_a_dsa_key_is_refused(lab: Lab) -> None:
    paper = device(lab.root, key=key_of("dsa"))
    assert lab.outcome(paper, "1.2") == "weak_key"
    assert lab.outcome(paper, "1.3") == "no_client_certificate"


# -- what no library would send -----------------------------------------------------------------


def shown(lab: Lab, *ders: bytes, proof: bytes = b"") -> str:
    """A TLS 1.2 login in which these are sent instead of the client's own certificate: the outcome."""
    client, talk = lab.honest("1.2"), lab.talk()
    flight = other_certificates(talk.until_server_flight(client), ders, proof)
    assert lab.cpu(lambda: talk.flight(flight, 3_000)) < SECONDS
    return end(lab, talk)


def test_a_key_with_its_curve_spelt_out_is_refused(lab: Lab) -> None:
    """RFC 5480 section 2.1.1 forbids it, and CVE-2020-0601 was made of it."""
    odd = changed(lab.laptop, lab.root, KEY, explicit_p256(lab.laptop.key))
    assert shown(lab, odd.der) == "weak_key"


PSS, PKCS1 = 0x0804, 0x0401


def rsa_proof(algorithm: int, octets: int) -> bytes:
    """A signature as long as the modulus, and below it: OpenSSL has to work it out to see that it is none."""
    return algorithm.to_bytes(2, "big") + octets.to_bytes(2, "big") + b"\x00" + b"\x5a" * (octets - 1)


@pytest.mark.parametrize("algorithm", [PSS, PKCS1])
@pytest.mark.parametrize("bits", [16_384, 16_385, 20_000, 120_000])
def test_an_rsa_key_at_and_beyond_all_limits_proves_nothing_and_costs_little(
    lab: Lab, bits: int, algorithm: int
) -> None:
    odd = changed(lab.laptop, lab.root, KEY, rsa_key((1 << (bits - 1)) | 1, 0xFFFFFFFFFFFFFFC5))
    assert shown(lab, odd.der, proof=rsa_proof(algorithm, (bits + 7) // 8)) in {"proof_failed", "bad_tls"}


@pytest.mark.parametrize("algorithm", [PSS, PKCS1])
def test_an_rsa_key_with_an_exponent_as_long_as_itself_costs_milliseconds(lab: Lab, algorithm: int) -> None:
    """3,072 bits: up to there OpenSSL takes any exponent."""
    modulus = (1 << 3_071) + 1_155
    odd = changed(lab.laptop, lab.root, KEY, rsa_key(modulus, modulus - 2))
    assert shown(lab, odd.der, proof=rsa_proof(algorithm, 384)) in {"proof_failed", "bad_tls"}


@pytest.mark.parametrize(
    ("modulus", "exponent"),
    [(0, 3), (1, 1), (15, 3), (1 << 2047, 65_537), ((1 << 2047) | 1, 0)],
    ids=["zero", "one", "fifteen", "even", "no exponent"],
)
def test_an_rsa_key_that_is_none_is_refused(lab: Lab, modulus: int, exponent: int) -> None:
    odd = changed(lab.laptop, lab.root, KEY, rsa_key(modulus, exponent))
    assert shown(lab, odd.der, proof=rsa_proof(PKCS1, 256)) in {"weak_key", "proof_failed"}


@pytest.mark.parametrize(
    "point",
    [b"\x04" + bytes(64), b"\x00", b"\x04" + b"\xff" * 64, b"\x02" + bytes(31) + b"\x05"],
    ids=["zero", "infinity", "beyond", "compressed"],
)
def test_a_point_off_the_curve_is_refused(lab: Lab, point: bytes) -> None:
    odd = changed(lab.laptop, lab.root, KEY, p256_key(point))
    assert shown(lab, odd.der) in {"weak_key", "proof_failed"}


@pytest.mark.parametrize(
    "ders",
    [
        (b"",),
        (b"\x30\x00",),
        (b"\x30\x84\xff\xff\xff\xff",),
        (b"\x30\x80" * 3_000,),
        (bytes(60_000),),
        (b"\x30\x82\x10\x00" * 1_000,),
    ],
)
def test_what_is_no_certificate_is_refused(lab: Lab, ders: tuple[bytes, ...]) -> None:
    assert shown(lab, *ders) in {"bad_tls", "unreadable_certificate"}


def test_octets_behind_a_certificate_are_refused(lab: Lab) -> None:
    assert shown(lab, lab.laptop.der + b"\x00") in {"bad_tls", "unreadable_certificate"}


def test_a_chain_of_more_than_64_kib_is_refused_before_tls_sees_it(lab: Lab) -> None:
    client, talk = lab.client(device(lab.root, more=(extension(66_000),)), "1.3"), lab.talk()
    flight = talk.until_server_flight(client)
    talk.flight(flight, 3_000)
    assert lab.verdict(talk, talk.answer) == "bad_tls"
    assert "over the limit of 65536" in lab.record(talk)["why"]


@pytest.mark.parametrize("algorithm", [0x0203, 0x0201, 0x0101, 0x0202, 0x0000, 0xFFFF, 0x0401])
def test_a_proof_by_a_weak_or_unfit_algorithm_is_refused(lab: Lab, algorithm: int) -> None:
    """SHA-1 with ECDSA and RSA, MD5, DSA, none, unknown, and RSA for a key that is not."""
    proof = algorithm.to_bytes(2, "big") + b"\x00\x48" + bytes(72)
    assert shown(lab, lab.laptop.der, proof=proof) in {"weak_signature", "bad_tls"}


def test_a_certificate_of_somebody_else_proves_nothing(lab: Lab) -> None:
    somebody = device(lab.root, "boss", key=ec.generate_private_key(ec.SECP256R1()))
    assert shown(lab, somebody.der) == "proof_failed"
