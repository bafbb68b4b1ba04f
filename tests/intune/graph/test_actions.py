"""Device actions against the simulated Graph: every verb, every refusal, and what cannot be known."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from nacd.errors import SourceError
from nacd.intune.graph.actions import (
    CALLS,
    PRIVILEGED,
    READ,
    READ_WRITE,
    NotFoundError,
    Verb,
    Verdict,
    never_left,
    notify_body,
    wipe_body,
)
from tests.actions.fixtures import simulated_microsoft, stage
from tests.actions.stage import ALL_ROLES, ENTRA, LAPTOP, NOBODYS, PHONE, SECRET, Stage, soon

__all__ = ["simulated_microsoft", "stage"]

BODIES: dict[Verb, dict[str, object] | None] = {
    Verb.SYNC: None,
    Verb.LOCK: None,
    Verb.RETIRE: None,
    Verb.WIPE: wipe_body(keep_enrollment_data=True, keep_user_data=False, mac_unlock_code="123456"),
    Verb.NOTIFY: notify_body("No network", "See the Company Portal"),
}


# -- looking --------------------------------------------------------------------------------


def test_a_device_is_shown_by_its_intune_id(stage: Stage) -> None:
    sheet = stage.graph().device(LAPTOP, soon())
    assert (sheet.guid, sheet.name, sheet.entra_id) == (LAPTOP, "LAPTOP-7", ENTRA)
    assert (sheet.user, sheet.operating_system, sheet.owner) == ("alice@example.test", "Windows", "company")
    assert sheet.wifi_mac == "D46E0E022896"
    assert sheet.last_sync > 1_000_000_000


def test_a_device_that_is_not_enrolled_is_said_to_be_so(stage: Stage) -> None:
    with pytest.raises(NotFoundError, match="not enrolled"):
        stage.graph().device(NOBODYS, soon())


def test_a_device_is_found_by_its_entra_id(stage: Stage) -> None:
    assert stage.graph().by_entra_id(ENTRA.upper(), soon()).guid == LAPTOP


def test_a_filter_that_graph_ignores_finds_no_other_device(stage: Stage) -> None:
    stage.microsoft.tune(graph_filters_work=False, page_size=1)
    graph = stage.graph()
    assert graph.by_entra_id(ENTRA, soon()).guid == LAPTOP
    with pytest.raises(NotFoundError):
        graph.by_entra_id(NOBODYS, soon())


def test_two_devices_with_one_entra_id_are_not_chosen_between(stage: Stage) -> None:
    stage.microsoft.put_device(PHONE, entra_id=ENTRA)
    with pytest.raises(SourceError, match="2 devices have the Entra id") as refused:
        stage.graph().by_entra_id(ENTRA, soon())
    assert LAPTOP in refused.value.detail
    assert PHONE in refused.value.detail


def test_a_listing_without_end_is_given_up(stage: Stage) -> None:
    stage.microsoft.tune(graph_filters_work=False, page_size=1, graph_next_link="loop")
    with pytest.raises(SourceError, match="more than 50 pages"):
        stage.graph().by_entra_id(ENTRA, soon(30))


@pytest.mark.parametrize("link", ["foreign_host", "plain_http"])
def test_a_next_page_elsewhere_is_not_asked(stage: Stage, link: str) -> None:
    stage.microsoft.tune(graph_filters_work=False, page_size=1, graph_next_link=link)
    with pytest.raises(SourceError, match="no token is sent"):
        stage.graph().by_entra_id(ENTRA, soon())


def test_what_is_no_id_never_reaches_the_filter(stage: Stage) -> None:
    with pytest.raises(SourceError, match="is no id"):
        stage.graph().by_entra_id("' or 1 eq 1", soon())
    assert not stage.microsoft.history("graph_list")


@pytest.mark.parametrize("variant", ["html", "truncated", "empty", "list"])
def test_an_answer_that_is_no_device_is_none(stage: Stage, variant: str) -> None:
    stage.microsoft.fault("body", service="graph", variant=variant)
    with pytest.raises(SourceError):
        stage.graph().device(LAPTOP, soon())


# -- acting ---------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", list(Verb))
def test_every_verb_reaches_graph_with_its_body(stage: Stage, verb: Verb) -> None:
    outcome = stage.graph().act(verb, LAPTOP, BODIES[verb], soon())
    assert outcome.verdict is Verdict.DONE
    (seen,) = stage.microsoft.history("action")
    assert (seen.verb, seen.value, seen.body) == (CALLS[verb].segment, LAPTOP, BODIES[verb] or {})
    assert seen.request_id == outcome.request_id


@pytest.mark.parametrize("verb", list(Verb))
def test_a_missing_permission_is_named(stage: Stage, verb: Verb) -> None:
    needed = READ_WRITE if verb is Verb.NOTIFY else PRIVILEGED
    stage.grant(*(role for role in ALL_ROLES if role != needed))
    outcome = stage.graph().act(verb, LAPTOP, BODIES[verb], soon())
    assert outcome.verdict is Verdict.FAILED
    assert f"application permission `{needed}`" in outcome.detail


def test_a_missing_permission_to_look_is_named(stage: Stage) -> None:
    stage.grant(PRIVILEGED)
    with pytest.raises(SourceError, match=f"application permission `{READ}`"):
        stage.graph().device(LAPTOP, soon())


def test_a_refusal_in_spite_of_the_permission_does_not_ask_for_it(stage: Stage) -> None:
    stage.microsoft.fault("status", service="graph", only="action", code=403)
    outcome = stage.graph().act(Verb.SYNC, LAPTOP, None, soon())
    assert f"although `{PRIVILEGED}` is granted" in outcome.detail


def test_a_consent_given_meanwhile_is_seen_at_the_next_action(stage: Stage) -> None:
    stage.grant(READ)
    graph = stage.graph()
    assert graph.act(Verb.SYNC, LAPTOP, None, soon()).verdict is Verdict.FAILED
    stage.grant(*ALL_ROLES)
    assert graph.act(Verb.SYNC, LAPTOP, None, soon()).verdict is Verdict.DONE


def test_an_action_on_a_device_that_is_gone_is_not_done(stage: Stage) -> None:
    outcome = stage.graph().act(Verb.WIPE, NOBODYS, BODIES[Verb.WIPE], soon())
    assert (outcome.verdict, "not enrolled" in outcome.detail) == (Verdict.FAILED, True)


def test_a_401_is_tried_once_more_with_a_new_token(stage: Stage) -> None:
    stage.microsoft.fault("status", service="graph", only="action", code=401, times=1)
    assert stage.graph().act(Verb.SYNC, LAPTOP, None, soon()).verdict is Verdict.DONE
    assert [seen.status for seen in stage.microsoft.history("action")] == [401, 204]
    assert len(stage.microsoft.history("token")) == 2


def test_two_401_are_a_refusal(stage: Stage) -> None:
    stage.microsoft.fault("status", service="graph", only="action", code=401)
    outcome = stage.graph().act(Verb.WIPE, LAPTOP, BODIES[Verb.WIPE], soon())
    assert (outcome.verdict, "refuses the token twice" in outcome.detail) == (Verdict.FAILED, True)
    assert len(stage.microsoft.history("action")) == 2


def test_being_asked_too_often_says_when_again(stage: Stage) -> None:
    stage.microsoft.fault("throttle", service="graph", only="action", seconds=77)
    outcome = stage.graph().act(Verb.SYNC, LAPTOP, None, soon())
    assert outcome.verdict is Verdict.FAILED
    assert "again after" in outcome.detail
    assert outcome.again_s == pytest.approx(77, abs=2)


@pytest.mark.parametrize("code", [500, 502, 503, 504])
def test_a_broken_graph_leaves_it_unknown_and_is_not_asked_twice(stage: Stage, code: int) -> None:
    stage.microsoft.fault("status", service="graph", only="action", code=code)
    outcome = stage.graph().act(Verb.WIPE, LAPTOP, BODIES[Verb.WIPE], soon())
    assert (outcome.verdict, "unknown whether it was done" in outcome.detail) == (Verdict.UNKNOWN, True)
    assert len(stage.microsoft.history("action")) == 1


def test_a_cut_after_the_deed_is_unknown_and_not_repeated(stage: Stage) -> None:
    stage.microsoft.fault("outage", service="graph", only="action", mode="reset_after")
    outcome = stage.graph().act(Verb.WIPE, LAPTOP, BODIES[Verb.WIPE], soon())
    assert outcome.verdict is Verdict.UNKNOWN
    assert "it was sent, and then" in outcome.detail
    assert len(stage.microsoft.history("action")) == 1


def test_no_answer_in_time_is_unknown(stage: Stage) -> None:
    graph = stage.graph()
    graph.device(LAPTOP, soon())
    stage.microsoft.fault("latency", service="graph", only="action", ms=60_000)
    outcome = graph.act(Verb.LOCK, LAPTOP, None, soon(0.5))
    assert outcome.verdict is Verdict.UNKNOWN


def test_a_redirect_is_not_followed(stage: Stage) -> None:
    stage.microsoft.fault("redirect", service="graph", only="action")
    outcome = stage.graph().act(Verb.WIPE, LAPTOP, BODIES[Verb.WIPE], soon())
    assert (outcome.verdict, "redirect" in outcome.detail) == (Verdict.FAILED, True)


def test_a_page_of_a_proxy_is_no_success(stage: Stage) -> None:
    stage.microsoft.fault("body", service="graph", only="action", variant="html")
    assert stage.graph().act(Verb.WIPE, LAPTOP, BODIES[Verb.WIPE], soon()).verdict is Verdict.UNKNOWN


def test_a_closed_port_is_surely_not_done(stage: Stage) -> None:
    graph = stage.graph()
    graph.device(LAPTOP, soon())
    stage.microsoft.fault("outage", mode="refused")
    try:
        outcome = graph.act(Verb.WIPE, LAPTOP, BODIES[Verb.WIPE], soon())
    finally:
        stage.microsoft.clear_faults()
    assert (outcome.verdict, "refuses the connection" in outcome.detail) == (Verdict.FAILED, True)


def test_a_graph_that_is_not_trusted_is_sent_nothing(stage: Stage) -> None:
    other = stage.microsoft.folder / "devices-ca.pem"
    outcome = stage.graph(intune__ca_file=str(other)).act(Verb.WIPE, LAPTOP, BODIES[Verb.WIPE], soon())
    assert (outcome.verdict, "not trusted" in outcome.detail) == (Verdict.FAILED, True)
    assert not stage.microsoft.history()


def test_a_login_that_fails_is_not_done(stage: Stage) -> None:
    stage.microsoft.fault("token", code=7000222)
    outcome = stage.graph().act(Verb.SYNC, LAPTOP, None, soon())
    assert (outcome.verdict, "secret has expired" in outcome.detail) == (Verdict.FAILED, True)


def test_no_connection_is_kept_while_somebody_thinks(stage: Stage) -> None:
    """The laptop's name is typed for minutes: the action must not go into a connection that has died meanwhile."""
    graph = stage.graph()
    for _ in range(3):
        graph.device(LAPTOP, soon())
    stage.microsoft.fault("outage", mode="refused")
    stage.microsoft.clear_faults()
    assert graph.act(Verb.SYNC, LAPTOP, None, soon()).verdict is Verdict.DONE


def test_many_threads_share_one_token(stage: Stage) -> None:
    graph, outcomes = stage.graph(), []
    work = [
        threading.Thread(target=lambda: outcomes.append(graph.act(Verb.SYNC, LAPTOP, None, soon()))) for _ in "1234"
    ]
    for each in work:
        each.start()
    for each in work:
        each.join()
    assert [outcome.verdict for outcome in outcomes] == [Verdict.DONE] * 4
    assert len(stage.microsoft.history("token")) == 1


@pytest.mark.parametrize(
    ("trouble", "sure"),
    [
        (ConnectionRefusedError(111, "refused"), True),
        (socket.gaierror(-2, "no such host"), True),
        (OSError("Tunnel connection failed: 403 Forbidden"), True),
        (ConnectionResetError(104, "reset"), False),
        (TimeoutError("too late"), False),
        (OSError(113, "no route to host"), False),
    ],
)
def test_only_what_surely_never_left_is_called_so(trouble: OSError, sure: bool) -> None:
    wrapped = SourceError("words")
    wrapped.__cause__ = RuntimeError("outer", RuntimeError(trouble))
    assert never_left(wrapped) is sure


def test_what_went_wrong_earlier_does_not_make_it_sure() -> None:
    late = SourceError("words")
    late.__context__ = ConnectionRefusedError(111, "of another request")
    assert not never_left(late)


def test_no_outcome_tells_the_secret(stage: Stage) -> None:
    stage.grant(READ)
    assert SECRET not in repr(stage.graph().act(Verb.SYNC, LAPTOP, None, soon()))


# -- bodies ---------------------------------------------------------------------------------


def test_a_wipe_says_what_is_kept() -> None:
    body = wipe_body(keep_enrollment_data=False, keep_user_data=True, mac_unlock_code="")
    assert body == {"keepEnrollmentData": False, "keepUserData": True}


@pytest.mark.parametrize("code", ["12345", "1234567", "abcdef", "12 456", "١٢٣٤٥٦"])
def test_an_unlock_code_is_six_digits(code: str) -> None:
    with pytest.raises(ValueError, match="six digits"):
        wipe_body(keep_enrollment_data=False, keep_user_data=False, mac_unlock_code=code)


@pytest.mark.parametrize(
    ("title", "text", "words"),
    [
        (" ", "x", "needs a title"),
        ("x", "", "needs a text"),
        ("x" * 51, "x", "at most 50"),
        ("x", "x" * 501, "at most 500"),
        ("x\x1b[2J", "x", "control character"),
        ("x", "x\u202ey", "control character"),
    ],
)
def test_a_notification_is_bounded(title: str, text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        notify_body(title, text)


def test_a_notification_may_have_lines() -> None:
    sent: dict[str, Any] = notify_body("x" * 50, "one\ntwo")
    assert sent["notificationBody"] == "one\ntwo"
