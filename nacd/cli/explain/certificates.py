"""``nacd explain --certificate``: whom a client certificate names, whether it gets in, and by which rule.

Knows: what of a certificate is worth telling. Refuses to know: chains (``trust``) and the judgement (``judgement``).
"""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from nacd.cli.explain import trust
from nacd.cli.explain.judgement import Scene
from nacd.cli.explain.judgement import tell as judged
from nacd.cli.explain.logins import kind_of, request_of, tell_refused
from nacd.cli.explain.sheet import Sheet, moment_text, nas_document, nas_line, plain
from nacd.config.reading.contents import contents
from nacd.eap.chain import Accepted, Anchors
from nacd.eap.tls.certificate import UNREADABLE, Failure, date_text, key_weakness, signature_weakness
from nacd.identity import certificate as certificates
from nacd.identity.access_kind import Refused
from nacd.radius.clients import Client
from nacd.values import AccessKind, Authentication, CertificateFacts

_DAY_S = 86_400
_MOST_OCTETS = 1 << 20


def tell(scene: Scene, path: Path, client: Client, access: str, ssid: str) -> None:
    """Raises OSError, trust.NotCertificate."""
    sheet, assembled = scene.sheet, scene.assembled
    presented = trust.certificates_of(_octets(path))
    sheet.field("nas", nas_line(client.nas))
    sheet.put(nas=nas_document(client.nas))
    request = request_of(client, access, ssid, has_eap=True)
    kind = kind_of(request, sheet)
    if isinstance(kind, Refused):
        return
    if client.nas.authentication is Authentication.DONE_BY_NAS:
        sheet.field("", "it authenticates by itself: nacd sees a certificate only if it passes EAP on")
    settings = assembled.loaded.settings.eap
    if assembled.eap is None or settings is None:
        why = "there is no `eap` section, so no EAP"
        tell_refused(sheet, "no_eap", why, why)
        return
    verdict = trust.judge(
        presented,
        Anchors(assembled.eap.anchors),
        scene.now.wall,
        require_client_auth_eku=settings.require_client_auth_eku,
    )
    if isinstance(verdict, Failure):
        chain, anchor = tuple(one.public_bytes(Encoding.DER) for one in presented), ""
    else:
        chain, anchor = verdict.chain, verdict.anchor
    facts = certificates.read(chain, anchor)
    _tell_facts(sheet, facts, presented[0], scene.now.wall)
    if isinstance(verdict, Failure):
        sheet.field("chain", f"refused ({verdict.code})")
        sheet.field("", verdict.reason)
        sheet.put(chain={"ok": False, "code": verdict.code, "reason": verdict.reason})
        tell_refused(sheet, verdict.code, verdict.reason, "EAP-TLS fails")
        return
    _tell_chain(scene, verdict)
    if kind is AccessKind.DOT1X:
        sheet.field("", "a login also carries the MAC (Calling-Station-Id), which this question does not know")
    judged(scene, request, kind, facts)


def _octets(path: Path) -> bytes:
    """Raises OSError, trust.NotCertificate."""
    found = contents(path, _MOST_OCTETS)
    if found.problem:
        raise trust.NotCertificate(found.problem)
    return found.octets


def _tell_chain(scene: Scene, verdict: Accepted) -> None:
    rule = scene.assembled.identity_rules.cas.get(verdict.anchor)
    may = sorted(f"{kind.value}_id" for kind in rule.may_assert) if rule else []
    between = len(verdict.chain) - 2
    over = f" over {between} intermediate{'s' if between > 1 else ''}" if between > 0 else ""
    asserts = ", ".join(may) or "nothing"
    scene.sheet.field("chain", f"leads to client_cas entry `{verdict.anchor}`{over}; it may assert {asserts}")
    scene.sheet.put(chain={"ok": True, "anchor": verdict.anchor, "intermediates": max(0, between), "may_assert": may})


def _tell_facts(sheet: Sheet, facts: CertificateFacts, leaf: x509.Certificate, wall: float) -> None:
    sheet.field("certificate", facts.subject or "(no subject)")
    sheet.say(f"  issuer      {facts.issuer}")
    sheet.say(f"  serial      {facts.serial}, SHA-256 {facts.fingerprint[:16]}...")
    sheet.say(
        f"  valid       {date_text(facts.not_before)} to {date_text(facts.not_after)}, {_left(facts.not_after - wall)}"
    )
    strength, weak = _strength(leaf), key_weakness(leaf) or signature_weakness(leaf)
    sheet.say(f"  strength    {strength}: {weak or 'strong enough'}")
    for title, values in (
        ("SAN URI", facts.san_uris),
        ("SAN DNS", facts.san_dns),
        ("SAN UPN", facts.san_upns),
        ("template", facts.templates),
        ("tenant id", facts.tenant_ids),
    ):
        for value in values:
            sheet.say(f"  {title:<12}{value}")
    shown = plain(facts) | {"not_before": moment_text(facts.not_before), "not_after": moment_text(facts.not_after)}
    sheet.put(certificate=shown | {"strength": strength, "weakness": weak, "left_s": int(facts.not_after - wall)})


def _left(seconds: float) -> str:
    words = f"{abs(seconds) / _DAY_S:.0f} days" if abs(seconds) >= 2 * _DAY_S else f"{abs(seconds) / 3600:.1f} hours"
    return f"for {words} more" if seconds >= 0 else f"over for {words}"


def _strength(leaf: x509.Certificate) -> str:
    """Key and signature in words."""
    try:
        key, digest = leaf.public_key(), leaf.signature_hash_algorithm
    except UNREADABLE:
        return "a key or signature that cannot be read"
    if isinstance(key, rsa.RSAPublicKey):
        kind = f"RSA {key.key_size} bits"
    elif isinstance(key, ec.EllipticCurvePublicKey):
        kind = f"EC {key.curve.name}"
    else:
        kind = type(key).__name__.removesuffix("PublicKey").strip("_")
    return f"{kind}, signed with {digest.name.upper() if digest is not None else 'no digest of its own'}"
