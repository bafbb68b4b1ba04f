"""``nacd explain``: what would you do, and by which rule?

Knows: the four things that can be asked about (a certificate, a MAC, captured packets, an audit record) and how each
but the last becomes a request. Refuses to know: the judgement itself (``judgement``), chains (``trust``), frames
(``packets``), records (``replay/told``).
Opens no port, changes nothing, and asks nobody unless told to.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from nacd.cli import packets, trust
from nacd.cli.capture import NotCapture
from nacd.cli.judgement import POSSIBLE_STATES, Assumption, WrongUsage, nas_line, say, say_field, tell
from nacd.cli.replay import told
from nacd.cli.replay.records import CannotRead
from nacd.config.load import load
from nacd.eap.chain import Anchors, Failure, date_text
from nacd.errors import ConfigError
from nacd.identity import certificate as certificates
from nacd.identity.access_kind import Refused, access_kind
from nacd.identity.mac import NotMac, parse
from nacd.radius.clients import Client
from nacd.server.assembly import Assembled, assemble
from nacd.server.clock import instant
from nacd.values import AccessKind, AccessRequest, Authentication, CertificateFacts, MacAddress, NoCertificate

_SOME_BSSID = "02-00-00-00-00-00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked about: exactly one of certificate, mac, packet and record; the rest is the scene."""

    certificate: Path | None = None
    mac: str = ""
    packet: Path | None = None
    record: str = ""
    nas: str = ""
    access: str = "dot1x"
    ssid: str = ""
    compliance: str = ""
    live: bool = False


def run(config: Path, question: Question) -> int:
    """Explain. Returns 0 explained, 1 configuration or file unreadable, 2 wrong usage."""
    try:
        _check(question)
        assembled = assemble(load(config), instant(), allow_demo=True)
        assumed = Assumption(state=question.compliance, live=question.live)
        if question.record:
            return told.tell(assembled, question.record)
        if question.packet is not None:
            client = _client(assembled, question.nas) if question.nas else None
            packets.tell_each(assembled, question.packet, client, assumed)
            return 0
        client = _client(assembled, question.nas)
        say_field("nas", nas_line(client.nas))
        if question.certificate is not None:
            _tell_certificate(assembled, client, question, question.certificate, assumed)
        else:
            _tell_mac(assembled, client, question, assumed)
    except WrongUsage as wrong:
        print(wrong, file=sys.stderr)
        return 2
    except ConfigError as refused:
        for problem in refused.problems:
            print(problem, file=sys.stderr)
        return 1
    except CannotRead as cannot:
        print(cannot, file=sys.stderr)
        return 1
    except (NotCapture, trust.NotCertificate) as cannot:
        print(f"`{question.packet or question.certificate}`: {cannot}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        raise  # `| head` has seen enough; typer ends quietly
    except OSError as cannot:
        print(f"`{cannot.filename or '?'}` cannot be read: {(cannot.strerror or 'error').lower()}", file=sys.stderr)
        return 1
    return 0


def _check(question: Question) -> None:
    """Raises WrongUsage."""
    subjects = [
        question.certificate is not None,
        bool(question.mac),
        question.packet is not None,
        question.record != "",
    ]
    if sum(subjects) != 1:
        raise WrongUsage("ask about exactly one of --certificate, --mac, --packet and --record")
    if question.record and (question.nas or question.ssid or question.compliance or question.live):
        raise WrongUsage("a record says itself from where it came and what Intune said: --record stands alone")
    if question.access not in ("dot1x", "vpn"):
        raise WrongUsage(f"--access is dot1x or vpn, not `{question.access}`")
    states = [state.value for state in POSSIBLE_STATES]
    if question.compliance and question.compliance not in states:
        raise WrongUsage(f"--compliance is one of {', '.join(states)}, not `{question.compliance}`")
    if question.compliance and question.live:
        raise WrongUsage("--compliance assumes an answer and --live asks for one: give one of them")
    if question.packet is not None and (question.ssid or question.access != "dot1x"):
        raise WrongUsage("--ssid and --access are read from the packet itself")
    if question.mac and isinstance(said := parse(question.mac), NotMac):
        raise WrongUsage(f"--mac `{question.mac}` is no MAC address: {said.reason}")


def _client(assembled: Assembled, wanted: str) -> Client:
    """The NAS of this name, or the only one there is. Raises WrongUsage with the names to choose from."""
    names = ", ".join(client.nas.name for client in assembled.clients)
    if not wanted:
        if len(assembled.clients) == 1:
            return assembled.clients[0]
        raise WrongUsage(f"which NAS would ask? say --nas with one of: {names}")
    for client in assembled.clients:
        if client.nas.name == wanted:
            return client
    raise WrongUsage(f"no NAS is called `{wanted}`; there are: {names}")


def _request(client: Client, question: Question, *, mac: str = "", has_eap: bool = False) -> AccessRequest:
    """The request that this NAS would send."""
    source = str(client.networks[0].network_address)
    called = f"{_SOME_BSSID}:{question.ssid}" if question.ssid else ""
    port = "Wireless-802.11" if question.ssid else "Ethernet"
    if question.access == "vpn":
        pairs = (f"mdm-tlv=device-mac={mac}",) if mac else ()
        return AccessRequest(
            nas=client.nas,
            source=source,
            source_port=0,
            nas_port_type="Virtual",
            called_station_id=called,
            cisco_av_pairs=pairs,
            has_eap=has_eap,
        )
    return AccessRequest(
        nas=client.nas,
        source=source,
        source_port=0,
        user_name=mac,
        service_type="Call-Check" if mac else "Framed-User",
        nas_port_type=port,
        called_station_id=called,
        calling_station_id=mac,
        has_eap=has_eap,
    )


def _kind(request: AccessRequest) -> AccessKind | Refused:
    kind = access_kind(request)
    if isinstance(kind, Refused):
        say_field("decision", f"Access-Reject before any rule is tried ({kind.code})")
        say_field("", kind.reason)
    return kind


def _tell_mac(assembled: Assembled, client: Client, question: Question, assumed: Assumption) -> None:
    mac = parse(question.mac)
    assert isinstance(mac, MacAddress)  # noqa: S101  checked with the options
    request = _request(client, question, mac=mac.text)
    kind = _kind(request)
    if isinstance(kind, AccessKind):
        tell(assembled, request, kind, NoCertificate(), assumed)


def _tell_certificate(
    assembled: Assembled, client: Client, question: Question, path: Path, assumed: Assumption
) -> None:
    """Raises OSError, trust.NotCertificate."""
    presented = trust.certificates_of(path.read_bytes())
    request = _request(client, question, has_eap=True)
    kind = _kind(request)
    if isinstance(kind, Refused):
        return
    if client.nas.authentication is Authentication.DONE_BY_NAS:
        say_field("", "it authenticates by itself: nacd sees a certificate only if it passes EAP on")
    settings = assembled.loaded.settings.eap
    if assembled.eap is None or settings is None:
        say_field("decision", "Access-Reject before any rule is tried: there is no `eap` section, so no EAP")
        return
    verdict = trust.judge(
        presented,
        Anchors(assembled.eap.anchors),
        instant().wall,
        require_client_auth_eku=settings.require_client_auth_eku,
    )
    if isinstance(verdict, Failure):
        _tell_facts(certificates.read((presented[0].public_bytes(Encoding.DER),), ""))
        say_field("chain", f"refused ({verdict.code})")
        say_field("", verdict.reason)
        say_field("decision", f"Access-Reject before any rule is tried: EAP-TLS fails ({verdict.code})")
        return
    facts = certificates.read(tuple(one.public_bytes(Encoding.DER) for one in verdict.certificates), verdict.anchor)
    _tell_facts(facts)
    rule = assembled.identity_rules.cas.get(verdict.anchor)
    may = ", ".join(sorted(f"{kind.value}_id" for kind in rule.may_assert)) if rule else ""
    between = len(verdict.certificates) - 2
    over = f" over {between} intermediate{'s' if between > 1 else ''}" if between > 0 else ""
    say_field("chain", f"leads to client_cas entry `{verdict.anchor}`{over}; it may assert {may or 'nothing'}")
    if kind is AccessKind.DOT1X:
        say_field("", "a login also carries the MAC (Calling-Station-Id), which this question does not know")
    tell(assembled, request, kind, facts, assumed)


def _tell_facts(facts: CertificateFacts) -> None:
    say_field("certificate", facts.subject or "(no subject)")
    say(f"  issuer      {facts.issuer}")
    say(f"  serial      {facts.serial}, SHA-256 {facts.fingerprint[:16]}...")
    say(f"  valid       {date_text(facts.not_before)} to {date_text(facts.not_after)}")
    for title, values in (
        ("SAN URI", facts.san_uris),
        ("SAN DNS", facts.san_dns),
        ("SAN UPN", facts.san_upns),
        ("template", facts.templates),
    ):
        for value in values:
            say(f"  {title:<12}{value}")
