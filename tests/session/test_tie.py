"""Which session a record, or an Accept, is about."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nacd.session.table import NO_SESSION
from nacd.session.tie import YOUNG_S, again, tie
from nacd.sessions import Names, Phase, Session
from nacd.values import AccessKind
from tests.session.making import (
    MAC,
    OTHER_MAC,
    OTHER_TOKEN,
    TOKEN,
    T,
    after,
    authorized,
    interim,
    place,
    start,
    stop,
)

NO_NAMES = Names()


def session(number: int, at: float = T, names: Names = NO_NAMES, **more: object) -> Session:
    return after(authorized(at, names=names, place=place(**more)), id=number)


def test_our_token_ties_across_nases() -> None:
    ours = session(1, names=Names(token=TOKEN))
    record = start(T + 1, place=place("another", calling_station_id=""), names=Names(acct_session_id="5", token=TOKEN))
    assert tie(record, [session(2, T + 1), ours]) == ours


def test_an_audit_session_id_ties_on_its_own_nas_alone() -> None:
    ours = session(1, names=Names(audit_session_id="0A"))
    names = Names(acct_session_id="5", audit_session_id="0A")
    assert tie(start(T + 1, names=names), [ours]) == ours
    assert tie(start(T + 1, names=names, place=place("another")), [ours]) == NO_SESSION


@pytest.mark.parametrize("other", [{"nas": "another"}, {"source": "192.0.2.9"}, {"nas_identifier": "sw2"}])
def test_an_acct_session_id_alone_means_nothing_elsewhere(other: dict[str, str]) -> None:
    ours = session(1, names=Names(acct_session_id="5"), nas_identifier="sw1")
    names = Names(acct_session_id="5")
    assert tie(interim(T + 900, names=names, place=place(port="", nas_identifier="sw1")), [ours]) == ours
    assert tie(interim(T + 1, names=names, place=place(**{"nas_identifier": "sw1", **other})), [ours]) == NO_SESSION


def test_of_a_number_that_was_used_again_the_newest_counts() -> None:
    names = Names(acct_session_id="5")
    old, new = session(1, names=names), after(authorized(T + 100, names=names), stop(T + 200, names=names), id=2)
    assert tie(stop(T + 200, names=names), [old, new]) == new


def test_an_earlier_token_of_ours_does_not_contradict_the_number() -> None:
    ours = session(1, names=Names(acct_session_id="5", token=OTHER_TOKEN))
    assert tie(interim(T + 900, names=Names(acct_session_id="5", token=TOKEN)), [ours]) == ours


def test_of_one_token_the_accounting_session_with_this_number_counts_then_one_that_is_not_over() -> None:
    one = after(authorized(names=Names(acct_session_id="1", token=TOKEN)), id=1)
    two = after(authorized(T + 5, names=Names(acct_session_id="2", token=TOKEN)), id=2)
    over = replace(
        after(stop(T + 50, names=Names(acct_session_id="3", token=TOKEN)), of=two), id=3, authorized_at=T + 9
    )
    assert tie(interim(T + 60, names=Names(acct_session_id="1", token=TOKEN)), [one, two, over]) == one
    assert tie(interim(T + 60, names=Names(acct_session_id="9", token=TOKEN)), [one, two, over]) == two


def test_without_a_name_mac_port_and_moment_tie_to_the_newest_accept() -> None:
    old, new = session(1), session(2, T + 20)
    record = start(T + 21, names=Names(acct_session_id="5"))
    assert tie(record, [old, new]) == new
    assert tie(record, [new, old]) == new
    assert tie(record, [session(1, calling_station_id=OTHER_MAC), session(2, port="8")]) == NO_SESSION


def test_without_a_name_only_a_young_accept_counts() -> None:
    names = Names(acct_session_id="5")
    assert tie(start(T + YOUNG_S, names=names), [session(1)]) != NO_SESSION
    assert tie(start(T + YOUNG_S + 1, names=names), [session(1)]) == NO_SESSION
    assert tie(start(T - 400, at=T + 1, names=names), [session(1)]) == NO_SESSION


def test_a_session_time_rules_out_accepts_that_are_younger_than_that() -> None:
    names = Names(acct_session_id="5")
    assert tie(stop(T + 10, names=names, session_time_s=5), [session(1)]) != NO_SESSION
    assert tie(stop(T + 10, names=names, session_time_s=3600), [session(1)]) == NO_SESSION


def test_a_name_that_contradicts_rules_out_whatever_else_fits() -> None:
    names = Names(acct_session_id="5", audit_session_id="0B", token=TOKEN)
    for other in (Names(acct_session_id="6"), Names(audit_session_id="0A"), Names(token=OTHER_TOKEN)):
        assert tie(start(T + 1, names=names), [session(1, names=other)]) == NO_SESSION


def test_what_is_live_already_is_not_tied_by_mac_and_port() -> None:
    live = after(authorized(names=NO_NAMES), start(T + 1, names=Names(acct_session_id="4")))
    assert tie(start(T + 2, names=Names(acct_session_id="5")), [live]) == NO_SESSION


# -- accepted again -------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [Names(audit_session_id="0A", token="c" * 32), Names(acct_session_id="5")])
def test_an_accept_for_a_session_that_its_nas_names_is_a_re_authentication(names: Names) -> None:
    ours = session(1, names=Names(audit_session_id="0A", acct_session_id="5", token=TOKEN))
    assert again(authorized(T + 100, names=names), [ours]) == ours
    assert again(authorized(T + 100, names=names, place=place("another")), [ours]) == NO_SESSION
    assert again(authorized(T + 100, names=names, place=place(calling_station_id=OTHER_MAC)), [ours]) == NO_SESSION


def test_an_accept_without_a_name_is_one_of_the_same_mac_on_the_same_port() -> None:
    ours, elsewhere = session(1, names=Names(acct_session_id="5")), session(2, port="8")
    assert again(authorized(T + 100, names=Names(token=TOKEN)), [ours, elsewhere]) == ours
    assert again(authorized(T + 100, names=NO_NAMES), [ours]) == NO_SESSION, "without a token nothing will tell"


def test_without_any_name_two_logins_of_a_mac_on_a_port_are_one_session() -> None:
    nameless, elsewhere = session(1, names=NO_NAMES), session(2, names=NO_NAMES, port="8")
    assert again(authorized(T + 100, names=NO_NAMES), [nameless, elsewhere]) == nameless
    assert again(authorized(T + 100, names=NO_NAMES), [replace(nameless, started_at=T + 1)]) == NO_SESSION
    assert again(authorized(T + 100, names=NO_NAMES, access=AccessKind.VPN), [nameless]) == NO_SESSION


def test_no_address_of_a_vpn_ties_an_accept() -> None:
    ours = after(authorized(names=NO_NAMES, access=AccessKind.VPN))
    assert again(authorized(T + 9, names=Names(token=TOKEN), access=AccessKind.VPN), [ours]) == NO_SESSION
    assert ours.place.calling_station_id == MAC


def test_what_is_over_is_not_authorized_again() -> None:
    names = Names(acct_session_id="5")
    over = after(authorized(names=names), stop(T + 50, names=names))
    assert again(authorized(T + 100, names=names), [over]) == NO_SESSION


def test_an_audit_session_id_from_another_switch_of_the_client_ends_and_moves_nothing() -> None:
    names = Names(audit_session_id="0A")
    ours = after(authorized(names=names, place=place(nas_identifier="floor-1")))
    for there in (place(source="192.0.2.99"), place(nas_identifier="basement")):
        for record in (stop(T + 60, names=names, place=there), interim(T + 60, names=names, place=there)):
            assert tie(record, [ours]) == NO_SESSION


def test_the_other_half_of_a_pair_accounts_with_our_token_and_who_let_it_in_is_asked() -> None:
    there = place(source="192.0.2.2", nas_identifier="b", framed_address="10.0.0.1")
    ours = after(authorized(names=Names(token=TOKEN), place=place(nas_identifier="a")))
    names = Names(acct_session_id="9", token=TOKEN)
    live = after(start(T + 1, names=names, place=there), of=ours)
    assert (live.id, live.place) == (1, replace(ours.place, framed_address="10.0.0.1"))
    assert after(interim(T + 600, names=names, place=there), of=live).id == 1, "and not a second session"
    assert after(stop(T + 700, names=names, place=there), of=live).phase is Phase.ENDED
