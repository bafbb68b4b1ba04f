"""Whoever comes again and says nothing new."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from nacd import admit
from nacd.session.familiar import Familiar, Visit, keeps_its_name, says_nothing_new
from nacd.session.table import NO_SESSION, apply
from nacd.session.tie import again
from nacd.sessions import CameAgain, Pending, Phase, Session, Standing
from nacd.values import (
    AccessKind,
    AccessRequest,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Decision,
    Effect,
    Endpoint,
    MacAddress,
    Named,
    Nas,
)
from tests.session.making import MAC, OTHER_MAC, OTHER_TOKEN, TOKEN, T, after, interim, standing, start, stop

LATER = T + 3_600
SWITCH = Nas(name="switch", vendor="generic")
COMPLIANT = Compliance(state=ComplianceState.COMPLIANT, as_of=T, source=ComplianceSource.LIVE)
ALLOWED = Decision(effect=Effect.ALLOW, rule="a rule", profile="corporate", reasons=("so",), policy_digest="d")
TICKET = admit.Ticket(token=TOKEN)


def asked(nas: Nas = SWITCH, **more: Any) -> AccessRequest:
    fields = {"source": "192.0.2.1", "nas_port": "7", "calling_station_id": MAC, "user_name": "020000000001", **more}
    return AccessRequest(nas=nas, source_port=1812, **fields)


def visit(request: AccessRequest | None = None, *, key: str = "mac:1", **named: Any) -> Visit:
    request = request or asked()
    fields = {"access": AccessKind.MAB, "identity": Endpoint(mac=MacAddress(MAC)), **named}
    return Visit(request, Named(attempts=(), mac=MAC, tenant="t", **fields), key, admit.link(request))


def login(
    came: Visit,
    at: float = LATER,
    decision: Decision = ALLOWED,
    compliance: Compliance = COMPLIANT,
    ticket: admit.Ticket = TICKET,
    timeout_s: int = 0,
) -> Any:
    """As it is written down in full."""
    return admit.left(came, NO_SESSION, decision, compliance, ticket, timeout_s, at)


def known(came: Visit | None = None, *changes: Any) -> Session:
    return after(login(came or visit(), T), *changes)


def nothing_new(
    session: Session, came: Visit, decision: Decision = ALLOWED, compliance: Compliance = COMPLIANT
) -> bool:
    return says_nothing_new(session, came, decision, compliance, 0)


def test_the_same_device_at_the_same_port_under_the_same_decision_says_nothing_new() -> None:
    assert nothing_new(known(), visit())
    accounted = known(None, start(T + 1, names=replace(known().names, acct_session_id="9")))
    assert nothing_new(accounted, visit())
    newer = replace(COMPLIANT, as_of=LATER, source=ComplianceSource.CACHE)
    assert nothing_new(known(), visit(), compliance=newer), "a newer verdict that says the same is no news"
    assert nothing_new(known(), visit(), replace(ALLOWED, reasons=("in other words",)))


@pytest.mark.parametrize(
    "came",
    [
        visit(asked(user_name="somebody")),
        visit(asked(cisco_av_pairs=("audit-session-id=0A",))),
        visit(asked(acct_session_id="7")),
        visit(asked(nas_port="8")),
        visit(asked(calling_station_id=OTHER_MAC)),
        visit(asked(called_station_id="another access point")),
        visit(asked(source="192.0.2.2")),
        visit(asked(nas_identifier="another switch")),
        visit(asked(Nas(name="switch", vendor="generic", groups=frozenset({"moved"})))),
        visit(asked(called_station_id="00-11-22-33-44-55:corp")),
        visit(asked(nas_port_type="Wireless-802.11")),
        visit(access=AccessKind.VPN),
        visit(user="somebody"),
        visit(key="guid:1"),
        visit(identity=Endpoint(mac=MacAddress(OTHER_MAC))),
        visit()._replace(voice=True),
        visit()._replace(chargeable="a name"),
    ],
)
def test_whatever_else_differs_is_news(came: Visit) -> None:
    assert not nothing_new(known(), came)


@pytest.mark.parametrize(
    "news", [{"rule": "another"}, {"profile": "quarantine"}, {"policy_digest": "another"}, {"effect": Effect.DENY}]
)
def test_another_decision_is_news(news: dict[str, Any]) -> None:
    assert not nothing_new(known(), visit(), replace(ALLOWED, **{"profile": "", **news} if "effect" in news else news))


@pytest.mark.parametrize(
    "news",
    [
        {"state": ComplianceState.NONCOMPLIANT},
        {"source": ComplianceSource.STALE},
        {"source": ComplianceSource.BULK},
        {"detail": "in words"},
        {"provider": "graph"},
        {"grace_until": LATER},
    ],
)
def test_another_verdict_is_news(news: dict[str, Any]) -> None:
    assert not nothing_new(known(), visit(), compliance=replace(COMPLIANT, **news))


def test_another_session_timeout_is_news() -> None:
    assert not says_nothing_new(known(), visit(), ALLOWED, COMPLIANT, 600)


def test_an_outage_is_never_familiar() -> None:
    out = replace(COMPLIANT, state=ComplianceState.UNAVAILABLE)
    assert not nothing_new(after(login(visit(), T, compliance=out)), visit(), compliance=out)


def test_a_port_without_a_name_and_an_address_of_a_vpn_are_no_place() -> None:
    nowhere = visit(asked(nas_port=""))
    assert not nothing_new(known(nowhere), nowhere)
    tunnel = visit(access=AccessKind.VPN)
    assert not nothing_new(known(tunnel), tunnel)
    named = visit(asked(acct_session_id="7"), access=AccessKind.VPN)
    assert nothing_new(known(named), named), "its NAS says which it is"


def test_without_a_token_only_what_nobody_has_named_is_the_same() -> None:
    plain = after(login(visit(), T, ticket=admit.NO_TICKET))
    assert nothing_new(plain, visit())
    assert not nothing_new(after(interim(T + 9, names=replace(plain.names, acct_session_id="9")), of=plain), visit())


words = st.sampled_from(["", "9", "0A"])
tokens = st.sampled_from(["", TOKEN, OTHER_TOKEN])
requests = st.builds(
    lambda audit, nas, **more: asked(nas, cisco_av_pairs=(f"audit-session-id={audit}",) if audit else (), **more),
    words,
    st.sampled_from([SWITCH, Nas(name="other", vendor="generic")]),
    acct_session_id=words,
    nas_port=st.sampled_from(["", "7"]),
    calling_station_id=st.sampled_from(["", MAC, OTHER_MAC]),
    called_station_id=st.sampled_from(["", "here"]),
)
visits = st.builds(visit, requests, access=st.sampled_from([AccessKind.MAB, AccessKind.VPN]))
profiles = st.sampled_from(["corporate", "quarantine"])


def became(session: Session, what: str) -> Session:
    names = replace(session.names, acct_session_id=session.names.acct_session_id or "9")
    record = {"start": start, "stop": stop}.get(what)
    return session if record is None else after(record(T + 1, names=names, place=session.place), of=session)


@settings(max_examples=300, suppress_health_check=[HealthCheck.filter_too_much])
@given(visits, visits, tokens, profiles, profiles, st.sampled_from(["", "start", "stop"]), st.booleans())
def test_what_says_nothing_new_changes_nothing_but_times(
    first: Visit, second: Visit, token: str, was: str, then: str, what: str, twice: bool
) -> None:
    second, then = (first, was) if twice else (second, then)
    ticket = admit.Ticket(token=token)
    session = became(after(login(first, T, replace(ALLOWED, profile=was), ticket=ticket)), what)
    decision = replace(ALLOWED, profile=then)
    left = admit.left(second, session, decision, COMPLIANT, ticket, 0, LATER)
    assume(isinstance(left, admit.CameBack))
    assert isinstance(left, admit.CameBack)
    whole = login(second, LATER, decision, ticket=ticket)
    assert again(whole, [session]) == session, "it is about this session"
    made, quick = apply(session, whole), apply(session, CameAgain(id=1, login=left.login()))
    assert isinstance(made, Session)
    assert isinstance(quick, Session)
    assert isinstance(session.standing, Standing)
    assert quick == replace(made, standing=session.standing, again_at=LATER)
    assert made.standing == replace(session.standing, at=LATER)
    assert (quick.seen_at, quick.login_at) == (LATER, LATER)
    assert left.login() == whole


# -- the token -------------------------------------------------------------------------------------


def test_who_is_at_its_port_still_keeps_its_token() -> None:
    assert keeps_its_name(known(), asked())
    assert keeps_its_name(known(), asked(nas_identifier="it says more than before"))
    assert not keeps_its_name(known(), asked(nas_port=""))
    assert not keeps_its_name(known(), asked(calling_station_id=""))


def test_two_sessions_that_their_nas_tells_apart_never_share_a_token() -> None:
    one = known(visit(asked(cisco_av_pairs=("audit-session-id=0A",))))
    assert keeps_its_name(one, asked(cisco_av_pairs=("audit-session-id=0A",)))
    assert not keeps_its_name(one, asked(cisco_av_pairs=("audit-session-id=0B",)))
    assert not keeps_its_name(known(visit(access=AccessKind.VPN)), asked()), "many come from one address"


# -- the memory ------------------------------------------------------------------------------------


def test_whoever_came_from_there_last_is_known() -> None:
    familiar = Familiar()
    assert familiar.at(asked()) == NO_SESSION
    familiar.learn(known())
    assert familiar.at(asked()) == known()
    for other in (asked(nas_port="8"), asked(source="192.0.2.2"), asked(user_name="x"), asked(calling_station_id="x")):
        assert familiar.at(other) == NO_SESSION


def test_what_is_about_to_change_is_forgotten() -> None:
    familiar = Familiar()
    familiar.learn(known())
    familiar.forget(1)
    assert (familiar.at(asked()), len(familiar)) == (NO_SESSION, 0)
    familiar.learn(known())
    familiar.leave(known().place, known().names)
    assert familiar.at(asked()) == NO_SESSION
    familiar.learn(known())
    familiar.forget_nas("another")
    assert familiar.find(1) == known()
    familiar.forget_nas("switch")
    assert familiar.find(1) == NO_SESSION


def test_who_is_gone_or_of_whom_something_is_wanted_is_not_familiar() -> None:
    over = known(None, stop(T + 2, names=replace(known().names, acct_session_id="9")))
    wanted = replace(known(), wish=Pending(wanted=standing("quarantine"), since=T))
    for session in (over, replace(known(), phase=Phase.AGED), wanted):
        familiar = Familiar()
        familiar.learn(known())
        familiar.learn(session)
        assert (familiar.at(asked()), len(familiar)) == (NO_SESSION, 0)


def test_of_two_sessions_at_one_place_the_one_that_came_last_counts() -> None:
    familiar = Familiar()
    familiar.learn(known())
    newer = replace(known(), id=2)
    familiar.learn(newer)
    familiar.forget(1)
    assert (familiar.at(asked()), len(familiar)) == (newer, 1)


def test_those_that_came_longest_ago_make_room() -> None:
    familiar = Familiar(most=2)
    ports = [asked(nas_port=port) for port in "123"]
    for number, each in enumerate(ports[:2], 1):
        familiar.learn(after(login(visit(each), T), id=number))
    assert familiar.at(ports[0]) != NO_SESSION
    familiar.learn(after(login(visit(ports[2]), T), id=3))
    assert [familiar.at(each) != NO_SESSION for each in ports] == [True, False, True]
    assert len(familiar) == 2
