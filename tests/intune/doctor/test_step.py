"""What a step comes to."""

from __future__ import annotations

from nacd.intune.doctor.step import Status, Step, failed, good, not_needed, not_tried, shown, timed, warning, without


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
    step = Step(
        name="token", status=Status.FAILED, detail="sent s3cret-value twice: s3cret-value", fix="not s3cret-value"
    )
    clean = without(step, ("s3cret-value", "", "a"))
    assert (clean.detail, clean.fix) == ("sent *** twice: ***", "not ***")
