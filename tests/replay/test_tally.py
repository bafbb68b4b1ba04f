"""Counting a whole log: the short way counts what the long way does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.policy.model import Policy, Rule
from nacd.policy.requested import MacMatches
from nacd.replay.answer import Answers
from nacd.replay.judge import Unasked, judge
from nacd.replay.record import Aside, Cause, Recorded, read
from nacd.replay.tally import Replay, key_of, whole
from nacd.values import Effect
from tests.policy.test_evaluate_properties import policies
from tests.replay.conftest import GUID, Login, decided, logins, record

NOTHING = Answers({})
OPEN = Policy(rules=(Rule(name="all", line=1, conditions=(), then="corp"),), digest="open")
CLOSED = Policy(rules=(), digest="closed")


def of(policy: Policy, one: Login) -> dict[str, Any]:
    return record(one, *decided(policy, one))


@pytest.mark.slow
@settings(max_examples=60)
@given(old=policies(), new=policies(), drawn=st.lists(logins(), max_size=5), data=st.data())
def test_records_that_are_alike_are_counted_as_if_each_were_read_by_itself(
    old: Policy, new: Policy, drawn: list[Login], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(drawn), max_size=5)) if drawn else []
    everything = [of(old, one) for one in (*drawn, *again)]
    replay = Replay(new, old, NOTHING)
    for fields in everything:
        replay.take(fields)
    assert counted(replay) == plainly(new, everything)
    assert (replay.tally.contradicted, replay.tally.verified) == (0, replay.tally.replayed.logins)


def counted(replay: Replay) -> Counter[object]:
    tally = replay.tally
    found: Counter[object] = Counter({way: group.logins for way, group in tally.by_rule.items()})
    for (cause, _), count in tally.aside.items():
        found[cause] += count
    found["same"] = tally.replayed.logins - tally.changed.logins
    return found


def plainly(policy: Policy, everything: list[dict[str, Any]]) -> Counter[object]:
    """Each record by itself, with no regard to speed."""
    found: Counter[object] = Counter({"same": 0})
    for fields in everything:
        recorded = read(fields)
        if isinstance(recorded, Aside):
            found[recorded.cause] += 1
            continue
        said = judge(policy, recorded.facts)
        if isinstance(said, Unasked):
            found[Cause.UNASKED] += 1
        elif (said.effect, said.profile) == (recorded.outcome.effect, recorded.outcome.profile):
            found["same"] += 1
        else:
            found[recorded.outcome.rule, said.rule] += 1
    return found


def test_changes_are_counted_by_logins_and_by_devices(login: Callable[..., Login]) -> None:
    replay = Replay(CLOSED, OPEN, NOTHING)
    for one in (login(), login(), login(nas="n2", groups=frozenset({"g1", "g2"}))):
        replay.take(of(OPEN, one))
    tally = replay.tally
    assert (tally.replayed.logins, tally.replayed.devices) == (3, {GUID})
    assert (tally.changed.logins, tally.changed.devices) == (3, {GUID})
    assert {way: group.logins for way, group in tally.by_answer.items()} == {("`corp`", "refused"): 3}
    assert {way: group.logins for way, group in tally.by_rule.items()} == {("all", "default-deny"): 3}
    assert {name: group.logins for (name, _), group in tally.by_nas.items()} == {"n1": 2, "n2": 1}
    assert {name: group.logins for (name, _), group in tally.by_group.items()} == {"g1": 3, "g2": 1}
    assert tally.verified == 3


def test_the_same_answer_by_another_rule_is_no_change(login: Callable[..., Login]) -> None:
    renamed = Policy(rules=(replace(OPEN.rules[0], name="everybody"),), digest="new")
    replay = Replay(renamed, OPEN, NOTHING)
    replay.take(of(OPEN, login()))
    assert (replay.tally.changed.logins, replay.tally.renamed) == (0, 1)


def test_examples_are_few_and_of_every_kind(login: Callable[..., Login]) -> None:
    macs = Policy(
        rules=(Rule(name="mac", line=1, conditions=(MacMatches(patterns=("AA-*",)),), then="guest"),), digest="macs"
    )
    replay = Replay(macs, OPEN, NOTHING, examples=2)
    for number in range(5):
        replay.take(of(OPEN, login(mac=f"00-00-00-00-00-0{number}")))
    replay.take(of(OPEN, login(mac="AA-00-00-00-00-01")))
    examples = replay.tally.examples
    assert [example.difference.after for example in examples] == ["refused", "refused", "`guest`"]
    assert whole(examples[2]).facts.mac == "AA-00-00-00-00-01"


def test_a_decision_that_its_own_policy_does_not_make_again_is_counted_as_a_contradiction(
    login: Callable[..., Login],
) -> None:
    fields = of(OPEN, login())
    fields["decision"]["policy_digest"] = CLOSED.digest
    replay = Replay(OPEN, CLOSED, NOTHING)
    replay.take(fields)
    assert (replay.tally.verified, replay.tally.contradicted) == (0, 1)


def test_decisions_of_another_policy_are_neither(login: Callable[..., Login]) -> None:
    replay = Replay(OPEN, CLOSED, NOTHING)
    replay.take(of(OPEN, login()))
    assert (replay.tally.verified, replay.tally.contradicted) == (0, 0)
    assert replay.tally.digests == {"open": 1}


def test_what_lacks_a_field_is_put_aside_also_beside_one_that_has_it(login: Callable[..., Login]) -> None:
    replay = Replay(OPEN, OPEN, NOTHING)
    for path in ((), ("nas", "groups"), ("endpoint", "user"), ("certificate",), ("time",), ()):
        fields = of(OPEN, login())
        inner = fields
        for step in path[:-1]:
            inner = inner[step]
        if path:
            inner.pop(path[-1], None)
        replay.take(fields)
    assert replay.tally.replayed.logins == 3  # nobody showed a certificate
    assert replay.tally.aside == {
        (Cause.INCOMPLETE, "nas.groups"): 1,
        (Cause.INCOMPLETE, "endpoint.user"): 1,
        (Cause.INCOMPLETE, "time"): 1,
    }
    assert replay.tally.put_aside == 3


def test_a_suspect_record_is_read_whole(login: Callable[..., Login]) -> None:
    replay = Replay(OPEN, OPEN, NOTHING)
    replay.take(of(OPEN, login()))
    hidden = of(OPEN, login(user="half \ud83d"))
    replay.take(hidden, suspect=True)
    assert replay.tally.aside == {(Cause.ALTERED, "endpoint.user"): 1}


@pytest.mark.parametrize("reply", [None, {"attributes": [1]}])
def test_a_reply_that_is_none_puts_the_record_aside(login: Callable[..., Login], reply: object, rendered: Any) -> None:
    replay = Replay(OPEN, OPEN, Answers({("corp", "generic"): rendered}))
    replay.take(of(OPEN, login()) | {"reply": reply})
    assert replay.tally.aside == {(Cause.STRANGE, "reply"): 1}
    assert replay.tally.replayed.logins == 0


@settings(max_examples=100)
@given(one=logins(), data=st.data())
def test_no_record_makes_it_fail(one: Login, data: st.DataObject) -> None:
    replay = Replay(OPEN, OPEN, NOTHING)
    fields = of(OPEN, one)
    replay.take(fields)
    name = data.draw(st.sampled_from(sorted(fields)))
    replay.take(fields | {name: data.draw(st.none() | st.integers() | st.text() | st.lists(st.integers()))})
    assert replay.tally.replayed.logins + sum(replay.tally.aside.values()) == 2


def test_decisions_are_what_is_counted(login: Callable[..., Login]) -> None:
    recorded = read(of(OPEN, login()))
    assert isinstance(recorded, Recorded)
    assert recorded.outcome.effect is Effect.ALLOW


def test_what_is_added_to_records_keeps_them_apart(login: Callable[..., Login]) -> None:
    """Whatever it is, a condition may ask for it one day."""
    plain = of(OPEN, login())
    for block in ("nas", "endpoint", "identity", "compliance"):
        other = of(OPEN, login())
        other[block]["new"] = "fact"
        assert key_of(other) != key_of(plain)
    assert key_of(of(OPEN, login())) == key_of(plain)
    with pytest.raises(KeyError):
        key_of(plain | {"client": {"platform": "win"}})
