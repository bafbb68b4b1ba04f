from __future__ import annotations

from nacd.overload.late import LateAnswers


def test_answers_leave_when_their_time_has_come_in_the_order_they_came(at) -> None:
    late: LateAnswers[str] = LateAnswers(delay_s=1.0)
    assert late.put("a", at(0))
    assert late.put("b", at(0.5))
    assert late.due(at(0.9)) == ()
    assert late.due(at(1.0)) == ("a",)
    assert late.due(at(9)) == ("b",)
    assert len(late) == 0


def test_who_leaves_for_good_takes_everything_along(at) -> None:
    late: LateAnswers[str] = LateAnswers(delay_s=1.0)
    late.put("a", at(0))
    late.put("b", at(0.5))
    assert late.all() == ("a", "b")
    assert len(late) == 0


def test_without_a_delay_and_without_room_they_leave_at_once(at) -> None:
    assert not LateAnswers[str](delay_s=0).put("a", at(0))
    full: LateAnswers[str] = LateAnswers(delay_s=1, capacity=1)
    assert [full.put(each, at(0)) for each in "ab"] == [True, False]
