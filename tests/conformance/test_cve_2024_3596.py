"""CVE-2024-3596 (a forged answer by an MD5 collision) and draft-ietf-radext-deprecating-radius."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nacd.errors import ConfigError
from tests.conformance.octets import ACCEPT, CHALLENGE, PRINTER, REJECT, STATUS, mab, request
from tests.conformance.wire import Wire
from tests.server.house import House, Site

PROXIED = (33, b"where the collision is built")


@pytest.fixture
def lenient(site: Site, build: Callable[..., House], plug: Callable[..., Wire]) -> Callable[[str], tuple[House, Wire]]:
    """A house whose switch has ``message_authenticator: auto`` or ``accept``."""

    def make(rule: str) -> tuple[House, Wire]:
        site.change("groups: [wired],", f"groups: [wired], message_authenticator: {rule},")
        house = build()
        return house, plug(house)

    return make


@pytest.mark.clause("CVE-2024-3596 answers", "Message-Authenticator is the first attribute of every answer")
@pytest.mark.parametrize("kind", ["accept", "reject", "challenge", "status"])
def test_the_signature_comes_first(wire: Wire, kind: str) -> None:
    octets, code = {
        "accept": (mab(PRINTER, PROXIED), ACCEPT),
        "reject": (request((1, b"alice"), PROXIED), REJECT),
        "challenge": (request((1, b"alice"), (79, b""), PROXIED), CHALLENGE),
        "status": (request(PROXIED, code=STATUS), ACCEPT),
    }[kind]
    got = wire.ask(octets)
    assert got.code == code
    assert got.attributes[0][0] == 80
    assert got.octets[20:22] == b"\x50\x12"


@pytest.mark.clause("CVE-2024-3596 answers", "an answer to an unsigned request is signed as well")
def test_even_an_unsigned_request_gets_a_signed_answer(lenient: Callable[[str], tuple[House, Wire]]) -> None:
    _, wire = lenient("accept")
    got = wire.ask(mab(sign=False))
    assert (got.code, got.attributes[0][0]) == (ACCEPT, 80)


@pytest.mark.clause("CVE-2024-3596 requests", "required of a NAS: a request without it is discarded (the default)")
def test_an_unsigned_request_is_dropped(wire: Wire) -> None:
    assert wire.is_silent(mab(sign=False))


@pytest.mark.clause("CVE-2024-3596 requests", "auto: taken without it until the NAS has sent it once, then required")
def test_a_nas_that_has_signed_once_must_go_on_signing(lenient: Callable[[str], tuple[House, Wire]]) -> None:
    _, wire = lenient("auto")
    assert wire.ask(mab(sign=False)).code == ACCEPT
    assert wire.ask(mab()).code == ACCEPT
    assert wire.is_silent(mab(sign=False))


@pytest.mark.clause("CVE-2024-3596 requests", "auto: a signature that EAP forces does not show what a NAS can do")
def test_a_signed_eap_request_does_not_make_mab_require_one(lenient: Callable[[str], tuple[House, Wire]]) -> None:
    _, wire = lenient("auto")
    assert wire.ask(request((1, b"host/laptop"), (79, b""))).code == CHALLENGE
    assert wire.ask(mab(sign=False)).code == ACCEPT


@pytest.mark.clause("CVE-2024-3596 requests", "limit Proxy-State: not taken in an unsigned request, whatever the rule")
@pytest.mark.parametrize("rule", ["auto", "accept"])
def test_an_unsigned_request_with_proxy_state_is_dropped(
    lenient: Callable[[str], tuple[House, Wire]], rule: str
) -> None:
    _, wire = lenient(rule)
    assert wire.is_silent(mab(PRINTER, PROXIED, sign=False))
    assert wire.ask(mab(PRINTER, PROXIED)).code == ACCEPT


@pytest.mark.clause("CVE-2024-3596 requests", "an unsigned request does not push a signed one out of the cache")
def test_a_forged_unsigned_request_leaves_the_signed_answer_in_place(
    lenient: Callable[[str], tuple[House, Wire]],
) -> None:
    house, wire = lenient("accept")
    signed = mab(identifier=44)
    answer = wire.raw(signed)
    wire.raw(mab(identifier=44, sign=False))
    records = len(house.records("access.accept"))
    assert wire.raw(signed) == answer
    assert len(house.records("access.accept")) == records


@pytest.mark.clause("CVE-2024-3596 requests", "a discarded request leaves a reason that the admin can read")
def test_the_report_of_drops_names_the_nas_and_the_setting(
    build: Callable[..., House], plug: Callable[..., Wire]
) -> None:
    house = build()
    assert plug(house).is_silent(mab(sign=False))
    house.do(lambda: house.recorder.report_drops(house.clock()))
    (record,) = house.records("packets.dropped")
    assert (record["nas"]["name"], record["packets"]["reason"]) == ("switch", "no_message_authenticator")


@pytest.mark.clause("draft-ietf-radext-deprecating-radius secrets", "an empty shared secret is refused")
def test_a_client_without_a_secret_is_refused(site: Site) -> None:
    site.write("secrets/nas", b"", 0o600)
    with pytest.raises(ConfigError, match="is empty"):
        site.assemble()
