"""A request is decided by the generation that was in force when it came, a conversation by that in which it began."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import pytest

from nacd.server.reload import generation
from nacd.server.reload.generation import Generation
from nacd.server.reload.in_force import MOST_OLD
from nacd.sim.nas import Nas
from nacd.sim.supplicant import login
from tests.server.house import LAPTOP_MAC, POLICY, PRINTER_MAC, SECRET, House, Pki, Register, soon
from tests.server.reload.street import ACCEPT, REJECT, SILENCE, Interrupting

NEW_SECRET = b"another-one-of-the-tests-0815"


def renewed(house: House) -> Generation:
    """The files as they are now, as a generation that nothing decides by yet."""
    number = house.in_force.current.number + 1 + len(house.in_force.old())
    return generation.build(house.site.assemble(), house.shared, number)


def reload(house: House) -> Generation:
    new = renewed(house)
    house.do(lambda: house.in_force.put(new))
    return new


def interrupting(house: House, then: Callable[[Nas], None], after: int = 2) -> Interrupting:
    made = Interrupting(
        server="127.0.0.1",
        secret=SECRET,
        port=house.ports[0],
        accounting_port=house.ports[1],
        timeout_s=2.0,
        tries=1,
        source="127.0.0.1",
        name="switch",
        after=after,
        then=then,
    )
    house._nases.append(made)
    return made


def vlan(house: House) -> str:
    """That the printer gets."""
    given = house.nas().mab(PRINTER_MAC).first("Tunnel-Private-Group-Id")
    return given.decode() if isinstance(given, bytes) else str(given)


def test_what_comes_after_a_reload_is_decided_by_the_new_policy(house: House) -> None:
    assert vlan(house) == "140"
    before = house.in_force.current.policy_digest
    house.site.change("vlan: 140", "vlan: 141", file="policy.yaml")
    reload(house)
    assert vlan(house) == "141"
    digests = [record["decision"]["policy_digest"] for record in house.records("access.accept")]
    assert digests[0] == before
    assert digests[-1] == house.in_force.current.policy_digest != before


def test_a_conversation_goes_on_with_the_generation_in_which_it_began(house: House, pki: Pki) -> None:
    began = house.in_force.current.policy_digest
    house.site.change("vlan: 120", "vlan: 121", file="policy.yaml")
    result = login(interrupting(house, lambda nas: reload(house) and None), pki.supplicant(), mac=LAPTOP_MAC)
    assert result.code == ACCEPT
    assert house.in_force.current.policy_digest != began
    (record,) = house.records("access.accept")
    assert record["decision"]["policy_digest"] == began
    assert {"name": "Tunnel-Private-Group-Id", "value": "120", "tag": 1}.items() <= next(
        each for each in record["reply"]["attributes"] if each["name"] == "Tunnel-Private-Group-Id"
    ).items()


def test_a_request_that_waits_for_intune_is_decided_by_its_own_generation(
    house: House, register: Register, pki: Pki
) -> None:
    began = house.in_force.current.policy_digest
    register.open.clear()

    def reload_and_answer(_: Nas) -> None:
        house.site.change("vlan: 120", "vlan: 121", file="policy.yaml")
        reload(house)
        register.open.set()

    result = login(interrupting(house, reload_and_answer, after=3), pki.supplicant(tls="1.2"), mac=LAPTOP_MAC)
    assert result.code == ACCEPT
    assert house.records("access.accept")[0]["decision"]["policy_digest"] == began


def test_a_new_secret_counts_at_once_also_for_a_conversation_under_way(house: House, pki: Pki) -> None:
    began = house.in_force.current.policy_digest

    def change(nas: Nas) -> None:
        house.site.write("secrets/nas", NEW_SECRET, 0o600)
        house.site.change("vlan: 120", "vlan: 121", file="policy.yaml")
        reload(house)
        nas.secret = NEW_SECRET

    result = login(interrupting(house, change), pki.supplicant(), mac=LAPTOP_MAC)
    assert (result.code, result.keys) == (ACCEPT, "match")
    assert house.records("access.accept")[0]["decision"]["policy_digest"] == began


def test_a_nas_that_still_has_the_old_secret_is_not_answered(house: House, pki: Pki) -> None:
    def change(_: Nas) -> None:
        house.site.write("secrets/nas", NEW_SECRET, 0o600)
        reload(house)

    assert login(interrupting(house, change), pki.supplicant(), mac=LAPTOP_MAC).code == SILENCE
    assert house.nas().mab(PRINTER_MAC).code == SILENCE


def test_a_nas_that_is_taken_out_is_not_answered_in_the_middle_of_a_login(house: House, pki: Pki) -> None:
    def change(_: Nas) -> None:
        house.site.change("network: 127.0.0.1,", "network: 127.0.0.9,")
        reload(house)

    assert login(interrupting(house, change), pki.supplicant(), mac=LAPTOP_MAC).code == SILENCE


def test_an_address_that_belongs_to_another_nas_now_begins_anew(house: House, pki: Pki) -> None:
    def change(_: Nas) -> None:
        house.site.change("name: switch,", "name: other-switch,")
        reload(house)

    result = login(interrupting(house, change), pki.supplicant(), mac=LAPTOP_MAC)
    assert result.code == REJECT
    assert house.records("access.eap_failed")[-1]["eap"]["failure"] == "conversation_unknown"
    assert house.login(pki.supplicant()).code == ACCEPT


def test_another_vendor_in_the_middle_of_a_login_does_not_mix_with_the_old_profile(house: House, pki: Pki) -> None:
    def change(_: Nas) -> None:
        house.site.change("vendor: cisco-ios", "vendor: generic")
        reload(house)

    assert login(interrupting(house, change), pki.supplicant(), mac=LAPTOP_MAC).code == ACCEPT
    assert house.records("access.accept")[0]["nas"]["vendor"] == "cisco-ios"


def test_eap_may_come_and_go(house: House, pki: Pki) -> None:
    whole = house.site.config.read_text(encoding="utf-8")
    eap = whole[whole.index("eap:") : whole.index("intune:")]
    house.site.change(eap, "")
    reload(house)
    assert house.login(pki.supplicant()).code == REJECT
    house.site.write("nacd.yaml", whole)
    reload(house)
    assert house.login(pki.supplicant()).code == ACCEPT


def test_an_old_generation_leaves_with_its_last_conversation(house: House, pki: Pki) -> None:
    gone: list[weakref.ref[Generation]] = [weakref.ref(house.in_force.current)]
    there: list[int] = []

    def change(_: Nas) -> None:
        reload(house)
        there.append(house.do(lambda: len(house.in_force.old())))

    gc.disable()  # by counting references alone: nobody looks for cycles in what was frozen at start
    try:
        assert login(interrupting(house, change), pki.supplicant(), mac=LAPTOP_MAC).code == ACCEPT
        assert there == [1]
        assert soon(lambda: gone[0]() is None)
    finally:
        gc.enable()
    house.do(house.in_force.tidy)
    assert not house.in_force.several


def test_the_oldest_generation_is_dropped_when_there_are_too_many_and_that_is_said(house: House, pki: Pki) -> None:
    said: list[str] = []
    house.in_force._report = said.append

    def change(_: Nas) -> None:
        for _ in range(MOST_OLD + 1):
            kept.append(reload(house))  # each of them is still needed by somebody

    kept: list[Generation] = []
    result = login(interrupting(house, change), pki.supplicant(), mac=LAPTOP_MAC)
    assert result.code == REJECT
    assert house.in_force.ended_early == 1
    assert len(said) == 1
    assert "1 EAP conversations begin anew" in said[0]
    assert len(house.do(house.in_force.old)) <= MOST_OLD
    assert house.login(pki.supplicant()).code == ACCEPT


def test_only_the_nases_of_the_group_meet_what_is_tried_out(house: House) -> None:
    house.site.change("vlan: 140", "vlan: 141", file="policy.yaml")
    new = renewed(house)
    house.do(lambda: house.in_force.try_out(new, "wired"))
    assert house.nas().mab(PRINTER_MAC).code == ACCEPT
    assert house.nas(source="127.0.0.2", name="concentrator").mab(PRINTER_MAC).code != SILENCE
    (accept,) = house.records("access.accept")
    assert accept["decision"]["policy_digest"] == new.policy_digest
    others = [record for record in house.records() if record["nas"]["name"] == "concentrator"]
    assert others
    house.do(house.in_force.take_back)
    house.nas().mab(PRINTER_MAC)
    assert house.records("access.accept")[-1]["decision"]["policy_digest"] == house.in_force.current.policy_digest


@pytest.mark.slow
def test_two_hundred_reloads_leave_nothing_behind(house: House, pki: Pki) -> None:
    refs = []
    for number in range(200):
        house.site.write("policy.yaml", f"{POLICY}# {number}\n")
        refs.append(weakref.ref(reload(house)))
        if number % 20 == 0:
            assert house.login(pki.supplicant()).code == ACCEPT
            assert house.nas().mab(PRINTER_MAC).code == ACCEPT
    assert soon(lambda: sum(ref() is not None for ref in refs) == 1)
    assert len(house.do(house.in_force.all)) == 1
    assert not house.ongoing.live
