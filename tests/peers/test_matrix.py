"""Every kind of key, TLS version and pair of fragment sizes against eapol_test, with tshark looking on.

96 logins, eight on each of twelve daemons. The cells, the rounds they take and the two that cannot end are
explained in ``matrix.py``. A failure names its cell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.peers.matrix import (
    CELLS,
    KINDS,
    LARGEST_PACKET,
    PATH_MTU,
    SIZES,
    SUPPLICANT_ROUNDS,
    TOO_LONG,
    VERSIONS,
    Cell,
    Talk,
    talks,
)
from tests.peers.wire import EapResult, Supplicant

pytestmark = [pytest.mark.peer, pytest.mark.slow]

ACCEPT, CHALLENGE = "2", "11"


def eap_keys(**keys: Any) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    """A change for ``launch``: these keys of ``eap``, and a NAS wherever a cell may have one."""

    def change(config: dict[str, Any], policy: dict[str, Any]) -> None:
        del policy
        config["eap"] |= keys
        config["clients"][0]["network"] = "127.0.0.0/24"

    return change


@pytest.fixture
def log_in(peer: Callable[[str], Any], certificates: Any, tmp_path: Path) -> Callable[..., dict[Cell, EapResult]]:
    """``log_in(nacd, cells)``: every cell's login, two at a time."""
    program = peer("eapol_test")

    def one(nacd: Any, cell: Cell, *options: str) -> EapResult:
        folder = tmp_path / cell.name.replace(" ", "-")  # logins at the same time share no file
        folder.mkdir(exist_ok=True)
        supplicant = Supplicant(program, folder, certificates.folder / "server-ca.pem")
        credential = certificates.client(f"compliant-{cell.kind}")
        network = supplicant.network(credential, cell.tls, fragment_size=str(cell.theirs))
        place = (f"-A{cell.address}", *options)
        return supplicant.login(nacd.address(), network, *place, mac=cell.mac.replace("-", ":"), timeout_s=30)

    def every(nacd: Any, cells: Sequence[Cell], *options: str) -> dict[Cell, EapResult]:
        certificates.client(f"compliant-{cells[0].kind}")  # written once, before anybody reads it
        with ThreadPoolExecutor(max_workers=2) as pool:
            return dict(zip(cells, pool.map(lambda cell: one(nacd, cell, *options), cells), strict=True))

    return every


# -- judgement of one cell -----------------------------------------------------------------------


def check_wire(talk: Talk, packet_size: int) -> None:
    """Whole datagrams within the path MTU, signed well; EAP packets within ``packet_size``, which is made use of."""
    assert talk.answered, "nothing of this login was captured"
    assert max(each.ip_octets for each in talk.answered) <= PATH_MTU
    assert not any(each.in_ip_fragments for each in talk.answered)
    assert all(each.signed_well for each in talk.answered)
    largest = max(each.eap_octets for each in talk.answered)
    assert largest <= packet_size
    if any(each.eap_flags & 0x40 for each in talk.requests):
        assert largest == packet_size, "more fragments than needed"


def check_accepted(result: EapResult, talk: Talk, tls: str, rounds: int) -> None:
    """In, with the same keys on both sides, by that version of TLS and in so many rounds."""
    assert result.accepted, result.output[-3000:]
    assert result.keys == (1, 0)
    assert result.versions == {tls}
    assert {each.code for each in talk.answered} == {CHALLENGE, ACCEPT}
    assert len(talk.requests) == rounds


def check_given_up(result: EapResult, talk: Talk) -> None:
    """The supplicant ends it, with its own words, at its 101st request: an Identity request of its own and 100 more."""
    assert not result.accepted
    assert "EAP: more than 100 authentication rounds - abort" in result.output
    assert len(talk.requests) == SUPPLICANT_ROUNDS + 1
    assert {each.code for each in talk.answered} == {CHALLENGE}


# -- the matrix ----------------------------------------------------------------------------------


def test_the_matrix_is_whole() -> None:
    assert len(set(CELLS)) == len({cell.mac for cell in CELLS}) == len(KINDS) * len(VERSIONS) * len(SIZES) ** 2 == 96
    assert set(CELLS) > TOO_LONG


@pytest.mark.parametrize("ours", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_fragments_of_any_size_both_ways_end_in_an_accept_unless_they_take_too_many_rounds(
    launch: Any, certificates: Any, tap: Any, log_in: Any, subtests: pytest.Subtests, kind: str, ours: int
) -> None:
    keys = eap_keys(fragment_size=ours, path_mtu=PATH_MTU, conversations={"lifetime": "5s"})
    nacd = launch(server=certificates.server(kind), change=keys)
    cells = [cell for cell in CELLS if (cell.kind, cell.ours) == (kind, ours)]
    wire, running = tap.start(nacd.ports)
    results = log_in(nacd, cells)
    tap.stop(running)
    seen = talks(wire)
    assert wire.faults() == []
    assert set(seen) == {cell.mac for cell in cells}, "packets of nobody, or none of somebody"
    # An ECDSA signature is an octet or two longer or shorter each time: a login is measured by its own flights,
    # and by those of the one with the largest fragments where it did not come to its end.
    whole = {cell.tls: seen[cell.mac] for cell in cells if cell.theirs == max(SIZES)}
    for cell in cells:
        with subtests.test(cell.name):
            check_cell(nacd, cell, results[cell], seen[cell.mac], whole[cell.tls])
    assert nacd.stop() == 0


def check_cell(nacd: Any, cell: Cell, result: EapResult, talk: Talk, whole: Talk) -> None:
    flights = (talk if result.accepted else whole).flights
    rounds = flights.rounds(cell.packet_size, cell.theirs)
    assert (rounds > SUPPLICANT_ROUNDS) == (cell in TOO_LONG), f"{rounds} rounds: {flights}"
    check_wire(talk, cell.packet_size)
    if cell in TOO_LONG:
        check_given_up(result, talk)
        why = re.compile(f"went silent after {SUPPLICANT_ROUNDS} rounds; many give up at 50 or 100: send larger fragm")
        wanted = {"code": "A1003W", "eap.failure": "peer_silent", "why": why}
        nacd.recorded({**wanted, "endpoint.calling_station_id": cell.mac}, within_s=20.0)
    else:
        check_accepted(result, talk, cell.tls, rounds)
        nacd.recorded({"code": "A1001I", "endpoint.mac": cell.mac, "eap.tls_version": cell.tls})


# -- nacd's own limit ----------------------------------------------------------------------------


def test_nacd_ends_a_login_one_round_past_its_own_limit_and_says_what_helps(
    launch: Any, certificates: Any, tap: Any, log_in: Any
) -> None:
    # RSA signatures have one length, so that all three logins take the same number of rounds.
    cell = Cell(kind="rsa2048", tls="TLSv1.3", ours=100, theirs=100)
    server = certificates.server(cell.kind)

    def limited(max_rounds: int) -> tuple[Any, EapResult]:
        keys = eap_keys(fragment_size=cell.ours, conversations={"max_rounds": max_rounds})
        nacd = launch(server=server, change=keys)
        return nacd, log_in(nacd, [cell])[cell]

    nacd = launch(server=server, change=eap_keys(fragment_size=cell.ours))
    wire, running = tap.start(nacd.ports)
    assert log_in(nacd, [cell])[cell].accepted
    tap.stop(running)
    rounds = len(talks(wire)[cell.mac].requests)

    _, enough = limited(rounds)
    assert enough.accepted, enough.output[-3000:]
    nacd, short = limited(rounds - 1)
    assert not short.accepted
    assert "code=3 (Access-Reject)" in short.output, short.output[-3000:]
    why = re.compile(f"more than {rounds - 1} rounds in one EAP conversation; send larger fragments")
    wanted = {"code": "A1003W", "eap.failure": "too_many_rounds", "why": why}
    nacd.recorded({**wanted, "endpoint.calling_station_id": cell.mac})


# -- Framed-MTU ----------------------------------------------------------------------------------


@pytest.mark.parametrize("framed_mtu", [400, 1000, 1300])
def test_a_framed_mtu_of_the_nas_limits_our_packets_and_nothing_else(
    launch: Any, tap: Any, log_in: Any, subtests: pytest.Subtests, framed_mtu: int
) -> None:
    """RFC 3579 section 2.4: Framed-MTU counts the EAPOL header of four octets too."""
    nacd = launch(change=eap_keys())
    cells = [Cell(kind="p256", tls=tls, ours=1400, theirs=1400) for tls in VERSIONS]
    wire, running = tap.start(nacd.ports)
    results = log_in(nacd, cells, f"-N12:d:{framed_mtu}")
    tap.stop(running)
    seen = talks(wire)
    assert wire.faults() == []
    packet_size = min(framed_mtu - 4, LARGEST_PACKET)
    for cell in cells:
        with subtests.test(f"{cell.name} Framed-MTU {framed_mtu}"):
            talk = seen[cell.mac]
            check_wire(talk, packet_size)
            assert any(each.eap_octets == packet_size for each in talk.requests), "the flight is too short to tell"
            check_accepted(results[cell], talk, cell.tls, talk.flights.rounds(packet_size, cell.theirs))
