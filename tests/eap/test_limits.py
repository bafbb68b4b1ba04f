"""How large, how many and how much: the limits of the room, and what a conversation really costs."""

from __future__ import annotations

import tracemalloc

import pytest

from nacd.eap.conversations import EapOptions
from nacd.eap.limits import NO_STATION, WAITING_OCTETS, station_of
from nacd.values import AccessRequest, Challenge, EapFailed, Nas


@pytest.fixture(scope="module")
def context(kit, site):
    return kit.tls_context(site.server, {"devices": [site.sub], "root": [site.root]})


def test_a_framed_mtu_that_fits_nothing_is_not_believed():
    options = EapOptions()
    assert options.packet_size_for(63) == options.packet_size_for(0) == options.packet_size


@pytest.mark.parametrize("mtu", [576, 1300, 1400, 1500, 4000])
def test_the_whole_datagram_stays_within_the_path_mtu(mtu):
    packet = EapOptions(path_mtu=mtu).packet_size
    attributes = packet + 2 * -(-packet // 253) + 18 + 19
    headers = 40 + 8 + 20
    assert headers + attributes <= mtu
    assert headers + attributes > mtu - 60 or packet > 3700


@pytest.mark.parametrize(("fragment", "mtu"), [(100, 576), (1024, 1400), (1400, 1400), (1400, 576), (3800, 9000)])
def test_the_smaller_of_fragment_size_and_path_mtu_wins(fragment, mtu):
    fits = EapOptions(path_mtu=mtu).packet_size
    assert EapOptions(fragment_size=fragment, path_mtu=mtu).packet_size == min(fragment, fits)


@pytest.mark.parametrize(
    "wrong", [{"fragment_size": 63}, {"fragment_size": 4000}, {"path_mtu": 100}, {"worker": 256}, {"max_rounds": 0}]
)
def test_limits_that_cannot_work_are_refused(wrong):
    with pytest.raises(ValueError, match=r"."):
        EapOptions(**wrong)


def test_too_many_waiting_conversations_are_refused_until_some_expire(kit, context):
    talk = kit.conversations(context, max_waiting=3)

    def begin(station, monotonic):
        return talk.receive(
            kit.access_request(kit.response(5, 1), calling_station_id=station), kit.instant(monotonic=monotonic)
        )

    assert all(isinstance(begin(str(n), 0), Challenge) for n in range(3))
    refused = begin("one too many", 1)
    assert isinstance(refused, EapFailed)
    assert refused.code == "overloaded"
    assert refused.eap == b"\x04\x05\x00\x04"
    started = talk.receive(kit.access_request(b"", calling_station_id="x"), kit.instant(monotonic=1))
    assert started.code == "overloaded"
    assert isinstance(begin("later", 30), Challenge)


def test_too_many_handshakes_are_refused_before_they_cost_anything(kit, site, context, supplicant):
    talk = kit.conversations(context, max_handshakes=1)
    outcomes = []
    for station in "ab":
        peer = supplicant(site.device)
        step = talk.receive(kit.access_request(kit.response(1, 1), calling_station_id=station), kit.instant())
        outcomes.append(talk.receive(kit.access_request(peer.answer(step.eap), step.state), kit.instant()))
    assert isinstance(outcomes[0], Challenge)
    assert outcomes[1].code == "overloaded"
    assert talk.counters.handshaking == 1


def test_silent_handshakes_behind_one_nas_leave_room_for_those_behind_another(kit, site, context, supplicant):
    talk = kit.conversations(context, max_handshakes=8)

    def hello(source, station):
        peer = supplicant(site.device)
        asked = kit.access_request(kit.response(1, 1), calling_station_id=station, source=source)
        step = talk.receive(asked, kit.instant())
        return talk.receive(kit.access_request(peer.answer(step.eap), step.state, source=source), kit.instant())

    by_air = [hello("192.0.2.1", f"invented {number}") for number in range(10)]
    assert [isinstance(step, Challenge) for step in by_air] == [True] * 6 + [False] * 4
    assert by_air[-1].code == "overloaded"
    assert "max_handshakes" in by_air[-1].reason
    elsewhere = [hello("192.0.2.2", f"good {number}") for number in range(2)]
    assert all(isinstance(step, Challenge) for step in elsewhere)
    assert talk.counters.handshaking == 8
    talk.expire(kit.instant(monotonic=5_000.0))
    assert isinstance(hello("192.0.2.1", "later"), Challenge)


def test_what_is_held_behind_one_nas_leaves_memory_for_those_behind_another(kit, context):
    talk = kit.conversations(context, max_octets=10 * WAITING_OCTETS)

    def begin(source, station):
        asked = kit.access_request(kit.response(1, 1), calling_station_id=station, source=source)
        return isinstance(talk.receive(asked, kit.instant()), Challenge)

    assert [begin("192.0.2.1", str(number)) for number in range(10)].count(True) == 7
    assert [begin("192.0.2.2", str(number)) for number in range(3)] == [True] * 3


def test_the_memory_budget_counts_fragments_that_never_end(kit, context):
    talk = kit.conversations(context, max_octets=20_000)
    refusals = 0
    for station in range(4):
        step = talk.receive(kit.access_request(kit.response(1, 1), calling_station_id=str(station)), kit.instant())
        for _ in range(3):
            if not isinstance(step, Challenge):
                break
            piece = kit.response(step.eap[1], 13, b"\x40" + b"\x16\x03\x01" + b"x" * 1000)
            step = talk.receive(kit.access_request(piece, step.state), kit.instant())
        refusals += isinstance(step, EapFailed)
    assert refusals
    assert talk.counters.held_octets <= 20_000


def test_a_conversation_cannot_go_on_for_ever(kit, site, context, supplicant):
    talk = kit.conversations(context, max_rounds=5)
    outcome = kit.login(talk, supplicant(site.device, fragment=50))[-1]
    assert outcome.code == "too_many_rounds"


# -- memory ---------------------------------------------------------------------------------


def test_a_thousand_waiting_conversations_cost_at_most_four_kib_each(kit, context):
    talk = kit.conversations(context)
    requests = [
        kit.access_request(kit.response(1, 1, b"host/%d.contoso.test" % n), calling_station_id=str(n))
        for n in range(1000)
    ]
    talk.receive(requests[0], kit.instant())
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for request in requests:
        talk.receive(request, kit.instant())
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert talk.counters.waiting == 1000
    assert (after - before) / 1000 <= 4096


def resident_octets():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


@pytest.mark.slow
def test_waiting_costs_no_memory_outside_python_either_and_a_handshake_what_it_is_booked_for(kit, site, supplicant):
    talk = kit.conversations(kit.tls_context(site.server, {"devices": [site.sub]}))
    peers = [supplicant(site.device) for _ in range(300)]
    hellos = []
    before = resident_octets()
    for number, peer in enumerate(peers):
        step = talk.receive(kit.access_request(kit.response(1, 1), calling_station_id=str(number)), kit.instant())
        hellos.append((peer.answer(step.eap), step.state))
    waiting = resident_octets()
    for hello, state in hellos:
        assert isinstance(talk.receive(kit.access_request(hello, state), kit.instant()), Challenge)
    assert talk.counters.handshaking == 300
    handshaking = resident_octets()
    assert (handshaking - waiting) / 300 <= talk.counters.held_octets / 300
    talk.expire(kit.instant(monotonic=9_999))
    assert talk.counters.held_octets == 0
    assert waiting - before < 300 * 80 * 1024  # mostly the supplicants themselves


def _request(**parts):
    parts = {"calling_station_id": "00-11-22-33-44-55", "nas_port": "1", **parts}
    return AccessRequest(nas=Nas(name="campus", vendor="generic"), source="10.0.0.1", source_port=1, **parts)


@pytest.mark.parametrize("nobody", ["", "00-00-00-00-00-00", "000000000000", "ff:ff:ff:ff:ff:ff"])
def test_a_placeholder_names_no_station_so_that_its_users_do_not_end_each_other(nobody):
    assert station_of(_request(calling_station_id=nobody)) == NO_STATION


def test_a_borrowed_mac_on_another_port_is_another_station():
    assert station_of(_request()) == station_of(_request(user_name="anybody"))
    assert station_of(_request()) != station_of(_request(nas_port="2"))
    assert station_of(_request()) != station_of(_request(nas_port_id="Gi1/0/2"))


def test_users_behind_one_vpn_address_are_several_stations():
    one, other = (_request(nas_port_type="Virtual", user_name=name) for name in ("alice", "bob"))
    assert station_of(one) != station_of(other)


def test_who_starts_over_within_a_conversation_has_had_its_rounds(kit, context):
    talk = kit.conversations(context, max_rounds=5)
    step = talk.receive(kit.access_request(kit.response(1, 1)), kit.instant())
    outcomes = []
    for _ in range(8):
        if not isinstance(step, Challenge):
            break
        step = talk.receive(kit.access_request(kit.response(step.eap[1], 1), step.state), kit.instant())
        outcomes.append(step)
    assert isinstance(outcomes[-1], EapFailed)
    assert outcomes[-1].code == "too_many_rounds"
    assert len(outcomes) == 6


def test_one_port_and_one_nas_have_their_shares_and_each_refusal_is_counted(kit, context):
    talk = kit.conversations(context, max_per_port=2, max_per_nas=3)

    def begin(station, port):
        request = kit.access_request(kit.response(1, 1), calling_station_id=station, nas_port_id=port)
        return talk.receive(request, kit.instant())

    assert [isinstance(begin(station, "1"), Challenge) for station in "abc"] == [True, True, False]
    assert [isinstance(begin(station, "2"), Challenge) for station in "de"] == [True, False]
    assert talk.counters.limited == {"max_per_port": 1, "max_per_nas": 1}


def test_a_borrowed_mac_elsewhere_does_not_use_up_its_owners_share(kit, context):
    talk = kit.conversations(context, max_per_station=1)
    here = kit.access_request(kit.response(1, 1), calling_station_id="00-1B-44-11-3A-B7", nas_port_id="1")
    assert isinstance(talk.receive(here, kit.instant()), Challenge)
    again = kit.access_request(kit.response(1, 1), calling_station_id="00-1B-44-11-3A-B7", nas_port_id="2")
    assert talk.receive(again, kit.instant()).code == "overloaded"
    elsewhere = kit.access_request(
        kit.response(1, 1), calling_station_id="00-1B-44-11-3A-B7", nas_port_id="1", source="10.9.9.9"
    )
    assert isinstance(talk.receive(elsewhere, kit.instant()), Challenge)
