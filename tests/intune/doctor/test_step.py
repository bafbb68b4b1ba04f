"""What a step comes to."""

from __future__ import annotations

import json
import math
from urllib.parse import quote, quote_plus

import pytest

from nacd.intune.doctor.step import (
    Finding,
    blotted,
    failed,
    good,
    no_time,
    not_needed,
    not_tried,
    shown,
    timed,
    timely,
    warning,
)

SECRET = 'Pl+nt/ed="secr~t" \u00fc\\;%41-of-forty-characters'


def test_a_step_keeps_what_was_found_and_how_long_it_took() -> None:
    step = timed("clock", lambda: warning("a bit off", "set it"))
    assert (step.name, step.status, step.detail, step.fix) == ("clock", "warning", "a bit off", "set it")
    assert step.took_ms >= 0


def test_each_outcome_has_its_word() -> None:
    found = (good("a"), warning("a", "b"), failed("a", "b"), not_tried("a token"), not_needed("static"))
    assert [each.status for each in found] == ["ok", "warning", "failed", "skipped", "skipped"]


def test_what_could_not_be_tried_names_what_it_needs() -> None:
    assert not_tried("a token for graph").detail == "not tried: needs a token for graph"
    assert not_needed("`endpoint` is given").detail == "not needed: `endpoint` is given"


def test_what_a_stranger_sent_does_not_steer_the_terminal() -> None:
    step = timed("tls", lambda: failed("a \x1b[2Jname\r\nnext", "\x07do this"))
    assert step.detail == "a ?[2Jname?\nnext"
    assert step.fix == "?do this"


def test_a_text_without_end_is_cut() -> None:
    assert len(shown("x" * 5_000)) == 4_004
    assert shown("x" * 4_000) == "x" * 4_000


def test_secrets_are_blotted_out_wherever_they_stand() -> None:
    step = timed(
        "token",
        lambda: failed("sent s3cret-value twice: s3cret-value", "not s3cret-value"),
        lambda: ("s3cret-value", "", "a"),
    )
    assert (step.detail, step.fix) == ("sent *** twice: ***", "not ***")


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        quote_plus(SECRET).replace("%2B", "%2b").replace("%2F", "%2f").replace("%3D", "%3d").replace("%22", "%22")
        .replace("%C3%BC", "%c3%bc").replace("%5C", "%5c").replace("%3B", "%3b"),
        quote_plus(SECRET).replace("~", "%7E"),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        json.dumps(SECRET)[1:-1].replace("/", "\\/"),
    ],
)  # fmt: skip
def test_a_secret_is_known_in_every_form_in_which_it_may_come_back(form: str) -> None:
    assert blotted(f"you sent <{form}>, and again {form}", (SECRET,)) == "you sent <***>, and again ***"


def test_a_secret_that_was_cut_or_would_be_is_blotted_out_all_the_same() -> None:
    assert blotted(f"waf: client_secret={SECRET[:20]}`\nscope", (SECRET,)) == "waf: client_secret=***`\nscope"
    step = timed("token", lambda: failed("x" * 3_990 + SECRET, ""), lambda: (SECRET,))
    assert step.detail == "x" * 3_990 + "***"


def test_a_secret_of_stars_ends_too() -> None:
    assert set(blotted("*" * 50, ("*" * 5,))) == {"*"}


def test_tokens_that_nobody_kept_are_blotted_out_by_their_looks() -> None:
    assert blotted("blocked Authorization: Bearer abcdefgh.ijklmnop-9 here", ()) == "blocked Authorization: *** here"
    assert blotted("assertion eyJhbGciOiJSUzI1.eyJzdWIiOiJ4.c2ln!", ()) == "assertion ***!"
    assert blotted("get a Bearer token", ()) == "get a Bearer token"


def test_what_was_told_after_the_work_counts() -> None:
    """A token is known only when it is there."""
    kept: list[str] = []

    def work() -> Finding:
        kept.append("fresh-token")
        return good("got fresh-token")

    assert timed("token", work, lambda: kept).detail == "got ***"


@pytest.mark.parametrize(
    ("took_s", "status", "words"),
    [
        (1.0, "ok", ""),
        (1.1, "warning", "more than half of what logins wait (2 s)"),
        (2.0, "warning", "more than half"),
        (2.1, "failed", "logins wait 2 s only: every one would be `unavailable`"),
    ],
)
def test_an_answer_too_late_for_a_login_is_none(took_s: float, status: str, words: str) -> None:
    found = timely(good("compliant"), took_s, 2.0)
    assert found.status == status
    assert found.detail.startswith("compliant")
    assert words in found.detail
    assert ("lookup_deadline" in found.fix) is (status != "ok")
    assert timely(good("compliant"), took_s, math.inf) == good("compliant")


def test_a_failure_stays_the_failure_it_is_and_a_warning_keeps_its_way_out() -> None:
    assert timely(failed("down", "wait"), 9.0, 2.0) == failed("down", "wait")
    assert timely(warning("odd", "look there"), 1.5, 2.0).fix.startswith("look there\n")


def test_what_was_not_tried_for_want_of_time_is_a_failure() -> None:
    assert no_time().status == "failed"
