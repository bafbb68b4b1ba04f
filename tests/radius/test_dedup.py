from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from nacd.radius.dedup import DedupTable, InProgress, New, Replay, RequestKey
from nacd.values import Instant

At = Callable[[float], Instant]


def key(identifier: int = 1, authenticator: bytes = b"a", port: int = 1645, role: str = "auth") -> RequestKey:
    return RequestKey(place=(role, "10.0.0.1", port, identifier, True), authenticator=authenticator)


def test_a_repeat_is_dropped_while_the_first_is_worked_on(at: At) -> None:
    table = DedupTable()
    assert table.admit(key(), at(0)) == New()
    assert table.admit(key(), at(1)) == InProgress()


def test_a_repeat_of_an_answered_request_gets_the_same_octets(at: At) -> None:
    table = DedupTable()
    table.admit(key(), at(0))
    table.remember(key(), b"answer", at(1))
    assert table.admit(key(), at(2)) == Replay(octets=b"answer")
    assert table.admit(key(), at(30)) == Replay(octets=b"answer")


def test_role_port_and_identifier_are_different_places(at: At) -> None:
    table = DedupTable()
    table.admit(key(), at(0))
    assert table.admit(key(identifier=2), at(0)) == New()
    assert table.admit(key(port=1646), at(0)) == New()
    assert table.admit(key(role="acct"), at(0)) == New()


def test_another_authenticator_takes_the_place(at: At) -> None:
    table = DedupTable()
    table.admit(key(), at(0))
    table.remember(key(), b"old", at(0))
    assert table.admit(key(authenticator=b"b"), at(1)) == New()
    assert table.admit(key(authenticator=b"b"), at(1)) == InProgress()
    assert len(table) == 1
    assert table.octets_kept == 0


def test_a_late_answer_to_a_replaced_request_is_not_kept(at: At) -> None:
    table = DedupTable()
    table.admit(key(), at(0))
    table.admit(key(authenticator=b"b"), at(1))
    table.remember(key(), b"old", at(2))
    assert table.admit(key(authenticator=b"b"), at(3)) == InProgress()
    assert table.octets_kept == 0


def test_an_answer_lives_thirty_seconds_from_when_it_was_given(at: At) -> None:
    table = DedupTable(lifetime_s=30)
    table.admit(key(), at(0))
    table.remember(key(), b"answer", at(10))
    assert table.admit(key(), at(39.9)) == Replay(octets=b"answer")
    assert table.admit(key(), at(40)) == New()


def test_a_request_nobody_answers_can_be_tried_again_after_its_lifetime(at: At) -> None:
    table = DedupTable(lifetime_s=30)
    table.admit(key(), at(0))
    assert table.admit(key(), at(30)) == New()


def test_a_forgotten_request_is_new_again(at: At) -> None:
    table = DedupTable()
    table.admit(key(), at(0))
    table.forget(key(authenticator=b"other"))
    assert table.admit(key(), at(1)) == InProgress()
    table.forget(key())
    assert table.admit(key(), at(2)) == New()
    table.forget(key(identifier=99))


def test_an_answer_to_what_was_never_admitted_is_not_kept(at: At) -> None:
    table = DedupTable()
    table.remember(key(), b"answer", at(0))
    assert len(table) == 0
    assert table.admit(key(), at(0)) == New()


def test_entries_and_octets_stay_within_bounds(at: At) -> None:
    table = DedupTable(capacity=100, octet_budget=1000)
    for number in range(1000):
        one = key(identifier=number % 256, port=number // 256)
        table.admit(one, at(0))
        table.remember(one, bytes(40), at(0))
        assert len(table) <= 100
        assert table.octets_kept <= 1000
    assert table.admit(one, at(0)) == Replay(octets=bytes(40))


def test_expired_entries_leave_without_a_timer(at: At) -> None:
    table = DedupTable(lifetime_s=30)
    for number in range(256):
        table.admit(key(identifier=number), at(0))
    for number in range(64):
        table.admit(key(port=2000 + number), at(31))
    assert len(table) == 64


class Retransmissions(RuleBasedStateMachine):
    """Any order of admitting, answering, forgetting and waiting, against the plainest model."""

    def __init__(self) -> None:
        super().__init__()
        self.table = DedupTable(lifetime_s=10)
        self.model: dict[int, tuple[bytes, float, bytes]] = {}
        self.seconds = 0.0

    def now(self) -> Instant:
        return Instant(wall=0.0, monotonic=self.seconds)

    @rule(identifier=st.integers(0, 3), authenticator=st.sampled_from((b"a", b"b")))
    def admit(self, identifier: int, authenticator: bytes) -> None:
        known, expires, octets = self.model.get(identifier, (b"", -1.0, b""))
        verdict = self.table.admit(key(identifier, authenticator), self.now())
        if known == authenticator and expires > self.seconds:
            assert verdict == (Replay(octets=octets) if octets else InProgress())
        else:
            assert verdict == New()
            self.model[identifier] = (authenticator, self.seconds + 10, b"")

    @rule(identifier=st.integers(0, 3), authenticator=st.sampled_from((b"a", b"b")), octets=st.binary(min_size=1))
    def answer(self, identifier: int, authenticator: bytes, octets: bytes) -> None:
        known, expires, _ = self.model.get(identifier, (b"", -1.0, b""))
        self.table.remember(key(identifier, authenticator), octets, self.now())
        if known == authenticator and expires > self.seconds:
            self.model[identifier] = (authenticator, self.seconds + 10, octets)

    @rule(identifier=st.integers(0, 3), authenticator=st.sampled_from((b"a", b"b")))
    def forget(self, identifier: int, authenticator: bytes) -> None:
        self.table.forget(key(identifier, authenticator))
        if self.model.get(identifier, (b"", 0, b""))[0] == authenticator:
            del self.model[identifier]

    @rule(seconds=st.floats(0, 6))
    def wait(self, seconds: float) -> None:
        self.seconds += seconds

    @invariant()
    def octets_are_counted_truly(self) -> None:
        assert self.table.octets_kept == sum(len(entry.octets) for entry in self.table._entries.values())


TestRetransmissions = Retransmissions.TestCase
TestRetransmissions.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
