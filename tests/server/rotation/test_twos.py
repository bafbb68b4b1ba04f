"""Which NASes have two secrets."""

from __future__ import annotations

from nacd.server.rotation.twos import twos
from nacd.values import NO_SECRET, Secret
from tests.server.house import SECRET, Site

NEXT = Secret(b"the-next-secret-of-the-nas")
PAIR = 'secret: "file:secrets/nas", next_secret: "file:secrets/next"'


def test_of_a_usual_configuration_none_has(site: Site) -> None:
    assert list(twos(site.assemble())) == []


def test_whoever_has_two_for_requests_is_asked_with_both_unless_dynauth_has_its_own(site: Site) -> None:
    site.write("secrets/next", NEXT.reveal(), 0o600)
    one = 'secret: "file:secrets/nas", vendor: cisco-ios'
    site.change(one, f"{PAIR}, vendor: cisco-ios")
    (found,) = twos(site.assemble())
    assert (found.client.nas.name, found.requests) == ("switch", (Secret(SECRET), NEXT))
    assert found.asked_with == found.requests
    site.change(f"{PAIR}, vendor", f'{PAIR}, dynauth: {{secret: "file:secrets/app"}}, vendor')
    (found,) = twos(site.assemble())
    assert found.asked_with == (Secret(b"the-apps-own-word"), NO_SECRET)


def test_whoever_has_two_for_being_asked_alone_counts_too(site: Site) -> None:
    site.write("secrets/next", NEXT.reveal(), 0o600)
    one = 'secret: "file:secrets/nas", vendor: cisco-ios'
    site.change(one, f"{one}, dynauth: {{{PAIR}}}")
    (found,) = twos(site.assemble())
    assert found.requests == (Secret(SECRET), NO_SECRET)
    assert found.asked_with == (Secret(SECRET), NEXT)
