"""What each change makes of a session."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nacd.session.table import NO_SESSION, Ignored, apply
from nacd.sessions import Gone, Names, NotOurs, Pending, Phase, Session, Settled, Verb, Wished
from tests.session.making import (
    OTHER_MAC,
    OTHER_TOKEN,
    TOKEN,
    T,
    after,
    authorized,
    interim,
    place,
    restarted,
    standing,
    start,
    stop,
)

NAMELESS = Names(acct_session_id="1")
SAME = Names(acct_session_id="1", token=TOKEN)


def pending(profile: str = "quarantine", since: float = T + 50) -> Pending:
    return Pending(wanted=standing(profile, since), since=since)


def wished(wish: Any, at: float = T + 50, **more: Any) -> Wished:
    return Wished(id=1, wish=wish, at=at, **more)


def ignored(session: Any, change: Any) -> str:
    made = apply(session, change)
    assert isinstance(made, Ignored), made
    return made.why


# -- the plain course -----------------------------------------------------------------------------


def test_an_accept_makes_a_new_row_that_nothing_was_heard_of() -> None:
    session = apply(NO_SESSION, authorized(ends_at=T + 3600, voice=True))
    assert isinstance(session, Session)
    assert (session.id, session.phase, session.authorized_at, session.started_at) == (0, Phase.AUTHORIZED, T, 0.0)
    assert (session.seen_at, session.ends_at, session.voice, session.wish) == (T, T + 3600, True, Settled())


def test_a_start_makes_it_live_and_a_stop_ends_it_with_its_cause() -> None:
    live = after(authorized(), start(T + 1, place=place(framed_address="10.0.0.1")))
    assert (live.phase, live.started_at, live.seen_at) == (Phase.LIVE, T + 1, T + 1)
    assert live.place.framed_address == "10.0.0.1"
    assert live.names.token == TOKEN, "what the record does not say stays"
    ended = after(stop(T + 60, cause="User-Request"), of=live)
    assert (ended.phase, ended.ended_at, ended.cause) == (Phase.ENDED, T + 60, "User-Request")


def test_an_interim_without_its_start_tells_the_start_by_its_session_time() -> None:
    assert after(authorized(), interim(T + 600, session_time_s=590)).started_at == T + 10
    liar = after(authorized(), interim(T + 600, session_time_s=4_294_967_295))
    assert liar.started_at == T - 300, "not long before the accept, whatever the NAS counts"


def test_a_stop_without_start_ends_what_was_only_authorized() -> None:
    ended = after(authorized(), stop(T + 60, session_time_s=55))
    assert (ended.phase, ended.started_at, ended.ended_at) == (Phase.ENDED, T + 5, T + 60)


def test_what_was_never_authorized_by_us_is_kept_as_not_ours() -> None:
    session = after(interim(T + 600, session_time_s=100))
    assert (session.phase, session.standing, session.started_at) == (Phase.LIVE, NotOurs(), T + 500)
    assert after(stop(T + 600)).phase is Phase.ENDED


def test_a_start_seconds_before_its_accept_is_the_nas_clock() -> None:
    assert after(authorized(), start(T - 30, at=T + 1)).phase is Phase.LIVE


def test_a_start_long_before_the_accept_belongs_to_an_earlier_session_of_that_number() -> None:
    assert "older" in ignored(after(authorized()), start(T - 3600, at=T + 1))
    assert "older" in ignored(after(authorized()), stop(T - 3600, at=T + 1))


def test_our_token_shows_that_only_the_clock_of_the_nas_is_wrong() -> None:
    live = after(authorized(), start(T - 7200, at=T + 1, names=SAME))
    assert live.phase is Phase.LIVE
    assert after(stop(T - 7100, at=T + 101, names=SAME), of=live).phase is Phase.ENDED


def test_nothing_lies_in_the_future() -> None:
    session = after(start(T + 900, at=T), interim(T + 9_000, at=T + 10), stop(T + 90_000, at=T + 20))
    assert max(session.started_at, session.seen_at, session.ended_at) <= T + 20


# -- replays and disorder -------------------------------------------------------------------------


def test_a_replay_changes_nothing() -> None:
    live = after(authorized(), start(T + 1), interim(T + 600))
    for replay in (start(T + 1, at=T + 700), interim(T + 600, at=T + 700), interim(T + 300, at=T + 700)):
        ignored(live, replay)


def test_a_stop_from_before_what_is_known_changes_nothing() -> None:
    live = after(authorized(), start(T + 10), interim(T + 3600))
    assert "older" in ignored(live, stop(T + 5, at=T + 3601))
    assert "older" in ignored(live, stop(T + 1800, at=T + 3601))


def test_a_stop_from_before_the_start_is_of_an_earlier_session_of_that_number() -> None:
    assert "older" in ignored(after(authorized(), start(T + 10)), stop(T + 5, at=T + 20))


def test_an_interim_that_comes_too_late_fills_in_what_is_unknown_and_nothing_else() -> None:
    live = after(authorized(), interim(T + 600))
    late = after(interim(T + 400, at=T + 610, place=place(framed_address="10.0.0.1", port="9")), of=live)
    assert late == replace(live, place=replace(live.place, framed_address="10.0.0.1"))


def test_after_the_end_nothing_but_a_new_start_matters() -> None:
    ended = after(authorized(), start(T + 1), stop(T + 60))
    for late in (interim(T + 30, at=T + 90), interim(T + 62), stop(T + 60), start(T + 1, at=T + 90), restarted(T + 90)):
        assert "over" in ignored(ended, late)
    assert "over" in ignored(ended, Gone(id=1, phase=Phase.AGED, at=T + 90, cause=""))
    assert "over" in ignored(ended, wished(pending(), at=T + 90))


# -- new sessions under old names ---------------------------------------------------------------


def test_a_number_that_is_used_again_is_a_new_session_that_is_not_ours() -> None:
    ended = after(authorized(), start(T + 1), stop(T + 60))
    new = apply(ended, start(T + 3600))
    assert isinstance(new, Session)
    assert (new.id, new.phase, new.standing, new.started_at) == (0, Phase.LIVE, NotOurs(), T + 3600)


def test_what_came_late_about_a_sibling_that_began_before_the_end_is_over_too() -> None:
    ended = after(authorized(), start(T + 1), restarted(T + 60))
    assert "over" in ignored(ended, interim(T + 30, at=T + 90, names=Names(acct_session_id="2", token=TOKEN)))


def test_a_session_time_too_short_for_the_old_session_is_proof_of_a_new_one() -> None:
    ended = after(authorized(), start(T + 1), stop(T + 60))
    new = apply(ended, interim(T + 3600, session_time_s=1000))
    assert isinstance(new, Session)
    assert (new.id, new.started_at) == (0, T + 2600)
    assert "over" in ignored(ended, interim(T + 3600, session_time_s=3599))


def test_another_endpoint_under_the_same_number_is_a_new_session() -> None:
    live = after(authorized(), start(T + 1))
    new = apply(live, start(T + 3600, place=place(calling_station_id=OTHER_MAC)))
    assert isinstance(new, Session)
    assert (new.id, new.standing) == (0, NotOurs())
    same = apply(live, interim(T + 3600, place=place(calling_station_id="0200.0000.0001")))
    assert isinstance(same, Session)
    assert same.id == 1, "another spelling is no other endpoint"


def test_a_vpn_client_may_change_its_address() -> None:
    before, moved = place(calling_station_id="198.51.100.1[4500]"), place(calling_station_id="198.51.100.9[4500]")
    live = after(authorized(place=before), start(T + 1, place=before))
    assert after(interim(T + 600, place=moved), of=live).id == 1


def test_what_roams_with_our_token_keeps_its_decision_and_what_is_wanted_of_it() -> None:
    asked = replace(pending(), verb=Verb.DISCONNECT, asked_at=T + 51, tries=2)
    live = after(authorized(), start(T + 1, names=SAME), wished(asked))
    names = Names(acct_session_id="99", token=TOKEN)
    new = apply(live, start(T + 100, place=place("controller"), names=names))
    assert isinstance(new, Session)
    assert (new.id, new.place.nas, new.standing, new.authorized_at) == (0, "controller", live.standing, T)
    assert new.wish == pending(), "from the first rung: it is another NAS"


def test_a_number_from_the_access_request_gives_way_to_that_of_accounting_when_the_token_fits() -> None:
    live = after(authorized(), start(T + 1, names=Names(acct_session_id="2", token=TOKEN)))
    assert (live.id, live.names.acct_session_id) == (1, "2")


def test_a_number_that_begins_after_an_accept_takes_over_what_was_not_heard_of_since() -> None:
    live = after(authorized(), start(T + 1), authorized(T + 900, "guest", names=Names(token=OTHER_TOKEN)))
    names = Names(acct_session_id="2", token=OTHER_TOKEN)
    new = after(start(T + 901, names=names), of=live)
    assert (new.id, new.started_at, new.authorized_at, new.standing) == (1, T + 901, T + 900, live.standing)


def test_a_second_number_under_one_accept_is_a_second_session() -> None:
    live = after(authorized(), start(T + 1))
    second = apply(live, start(T + 5, names=Names(acct_session_id="2", token=TOKEN)))
    assert isinstance(second, Session)
    assert (second.id, second.standing) == (0, live.standing)


# -- accepted again -------------------------------------------------------------------------------


def test_a_re_authentication_gives_a_new_decision_and_keeps_the_session() -> None:
    live = after(authorized(), start(T + 1))
    again = after(authorized(T + 100, "guest", names=Names(token=OTHER_TOKEN)), of=live)
    assert (again.id, again.phase, again.authorized_at, again.started_at) == (1, Phase.LIVE, T, T + 1)
    assert (again.standing, again.seen_at) == (standing("guest", T + 100), T + 100)
    assert (again.names.token, again.names.acct_session_id) == (OTHER_TOKEN, "1")


def test_only_the_wanted_decision_settles_a_wish() -> None:
    live = after(authorized(), start(T + 1), wished(pending("quarantine")))
    assert after(authorized(T + 100, "corporate"), of=live).wish == pending("quarantine")
    assert after(authorized(T + 100, "quarantine"), of=live).wish == Settled()


def test_a_verified_stop_settles_a_wish() -> None:
    live = after(authorized(), start(T + 1), wished(pending()))
    assert after(stop(T + 100), of=live).wish == Settled()


def test_what_is_wanted_outlives_a_restart_of_its_nas_until_a_login_or_a_stop() -> None:
    live = after(authorized(), start(T + 1), wished(pending()))
    aged_ = after(restarted(T + 100), of=live)
    assert (aged_.phase, aged_.ended_at, aged_.seen_at, aged_.wish) == (Phase.AGED, 0.0, T + 1, pending())
    assert "nothing new" in ignored(aged_, restarted(T + 200))
    assert after(interim(T + 50, at=T + 110), of=aged_).wish == pending(), "what was under way settles nothing"
    assert after(interim(T + 600), of=aged_).wish == pending()
    assert after(authorized(T + 200, "quarantine"), of=aged_).wish == Settled()
    assert after(stop(T + 200), of=aged_).wish == Settled()


def test_a_restart_that_may_be_played_back_ends_nothing_and_counts_nobody() -> None:
    doubtful = replace(restarted(T + 100), doubtful=True)
    live = after(authorized(), start(T + 1))
    aged_ = after(doubtful, of=live)
    assert (aged_.phase, aged_.ended_at, aged_.cause) == (Phase.AGED, 0.0, "on, or that was played back")
    assert after(interim(T + 600), of=aged_).phase is Phase.LIVE


def test_an_accept_makes_what_was_not_ours_ours() -> None:
    ours = after(start(T - 3600), authorized())
    assert (ours.standing, ours.authorized_at, ours.started_at) == (standing(), T, T - 3600)


def test_an_accept_for_what_is_over_is_a_new_session() -> None:
    ended = after(authorized(), start(T + 1), stop(T + 60))
    new = apply(ended, authorized(T + 100))
    assert isinstance(new, Session)
    assert (new.id, new.phase) == (0, Phase.AUTHORIZED)


# -- ageing, restarts, other ends -----------------------------------------------------------------


def aged(at: float = T + 9_000) -> Gone:
    return Gone(id=1, phase=Phase.AGED, at=at, cause="silent")


def test_an_aged_session_has_not_ended_and_comes_back_with_an_interim() -> None:
    old = after(authorized(), start(T + 1), wished(pending()), aged())
    assert (old.phase, old.ended_at, old.wish) == (Phase.AGED, 0.0, pending())
    back = after(interim(T + 9_100), of=old)
    assert (back.phase, back.cause, back.wish) == (Phase.LIVE, "", pending())
    assert after(authorized(T + 9_100), of=old).phase is Phase.LIVE
    assert after(stop(T + 9_100), of=old).phase is Phase.ENDED


def test_a_replayed_interim_brings_no_aged_session_back() -> None:
    old = after(authorized(), start(T + 1), interim(T + 600), aged())
    assert "older" in ignored(old, interim(T + 600, at=T + 9_100))


def test_what_was_heard_of_meanwhile_neither_ages_nor_is_gone() -> None:
    live = after(authorized(), start(T + 1), interim(T + 600))
    assert "heard" in ignored(live, aged(T + 500))
    assert "heard" in ignored(live, Gone(id=1, phase=Phase.ENDED, at=T + 500, cause="no such session"))


def test_a_restart_ends_what_began_before_it_on_that_nas_alone() -> None:
    live = after(authorized(), start(T + 1))
    ended = after(restarted(T + 100), of=live)
    assert (ended.phase, ended.ended_at, ended.cause) == (Phase.ENDED, T + 100, "on")
    assert after(restarted(T + 100), of=after(authorized())).phase is Phase.ENDED
    ignored(live, restarted(T + 100, nas="another"))
    ignored(live, restarted(T + 100, source="192.0.2.99"))
    behind_a_proxy = after(authorized(place=place(nas_address="10.9.9.1")))
    ignored(behind_a_proxy, replace(restarted(T + 100), nas_address="10.9.9.2"))
    assert after(replace(restarted(T + 100), nas_address="10.9.9.1"), of=behind_a_proxy).phase is Phase.ENDED
    named = after(authorized(place=place(nas_identifier="sw1")))
    ignored(named, replace(restarted(T + 100), nas_identifier="sw2"))
    assert after(replace(restarted(T + 100), nas_identifier="sw1"), of=named).phase is Phase.ENDED


def test_a_restart_is_told_in_whole_seconds_and_ends_what_began_earlier_in_that_second() -> None:
    """An Event-Timestamp of T means any time before T + 1, and no NAS starts and lets somebody in within one."""
    live = after(authorized(at=T + 0.4), start(T, at=T + 0.45))
    assert after(restarted(T, at=T + 0.9), of=live).phase is Phase.ENDED
    assert after(restarted(T, at=T + 0.9), of=after(authorized(at=T + 0.4))).phase is Phase.ENDED
    ignored(after(authorized(at=T + 1.2), start(T + 1, at=T + 1.3)), restarted(T, at=T + 5))


def test_a_late_or_replayed_restart_spares_what_began_after_it() -> None:
    ignored(after(authorized(), start(T + 1)), restarted(T - 10, at=T + 100))
    ignored(after(authorized(), interim(T + 600, session_time_s=599)), restarted(T + 300, at=T + 700))


def test_an_interim_is_proof_against_an_end_that_was_no_stop() -> None:
    live = after(authorized(), start(T + 1), wished(pending()))
    gone = after(Gone(id=1, phase=Phase.ENDED, at=T + 100, cause="no such session"), of=live)
    assert (gone.phase, gone.cause, gone.wish) == (Phase.ENDED, "no such session", Settled())
    back = apply(gone, interim(T + 600, session_time_s=599))
    assert isinstance(back, Session)
    assert (back.id, back.phase, back.standing) == (0, Phase.LIVE, live.standing)
    assert "over" in ignored(gone, interim(T + 90, at=T + 600))


# -- wishes ---------------------------------------------------------------------------------------


def test_a_push_that_was_acknowledged_is_the_new_standing() -> None:
    live = after(authorized(), start(T + 1), wished(pending()))
    pushed = after(wished(Settled(), standing=standing("quarantine", T + 50)), of=live)
    assert (pushed.standing, pushed.wish) == (standing("quarantine", T + 50), Settled())


def test_a_step_that_comes_after_it_was_seen_asks_for_nothing() -> None:
    live = after(authorized(), start(T + 1), wished(pending()), authorized(T + 60, "quarantine"))
    late = apply(live, wished(replace(pending(), tries=2), at=T + 61))
    assert not isinstance(late, Session) or late.wish == Settled()


def test_what_is_wanted_after_it_was_seen_is_wanted_even_if_it_is_the_same() -> None:
    live = after(authorized(), start(T + 1), wished(pending("corporate", T + 50)))
    assert live.wish == pending("corporate", T + 50)


def test_a_step_towards_an_older_decision_does_not_replace_a_newer_one() -> None:
    live = after(authorized(), start(T + 1), wished(pending("guest", T + 70)))
    assert "newer" in ignored(live, wished(pending("quarantine", T + 50), at=T + 71))


def test_what_is_about_no_session_or_another_is_ignored() -> None:
    for change in (aged(), wished(pending()), restarted(T)):
        assert "no such" in ignored(NO_SESSION, change)
    assert "another" in ignored(after(authorized(), id=2), aged())


# -- a token that several Accepts have told ---------------------------------------------------------


def roamed() -> Session:
    """It came again under its token, and the number of that login was told within the same second."""
    return after(
        authorized(T, names=Names(token=TOKEN)),
        start(T, names=Names(acct_session_id="1", token=TOKEN)),
        authorized(T + 1000.7, names=Names(token=TOKEN)),
        start(T + 1000, at=T + 1000.8, names=Names(acct_session_id="2", token=TOKEN)),
    )


def test_the_end_of_the_count_before_ends_no_session_that_came_again_under_its_token() -> None:
    known = roamed()
    assert (known.phase, known.names.acct_session_id) == (Phase.LIVE, "2")
    names = Names(acct_session_id="1", token=TOKEN)
    over = apply(known, stop(T + 1000, at=T + 1001, session_time_s=1000, names=names))
    assert isinstance(over, Session)
    assert (over.id, over.phase) == (0, Phase.ENDED), "a session of its own"


def test_an_end_that_does_not_say_how_long_it_was_takes_over_nothing() -> None:
    over = apply(roamed(), stop(T + 1000, at=T + 1001, names=Names(acct_session_id="1", token=TOKEN)))
    assert isinstance(over, Session)
    assert over.id == 0
