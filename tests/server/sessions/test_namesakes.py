"""Who bears the same User-Name at one NAS."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nacd.server.assembly import Assembled
from nacd.server.sessions import namesakes as module
from nacd.server.sessions.namesakes import Namesakes
from nacd.server.sessions.targets import Asked, Targets
from nacd.session.table import apply
from nacd.session.tie import tie
from nacd.sessions import Authorized, Gone, Grounds, Names, NotOurs, Phase, Session, Standing
from nacd.store.live.outcome import Applied
from nacd.store.sessions import SessionStore
from nacd.values import AccessKind, Assurance, Device, DeviceId, IdentitySource
from tests.server.sessions.nases import NOW, session

VICTIM = "victim@example.test"


def login(id: int, name: str = VICTIM, vendor: str = "strongswan", **more: Any) -> Session:
    """Somebody at a NAS of this vendor, with a device of his own."""
    made = session(vendor, access=AccessKind.VPN)
    assert isinstance(made.grounds, Grounds)
    device = Device(
        id=DeviceId(guid=f"00000000-0000-4000-8000-{id:012x}"),
        source=IdentitySource.CERTIFICATE,
        assurance=Assurance.CERTIFICATE,
    )
    grounds = replace(made.grounds, identity=device, user="")
    made = replace(made, id=id, names=Names(user_name=name), grounds=grounds)
    return replace(made, **more)


def with_user(session: Session, user: str) -> Session:
    """user: that of the certificate, or whom a gateway has authenticated."""
    assert isinstance(session.grounds, Grounds)
    return replace(session, grounds=replace(session.grounds, user=user))


def taken(*sessions: Session, nases: dict[str, str] | None = None) -> Namesakes:
    made = Namesakes({"strongswan": "", "mikrotik": ""} if nases is None else nases)
    for each in sessions:
        hear(made, each)
    return made


def hear(namesakes: Namesakes, session: Session, ended: tuple[int, ...] = ()) -> None:
    assert isinstance(session.standing, Standing)
    assert isinstance(session.grounds, Grounds)
    change = Authorized(
        place=session.place, names=session.names, standing=session.standing, grounds=session.grounds, at=NOW
    )
    namesakes.applied(change, Applied(session=session, changed=True, ended=ended))


@pytest.mark.parametrize("name", [VICTIM, "Victim@Example.TEST"])
def test_whoever_calls_himself_as_another_does_has_a_namesake(name: str) -> None:
    victim, attacker = login(1), login(2, name)
    namesakes = taken(victim, attacker)
    assert namesakes.has(attacker)
    assert namesakes.has(victim)
    assert not taken(victim).has(victim)


def test_an_aged_session_may_still_be_up_and_one_that_has_ended_is_not() -> None:
    victim, attacker = login(1), login(2)
    namesakes = taken(victim, attacker)
    hear(namesakes, replace(victim, phase=Phase.AGED))
    assert namesakes.has(attacker)
    hear(namesakes, replace(victim, phase=Phase.ENDED))
    assert not namesakes.has(attacker)
    hear(namesakes, victim)
    hear(namesakes, attacker, ended=(1,))
    assert not namesakes.has(attacker)


def test_one_that_takes_another_name_is_no_namesake_any_more() -> None:
    victim, attacker = login(1), login(2)
    namesakes = taken(victim, attacker)
    hear(namesakes, replace(victim, names=Names(user_name="alex")))
    assert not namesakes.has(attacker)


def test_one_device_and_one_proved_user_may_be_there_twice() -> None:
    one = login(1)
    assert isinstance(one.grounds, Grounds)
    assert not taken(one, replace(one, id=2)).has(one)
    proved = [with_user(login(id), VICTIM) for id in (1, 2)]
    assert not taken(*proved).has(proved[0])
    assert taken(proved[0], with_user(login(2), "alex")).has(proved[0])
    assert taken(proved[0], login(2)).has(proved[0])


def test_a_device_that_only_says_which_it_is_is_nobodys_proof() -> None:
    one = login(1)
    assert isinstance(one.grounds, Grounds)
    assert isinstance(one.grounds.identity, Device)
    said = replace(one.grounds, identity=replace(one.grounds.identity, source=IdentitySource.VPN))
    pair = [replace(one, id=id, grounds=said) for id in (1, 2)]
    assert taken(*pair).has(pair[0])


def test_what_another_server_let_in_is_somebody_else() -> None:
    victim = replace(login(1), grounds=NotOurs(), standing=NotOurs())
    namesakes = taken(login(2))
    namesakes.applied(Gone(id=1, phase=Phase.AGED, at=NOW, cause=""), Applied(session=victim))
    assert namesakes.has(login(2))


def test_another_gateway_of_the_client_is_another_place_unless_one_controller_is_asked_for_all() -> None:
    victim, attacker = login(1), login(2)
    elsewhere = replace(victim, place=replace(victim.place, source="10.9.9.9"))
    assert not taken(elsewhere, attacker).has(attacker)
    assert taken(elsewhere, attacker, nases={"strongswan": "192.0.2.9"}).has(attacker)


def test_where_names_are_not_asked_by_nothing_is_kept() -> None:
    namesakes = taken(login(1), login(2), nases={})
    assert not namesakes.has(login(1))
    assert not namesakes._names


def test_the_oldest_go_first_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 10)
    namesakes = taken(*(login(id) for id in range(1, 31)))
    assert sorted(namesakes._names) == list(range(21, 31))
    assert sum(map(len, namesakes._by_name.values())) == 10


def test_a_restart_learns_who_is_there_and_a_name_of_odd_octets_survives_it(tmp_path: Path) -> None:
    store = SessionStore(tmp_path / "sessions.sqlite", apply=apply, tie=tie, report=pytest.fail)
    odd = Names(user_name="caf\\xe9", user_name_octets=b"caf\xe9".hex())
    for number, names in enumerate((Names(user_name=VICTIM), Names(user_name=VICTIM), odd), 1):
        each = login(number)
        assert isinstance(each.standing, Standing)
        assert isinstance(each.grounds, Grounds)
        place = replace(each.place, port=str(number), calling_station_id=f"192.0.2.{number}")
        store.submit(
            Authorized(place=place, names=names, standing=each.standing, grounds=each.grounds, at=NOW + number)
        ).result(10)

    async def read(ask: Any) -> Sequence[Session]:
        found: Sequence[Session] = ask(store)
        return found

    namesakes = Namesakes({"strongswan": ""})
    asyncio.run(namesakes.resume(read))
    kept = [store.session(id) for id in (1, 2, 3)]
    store.close()
    assert [isinstance(each, Session) and namesakes.has(each) for each in kept] == [True, True, False]
    assert isinstance(kept[2], Session)
    assert kept[2].names == odd


def test_a_gateway_is_asked_by_a_name_only_where_it_is_one_persons(every_vendor: Assembled) -> None:
    plain = Targets(every_vendor)
    assert {"strongswan", "mikrotik"} <= plain.asked_by_name.keys()
    assert not {"hostapd", "cisco-ios", "ruckus"} & plain.asked_by_name.keys()
    victim, attacker = login(1), login(2)
    namesakes = taken(victim)
    targets = Targets(every_vendor, namesakes.has)
    (rung,) = targets.rungs(victim, "staff", "fix")
    assert isinstance(targets.request(rung, victim, "fix"), Asked)
    hear(namesakes, attacker)
    for each in (attacker, victim):
        assert targets.rungs(each, "staff", "fix") == ()
        (left_out,) = targets.left_out(each, "staff", "fix")
        assert "has the same User-Name" in left_out.reason
        assert targets.request(rung, each, "fix") == left_out


async def nobody_is_there(_: Any) -> Sequence[Session]:
    return ()


def test_a_reload_in_the_middle_of_learning_leaves_it_to_the_one_after_it() -> None:
    known = taken(nases={})
    known.renew({"strongswan": ""})

    async def renewed_meanwhile(_: Any) -> Sequence[Session]:
        known.renew({"strongswan": "10.0.0.1"})
        return ()

    asyncio.run(known.resume(renewed_meanwhile))
    assert known.has(login(1))
    asyncio.run(known.resume(nobody_is_there))
    assert not known.has(login(1))


def test_other_nases_begin_with_nobody_and_the_same_ones_forget_nobody() -> None:
    known = taken(login(1), login(2))
    assert known.has(login(1))
    known.renew({"strongswan": "", "mikrotik": ""})
    assert known.has(login(1))
    known.renew({"strongswan": "10.0.0.1"})
    assert known.has(login(1)), "nobody knows yet who is there"
    asyncio.run(known.resume(nobody_is_there))
    assert not known.has(login(1))
    hear(known, login(1))
    hear(known, login(2))
    assert known.has(login(1))
