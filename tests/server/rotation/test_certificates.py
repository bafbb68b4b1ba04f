"""The certificates of two configurations, side by side."""

from __future__ import annotations

from nacd.audit.rotation.events import OurCertificate
from nacd.server.rotation.certificates import changed, held
from nacd.sim.pki import Authority
from nacd.values import Instant
from tests.server.house import Pki, Site

NOW = Instant(wall=1_800_000_000.0, monotonic=0.0)


def one(fingerprint: str, what: str = "server", name: str = "") -> OurCertificate:
    return OurCertificate(
        what=what, name=name, subject=f"CN={fingerprint}", fingerprint=fingerprint, not_after=NOW.wall
    )


def told(before: tuple[OurCertificate, ...], after: tuple[OurCertificate, ...]) -> set[tuple[str, str, str]]:
    blocks = [event.fields["our_certificate"] for event in changed(before, after, NOW)]
    return {(each["what"], each["before"], each["fingerprint"]) for each in blocks}  # type: ignore[index,call-overload,misc]


def test_everything_that_a_configuration_stands_on_is_held(site: Site, pki: Pki) -> None:
    issued = pki.root.intermediate("issuing").issue_server("radius.example.test")
    site.serve_with(issued)
    site.write("devices-ca.pem", pki.root.root_pem + Authority.root("another").root_pem)
    found = held(site.assemble())
    assert [(each.what, each.name) for each in found[:3]] == [
        ("server", ""),
        ("server_chain", ""),
        ("client_ca", "devices-ca"),
    ]
    assert found[0].subject == "CN=radius.example.test"
    assert {each.what for each in found[2:]} == {"client_ca"}


def test_without_eap_nothing_is_held(site: Site) -> None:
    text = site.config.read_text(encoding="utf-8")
    begin, end = text.index("eap:"), text.index("intune:")
    site.write("nacd.yaml", text[:begin] + text[end:])
    assert held(site.assemble()) == ()


def test_only_what_is_other_is_told() -> None:
    ca, other = one("c1", "client_ca", "a"), one("c2", "client_ca", "a")
    chain = one("i1", "server_chain")
    assert told((one("s1"), chain, ca), (one("s1"), ca)) == set()
    assert told((one("s1"), ca), (one("s2"), ca)) == {("server", "s1", "s2")}
    assert told((one("s1"), ca), (one("s1"), ca, other)) == {("client_ca", "", "c2")}
    assert told((one("s1"), ca), (one("s1"), other)) == {("client_ca", "", "c2"), ("client_ca", "c1", "")}
    assert told((), (one("s1"),)) == {("server", "", "s1")}
    assert told((one("s1"),), ()) == {("server", "s1", "")}
