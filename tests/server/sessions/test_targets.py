"""Where a session's NAS is asked, and what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nacd.radius.packet import Code
from nacd.server.assembly import Assembled
from nacd.server.dac.lanes import Target
from nacd.server.sessions.targets import Asked, Targets
from nacd.sessions import Grounds, NotOurs, Pending, Session, Standing, Verb
from nacd.values import AccessKind, Attribute
from nacd.vendor.dynauth import LeftOut, Rung
from tests.server.sessions.nases import DAS_SECRET, NAS_SECRET, NOW, certificate, pending, place, session, standing


def verbs(rungs: tuple[Rung, ...]) -> list[str]:
    return [str(rung.verb) for rung in rungs]


def first(targets: Targets, asked: Session, before: str = "staff", after: str = "fix") -> Asked:
    said = targets.request(targets.rungs(asked, before, after)[0], asked, after, narrow=False)
    assert isinstance(said, Asked)
    return said


def shown(asked: Asked, name: str) -> list[object]:
    return [each.value for each in asked.shown if each.name == name]


# -- where ------------------------------------------------------------------------------------


def test_without_more_words_a_nas_is_asked_where_it_speaks_from_with_its_own_secret(targets: Targets) -> None:
    asked = first(targets, session("hostapd"))
    assert asked.target == Target(nas="hostapd", host=place("hostapd").source, port=3799)
    assert (asked.secret, asked.code) == (NAS_SECRET, Code.DISCONNECT_REQUEST)


def test_the_port_is_the_vendors_and_where_they_differ_the_verbs(targets: Targets) -> None:
    wireless = session("cisco-wlc")
    ports = {
        rung.verb: said.target.port
        for rung in targets.rungs(wireless, "staff", "fix")
        if isinstance(said := targets.request(rung, wireless, "fix"), Asked)
    }
    assert ports == {Verb.REAUTHENTICATE: 1700, Verb.DISCONNECT: 3799}


def test_what_the_admin_has_written_counts_more_than_vendor_and_session(targets: Targets) -> None:
    asked = first(targets, session("controller", "10.1.2.3"))
    assert asked.target == Target(
        nas="controller", host="192.0.2.99", port=3799, source="192.0.2.1", rate_per_s=7, concurrent=2
    )
    assert asked.secret == DAS_SECRET


@pytest.mark.parametrize(
    ("came_from", "host", "source"),
    [
        ("10.3.0.1", "10.3.0.1", "192.0.2.1"),
        ("::ffff:10.3.0.1", "10.3.0.1", "192.0.2.1"),
        ("2001:db8:0::5", "2001:db8::5", ""),
    ],
)
def test_an_address_is_written_as_sockets_want_it_and_our_own_is_of_its_family(
    targets: Targets, came_from: str, host: str, source: str
) -> None:
    target = first(targets, session("both", came_from)).target
    assert (target.host, target.source) == (host, source)


@pytest.mark.parametrize("setting", ["timestamp", "signature"])
def test_what_a_vendors_nases_do_not_take_is_left_out(every_vendor: Assembled, setting: str) -> None:
    known = every_vendor.dynauths["hostapd"]
    deaf = replace(known, **{setting: replace(getattr(known, setting), value="omit")})
    target = first(
        Targets(replace(every_vendor, dynauths={**every_vendor.dynauths, "hostapd": deaf})), session("hostapd")
    ).target
    assert target.omit_event_timestamp == (setting == "timestamp")
    assert target.omit_message_authenticator == (setting == "signature")


# -- whether ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (session("mute", "10.2.0.1"), "`dynauth` is not configured for NAS `mute`"),
        (session("gone", "10.0.0.1"), "there is no NAS `gone` in the configuration any more"),
        (session("hostapd", "198.51.100.1"), "does not belong to NAS `hostapd` any more"),
        (session("hostapd", "10.1.0.1"), "`10.1.0.1`, where it came from, does not belong to NAS `hostapd` any more"),
        (session("hostapd", "nonsense"), "does not belong to NAS `hostapd` any more"),
    ],
)
def test_a_nas_that_cannot_be_asked_is_said_in_words_and_never_asked(
    targets: Targets, asked: Session, words: str
) -> None:
    assert words in targets.why_not(asked)
    assert targets.rungs(asked, "staff", "fix") == ()
    rung = targets.rungs(session("hostapd"), "staff", "fix")[0]
    said = targets.request(rung, asked, "fix")
    assert isinstance(said, LeftOut)
    assert said.reason == targets.why_not(asked)


def test_one_with_an_address_of_its_own_is_asked_wherever_the_session_came_from(targets: Targets) -> None:
    assert targets.why_not(session("controller", "198.51.100.1")) == ""


def test_a_vendor_that_nobody_knows_how_to_ask_is_not_asked(every_vendor: Assembled) -> None:
    without = {name: each for name, each in every_vendor.dynauths.items() if name != "hostapd"}
    targets = Targets(replace(every_vendor, dynauths=without))
    assert "vendor `hostapd`" in targets.why_not(session("hostapd"))
    assert targets.rungs(session("hostapd"), "staff", "fix") == ()
    assert not targets.class_is_free("hostapd")


# -- which verbs ------------------------------------------------------------------------------

TUNNEL = session("cisco-asa", access=AccessKind.VPN)


def test_the_rungs_are_the_vendors_in_its_order(targets: Targets) -> None:
    assert verbs(targets.rungs(session("cisco-ios"), "staff", "fix")) == ["reauthenticate", "disconnect", "bounce"]
    assert verbs(targets.rungs(TUNNEL, "staff", "fix")) == ["push", "disconnect"]
    assert targets.left_out(TUNNEL, "staff", "fix") == ()


@pytest.mark.parametrize(
    ("before", "after", "rungs", "reason"),
    [
        ("staff", "far", ["disconnect"], "cannot change ASA-Group-Policy, ASA-VLAN at this NAS"),
        ("staff", "", ["disconnect"], "a refusal cannot be pushed"),
        ("", "fix", ["disconnect"], "nobody knows what it was given"),
        ("renamed", "fix", ["disconnect"], "nobody knows what it was given"),
        ("staff", "renamed", ["disconnect"], "this NAS cannot be told of profile `renamed`"),
        ("staff", "bare", ["disconnect"], "push cannot take Filter-Id away"),
        ("marked", "fix", ["disconnect"], "cannot change Class at this NAS"),
        ("bare", "staff", ["push", "disconnect"], ""),
        ("joined", "split", ["push", "disconnect"], ""),
        ("split", "joined", ["disconnect"], "push cannot take Cisco-AVPair away"),
    ],
)
def test_a_push_that_would_not_lead_there_is_left_out_in_words(
    targets: Targets, before: str, after: str, rungs: list[str], reason: str
) -> None:
    assert verbs(targets.rungs(TUNNEL, before, after)) == rungs
    reasons = [each.reason for each in targets.left_out(TUNNEL, before, after)]
    assert len(reasons) == 2 - len(rungs)
    assert reason in " ".join(reasons)


@pytest.mark.parametrize(
    ("before", "after", "rungs"),
    [
        ("staff", "fix", ["reauthenticate", "disconnect"]),
        ("staff", "far", ["disconnect"]),
        ("staff", "", ["reauthenticate", "disconnect"]),
        ("", "fix", ["disconnect"]),
        ("", "", ["reauthenticate", "disconnect"]),
    ],
)
def test_a_controller_is_asked_to_reauthenticate_when_that_can_lead_there(
    targets: Targets, before: str, after: str, rungs: list[str]
) -> None:
    assert verbs(targets.rungs(session("cisco-wlc"), before, after)) == rungs


OLDER = standing("staff", digest="of-the-policy-before")


@pytest.mark.parametrize("lives_under", [NotOurs(), OLDER], ids=["another server's", "an older policy's"])
def test_what_another_policy_has_given_is_not_pushed_over_nor_trusted_to_be_as_now(
    targets: Targets, lives_under: Standing | NotOurs
) -> None:
    tunnel, wireless = replace(TUNNEL, standing=lives_under), session("cisco-wlc", standing=lives_under)
    assert verbs(targets.rungs(tunnel, "staff", "fix")) == ["disconnect"]
    assert verbs(targets.rungs(tunnel, "staff", "staff")) == ["disconnect"]
    assert verbs(targets.rungs(wireless, "staff", "fix")) == ["disconnect"]
    assert verbs(targets.rungs(wireless, "staff", "staff")) == ["reauthenticate", "disconnect"]
    assert verbs(targets.rungs(session("cisco-ios", standing=lives_under), "staff", "fix"))[0] == "reauthenticate"
    assert "nobody knows what it was given" in targets.left_out(tunnel, "staff", "fix")[0].reason


def pushing_all(every_vendor: Assembled, class_use: str = "group_policy") -> Targets:
    """Vendor data that knows nothing of what a push cannot change."""
    known = every_vendor.dynauths["cisco-asa"]
    forgetful = replace(
        known,
        class_attribute=replace(known.class_attribute, value=class_use),
        ladder=tuple(replace(row, unchanged=frozenset()) for row in known.ladder),
    )
    return Targets(replace(every_vendor, dynauths={**every_vendor.dynauths, "cisco-asa": forgetful}))


def test_a_class_that_would_have_to_change_is_not_pushed_over_whatever_the_data_forgets(
    every_vendor: Assembled,
) -> None:
    targets = pushing_all(every_vendor)
    assert verbs(targets.rungs(TUNNEL, "fix", "marked")) == ["disconnect"]
    assert verbs(targets.rungs(TUNNEL, "marked", "marked")) == ["push", "disconnect"]
    assert not shown(first(targets, TUNNEL, "marked", "marked"), "Class")


def test_where_class_means_nothing_it_may_stay_as_it_is(every_vendor: Assembled) -> None:
    targets = pushing_all(every_vendor, "free")
    for before, after in (("fix", "marked"), ("marked", "fix")):
        assert verbs(targets.rungs(TUNNEL, before, after)) == ["push", "disconnect"]
        assert not shown(first(targets, TUNNEL, before, after), "Class")


def test_nothing_is_pushed_over_what_nobody_knows_even_where_all_can_be_pushed(every_vendor: Assembled) -> None:
    assert verbs(pushing_all(every_vendor).rungs(TUNNEL, "", "fix")) == ["disconnect"]


# -- what a push carries ----------------------------------------------------------------------


def test_a_push_carries_the_whole_new_authorization_with_its_session_timeout(targets: Targets) -> None:
    asked = first(targets, TUNNEL)
    assert asked.code == Code.COA_REQUEST
    assert [(each.name, each.value) for each in asked.shown] == [
        ("Cisco-AVPair", "audit-session-id=0A0000FD0000002715B8C2"),
        ("Filter-Id", "FIX"),
        ("Session-Timeout", 600),
        ("Termination-Action", "Default"),
    ]


def test_only_a_push_carries_an_authorization(targets: Targets) -> None:
    for rung in targets.rungs(session("cisco-ios"), "staff", "fix"):
        asked = targets.request(rung, session("cisco-ios"), "fix")
        assert isinstance(asked, Asked)
        assert not shown(asked, "Filter-Id")
        assert not shown(asked, "Session-Timeout")


@pytest.mark.parametrize(
    ("wish", "not_after", "expected"),
    [
        (pending("fix"), 0.0, 600),
        (pending("fix", 120), 0.0, 120),
        (pending("staff", 120), 0.0, 600),
        (pending("fix"), NOW + 90, 90),
        (pending("fix", 120), NOW + 90, 90),
        (pending("fix", asked_at=NOW + 60), NOW + 90, 30),
        (pending("fix"), NOW - 1, 1),
        (pending("fix"), NOW + 10_000, 600),
    ],
)
def test_no_pushed_session_outlives_what_was_decided_or_its_certificate(
    targets: Targets, wish: Pending, not_after: float, expected: int
) -> None:
    assert isinstance(TUNNEL.grounds, Grounds)
    grounds = replace(TUNNEL.grounds, certificate=certificate(not_after)) if not_after else TUNNEL.grounds
    assert shown(first(targets, replace(TUNNEL, wish=wish, grounds=grounds)), "Session-Timeout") == [expected]


def test_a_profile_without_a_timeout_leaves_the_sessions_own(targets: Targets) -> None:
    asked = first(targets, TUNNEL, "marked", "marked")
    assert not shown(asked, "Session-Timeout")
    assert not shown(asked, "Termination-Action")


def test_no_push_carries_class(targets: Targets) -> None:
    asked = first(targets, TUNNEL, "marked", "marked")
    assert shown(asked, "Filter-Id") == ["M"]
    assert not shown(asked, "Class")


@pytest.mark.parametrize("profile", ["", "renamed"])
def test_a_profile_that_cannot_be_said_is_not_pushed(targets: Targets, profile: str) -> None:
    push = targets.rungs(TUNNEL, "staff", "fix")[0]
    said = targets.request(push, TUNNEL, profile)
    assert isinstance(said, LeftOut)
    assert "cannot be" in said.reason


def test_narrow_names_the_session_by_more(targets: Targets) -> None:
    push = targets.rungs(TUNNEL, "staff", "fix")[0]
    said = targets.request(push, TUNNEL, "fix", narrow=True)
    assert isinstance(said, Asked)
    assert shown(said, "Framed-IP-Address") == ["198.51.100.7"]


# -- vendors' data ----------------------------------------------------------------------------


def test_a_token_goes_into_the_class_of_nases_that_only_return_it(targets: Targets) -> None:
    assert targets.class_is_free("cisco-ios")
    assert not any(targets.class_is_free(name) for name in ("cisco-asa", "strongswan", "generic", "nobody"))


def test_an_accept_that_lets_a_phone_in_is_known_as_one(targets: Targets) -> None:
    phone = [Attribute(name="Cisco-AVPair", value="device-traffic-class=voice")]
    assert targets.marks_voice("cisco-ios", phone)
    assert not targets.marks_voice("cisco-ios", [Attribute(name="Filter-Id", value="x")])
    assert not targets.marks_voice("nobody", phone)


def test_a_new_configuration_is_what_nases_are_asked_by(every_vendor: Assembled) -> None:
    made = Targets(every_vendor)
    wanted = every_vendor.loaded.settings.clients
    others = tuple(
        each.model_copy(update={"dynauth": each.dynauth.model_copy(update={"port": 1234})})
        if each.name == "hostapd" and each.dynauth is not None
        else each
        for each in wanted
    )
    settings = every_vendor.loaded.settings.model_copy(update={"clients": others})
    made.renew(replace(every_vendor, loaded=replace(every_vendor.loaded, settings=settings)))
    assert first(made, session("hostapd")).target.port == 1234
