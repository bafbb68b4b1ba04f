"""The words between the spine and whoever waits and sends."""

from __future__ import annotations

from nacd.admit import NOTHING
from nacd.steps import Answer, Continue, NoQuestion
from nacd.values import AuditEvent, Reply, ReplyCode

REJECT = Reply(code=ReplyCode.REJECT)


def test_an_answer_leaves_no_session_unless_it_says_so() -> None:
    event = AuditEvent(code="A1002I", fields={})
    answer = Answer(reply=REJECT, event=event, refusal=REJECT, too_long=lambda _: event)
    assert answer.left is NOTHING
    assert answer.actions == ()
    assert not answer.blames_endpoint


def test_a_challenge_asks_nothing_early_unless_it_says_so() -> None:
    assert isinstance(Continue(reply=Reply(code=ReplyCode.CHALLENGE)).early, NoQuestion)
