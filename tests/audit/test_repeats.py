from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.audit.asking.report.outcomes import Outcome
from nacd.audit.asking.report.tally import Tally
from nacd.audit.repeats import Repeats
from nacd.values import AuditEvent, Instant

At = Callable[[float], Instant]
Rejected = Callable[..., AuditEvent]


def _event(key: str, port: str = "", nas: str = "campus", code: str = "A1004W") -> AuditEvent:
    return AuditEvent(
        code=code, fields={"why": f"because of {key}", "nas": {"name": nas}}, repeat_key=key, port_key=port
    )


def test_the_first_refusal_is_written_at_once_and_equal_ones_are_counted(at: At, rejected: Rejected) -> None:
    repeats = Repeats(window_s=60)
    first = rejected(0)
    assert repeats.admit(first, at(0)) == (first,)
    for second in range(1, 42):
        assert repeats.admit(rejected(second), at(second)) == ()
    assert repeats.due(at(59)) == ()
    (summary,) = repeats.due(at(60))
    assert summary.code == "A1010W"
    assert summary.fields["count"] == 41
    assert summary.fields["first"] == first.fields["time"]
    assert summary.fields["last"] == "2026-09-21T14:14:01.000Z"
    assert summary.fields["nas"] == first.fields["nas"]
    assert summary.fields["endpoint"] == first.fields["endpoint"]
    decision = first.fields["decision"]
    assert isinstance(decision, dict)
    assert summary.fields["decision"] == {"rule": "default-deny", "reasons": decision["reasons"]}
    assert summary.fields["repeated"] == {"code": "A1002I", "event": "access.reject", "why": first.fields["why"]}
    assert str(summary.fields["why"]).startswith("41 more times: ")
    assert repeats.due(at(1000)) == ()


def test_a_report_counts_repeats_where_it_counts_the_first(at: At, rejected: Rejected) -> None:
    plain = rejected(0)
    first = replace(plain, fields={**plain.fields, "compliance": {"state": "not_managed", "source": "live"}})
    failed = AuditEvent(
        code="A1003W",
        fields={"why": "a story about one device", "eap": {"failure": "unknown_ca"}, "certificate": {"issuer": "CN=X"}},
        repeat_key="failed",
    )
    repeats = Repeats(window_s=60)
    for event in (first, failed, first, failed, first, failed):
        repeats.admit(event, at(0))
    tally = Tally(("reason", "compliance", "rule", "issuer"))
    for event in (first, failed, *repeats.due(at(60))):
        tally.take({"code": event.code, **event.fields})
    assert tally.total == {Outcome.REJECTED: 3, Outcome.FAILED: 3}
    for sums in tally.by.values():
        assert len(sums[Outcome.REJECTED].most(0)) == 1
    assert tally.by["issuer"][Outcome.FAILED].most(0) == [("CN=X", 3)]
    assert tally.tls.failures["unknown_ca"]["issuer"].most(0) == [("CN=X", 3)]
    assert (tally.states, tally.sources) == ({"not_managed": 1}, {"live": 1})


def test_a_refusal_that_came_once_needs_no_summary(at: At) -> None:
    repeats = Repeats()
    repeats.admit(_event("a"), at(0))
    assert repeats.due(at(100)) == ()
    assert len(repeats) == 0


def test_after_its_window_a_refusal_is_written_again_behind_the_summary_of_the_last(at: At) -> None:
    repeats = Repeats(window_s=60)
    repeats.admit(_event("a"), at(0))
    repeats.admit(_event("a"), at(30))
    out = repeats.admit(_event("a"), at(61))
    assert [event.code for event in out] == ["A1010W", "A1004W"]
    assert repeats.admit(_event("a"), at(62)) == ()


def test_what_has_no_repeat_key_is_always_written(at: At) -> None:
    repeats = Repeats(capacity=1, per_port_per_window=1)
    accept = _event("", port="p", code="A1001I")
    for second in range(20):
        assert repeats.admit(accept, at(second / 100)) == (accept,)
    assert repeats.flush(at(1)) == ()


def test_a_port_that_cycles_its_mac_is_counted_past_its_budget_and_others_are_not(at: At) -> None:
    repeats = Repeats(window_s=60, per_port_per_window=3)
    written = [event for n in range(500) for event in repeats.admit(_event(f"mac {n}", port="p"), at(n / 100))]
    assert len(written) == 3
    assert len(repeats) == 3
    other = _event("x", port="q")
    assert repeats.admit(other, at(6)) == (other,)
    (summary,) = repeats.due(at(61))
    assert summary.code == "A1011W"
    assert summary.fields["count"] == 497
    assert summary.fields["repeated"] == {"by_code": {"A1004W": 497}}
    assert summary.fields["first"] == "2026-09-21T14:13:20.030Z"
    assert summary.fields["last"] == "2026-09-21T14:13:24.990Z"


def test_equal_refusals_do_not_use_up_the_budget_of_their_port(at: At) -> None:
    repeats = Repeats(per_port_per_window=2)
    for _ in range(10):
        repeats.admit(_event("a", port="p"), at(0))
    second = _event("b", port="p")
    assert repeats.admit(second, at(1)) == (second,)


def test_a_port_has_a_new_budget_in_a_new_window(at: At) -> None:
    repeats = Repeats(window_s=60, per_port_per_window=1)
    repeats.admit(_event("a", port="p"), at(0))
    assert repeats.admit(_event("b", port="p"), at(1)) == ()
    out = repeats.admit(_event("c", port="p"), at(61))
    assert [event.code for event in out] == ["A1011W", "A1004W"]


def test_a_full_table_counts_in_one_overflow_record_by_code_and_nas(at: At) -> None:
    repeats = Repeats(window_s=60, capacity=2)
    for n in range(10):
        repeats.admit(_event(str(n), nas=f"nas {n % 2}"), at(n))
    assert len(repeats) == 2
    (summary,) = repeats.due(at(63))
    assert summary.code == "A1012W"
    assert summary.fields["count"] == 8
    assert summary.fields["repeated"] == {"by_code": {"A1004W": 8}, "by_nas": {"nas 0": 4, "nas 1": 4}}


def test_the_overflow_record_itself_stays_small(at: At) -> None:
    repeats = Repeats(capacity=1)
    for n in range(500):
        repeats.admit(_event(str(n), nas=f"nas {n}"), at(0))
    (summary,) = repeats.flush(at(1))
    by_nas = summary.fields["repeated"]["by_nas"]  # type: ignore[index,call-overload]
    assert len(by_nas) == 101
    assert sum(by_nas.values()) == 499


def test_too_many_ports_at_a_time_count_as_overflow_too(at: At) -> None:
    repeats = Repeats(capacity=5, window_s=60)
    for n in range(5):
        repeats.admit(_event(str(n), port=f"p{n}"), at(n))
    assert repeats.admit(_event("x", port="px"), at(5)) == ()
    assert [event.code for event in repeats.flush(at(6))] == ["A1012W"]


def test_flush_writes_every_count_before_the_daemon_stops(at: At) -> None:
    repeats = Repeats(window_s=60, per_port_per_window=1)
    for key in ("a", "a", "b"):
        repeats.admit(_event(key, port="p"), at(0))
    assert [event.code for event in repeats.flush(at(1))] == ["A1010W", "A1011W"]
    assert repeats.flush(at(1)) == ()
    assert len(repeats) == 0


def test_one_admit_closes_a_few_windows_only(at: At) -> None:
    repeats = Repeats(window_s=60)
    for n in range(1000):
        repeats.admit(_event(str(n)), at(0))
        repeats.admit(_event(str(n)), at(0))
    assert len(repeats.admit(_event("new"), at(60))) <= 10
    assert len(repeats.due(at(60))) > 900


def test_the_wall_clock_may_jump_without_touching_windows(at: At) -> None:
    repeats = Repeats(window_s=60)
    repeats.admit(_event("a"), at(0))
    repeats.admit(_event("a"), Instant(wall=at(0).wall - 86400, monotonic=at(1).monotonic))
    assert repeats.due(Instant(wall=at(0).wall + 86400, monotonic=at(59).monotonic)) == ()
    assert len(repeats.due(at(60))) == 1


@pytest.mark.parametrize("settings", [{"window_s": 0}, {"capacity": 0}, {"per_port_per_window": 0}])
def test_bounds_that_bound_nothing_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="positive"):
        Repeats(**settings)


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2), st.floats(0, 40)), max_size=60),
    capacity=st.integers(1, 6),
    budget=st.integers(1, 3),
)
def test_every_refusal_is_either_written_or_counted(
    at: At, steps: list[tuple[int, int, float]], capacity: int, budget: int
) -> None:
    repeats = Repeats(window_s=60, capacity=capacity, per_port_per_window=budget)
    out: list[AuditEvent] = []
    seconds = 0.0
    for key, port, wait in steps:
        seconds += wait
        out += repeats.admit(_event(f"{key}", port=f"p{port}" if port else ""), at(seconds))
        assert len(repeats) <= capacity
    out += repeats.flush(at(seconds))
    written = sum(event.code == "A1004W" for event in out)
    counted = sum(int(event.fields["count"]) for event in out if event.code != "A1004W")  # type: ignore[arg-type]
    assert written + counted == len(steps)
