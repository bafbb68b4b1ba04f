"""What is counted of requests: by group and kind, in numbers that no packet can multiply."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any, cast

import pytest

from nacd.overload.queue import Lane
from nacd.server.metrics.requests.counting import MOST_NASES, NO_GROUP, OTHERS, Counting
from nacd.server.metrics.requests.words import ACCEPT, CHALLENGE, HELD_BACK, NONE, OUTCOMES, PROBE, REJECT
from nacd.values import AccessKind, AuditEvent, Nas

NOBODY = cast(Any, SimpleNamespace())


def nas(name: str, *groups: str) -> Nas:
    return Nas(name=name, vendor="generic", groups=frozenset(groups))


def counting(*, per_nas: bool = False) -> Counting:
    return Counting(lambda each: min(each.groups, default=""), NOBODY, NOBODY, per_nas=per_nas)


def event(code: str = "A1001I", access: str = AccessKind.MAB, **fields: Any) -> AuditEvent:
    return AuditEvent(code=code, fields={"access": access, **fields})


def test_answers_count_by_group_kind_and_outcome() -> None:
    counts = counting()
    one, two, none = nas("one", "wired"), nas("two", "wired"), nas("none")
    counts.answered(one, event())
    counts.answered(two, event("A1002I", AccessKind.DOT1X))
    counts.answered(none, event("A1004W", ""))
    cells = {cell.group: cell for cell in counts.cells}
    assert set(cells) == {"wired", NO_GROUP}
    assert cells["wired"].answers["mab"][ACCEPT] == 1
    assert cells["wired"].answers["dot1x"][REJECT] == 1
    assert cells[NO_GROUP].unknown[REJECT] == 1
    assert sum(sum(each) for cell in cells.values() for each in cell.answers.values()) == 3


def test_what_leaves_no_record_counts_too() -> None:
    counts, one = counting(), nas("one", "wired")
    counts.sent(one, 1, 11)
    counts.sent(one, 1, 3)
    counts.sent(one, 12, 2)
    counts.silent(one)
    counts.held_back(one)
    counts.accounted(one)
    (cell,) = counts.cells
    assert {OUTCOMES[number]: count for number, count in enumerate(cell.unknown) if count} == {
        OUTCOMES[each]: 1 for each in (CHALLENGE, PROBE, NONE, HELD_BACK)
    }
    assert (counts.status, cell.accounted) == (1, 1)


def test_failures_of_eap_count_by_code_also_of_peers_that_went_away() -> None:
    counts, one = counting(), nas("one", "wired")
    counts.answered(one, event("A1003W", AccessKind.DOT1X, eap={"failure": "unknown_ca"}))
    gone = event("A1003W", AccessKind.DOT1X, eap={"failure": "peer_silent"}, nas={"name": "one"})
    counts.went_away((gone, event("A1003W", eap={"failure": "peer_silent"}, nas={"name": "nobody known"})))
    (cell,) = counts.cells
    assert cell.failures == {"unknown_ca": 1, "peer_silent": 1}


def test_a_reload_that_moves_a_nas_lets_what_was_counted_stand() -> None:
    counts = counting()
    counts.answered(nas("one", "old"), event())
    counts.answered(nas("one", "new"), event())
    counts.answered(nas("one", "new"), event())
    assert {cell.group: cell.answers["mab"][ACCEPT] for cell in counts.cells} == {"old": 1, "new": 2}


def test_a_thousand_nases_have_numbers_of_their_own_and_the_rest_shares_them() -> None:
    counts = counting(per_nas=True)
    for number in range(MOST_NASES + 50):
        counts.answered(nas(f"nas-{number}", "wired"), event())
    cells = list(counts.cells)
    assert len(cells) == MOST_NASES + 1
    assert {cell.nas: cell.answers["mab"][ACCEPT] for cell in cells}[OTHERS] == 50


@pytest.mark.parametrize("per_nas", [False, True])
def test_nothing_that_a_packet_says_makes_a_new_number(per_nas: bool) -> None:
    dice = random.Random(7)
    counts = counting(per_nas=per_nas)
    known = [nas(f"nas-{number}", f"group-{number % 5}") for number in range(20)]
    for each in known:
        counts.know(each)
    before = len(list(counts.cells))
    for _ in range(5_000):
        text = dice.randbytes(6).hex()
        shown = event(dice.choice(("A1001I", "A1002I", "A1004W", text)), text, endpoint={"mac": text}, user=text)
        counts.answered(dice.choice(known), shown)
        counts.sent(dice.choice(known), 1, dice.randrange(256))
        counts.silent(dice.choice(known))
    assert len(list(counts.cells)) == before
    assert all(set(cell.answers) == {"dot1x", "mab", "vpn", "unknown"} for cell in counts.cells)
    assert all(not cell.failures for cell in counts.cells)


def test_only_access_requests_are_work_of_a_stage() -> None:
    counts = counting()
    eap, plain = SimpleNamespace(types=frozenset({79})), SimpleNamespace(types=frozenset())
    counts.worked(Lane.CONTINUATION, cast(Any, eap), 0.003)
    counts.worked(Lane.NEW, cast(Any, plain), 0.0001)
    counts.worked(Lane.SHORT, cast(Any, plain), 0.5)
    assert (counts.eap.total, counts.policy.total) == (0.003, 0.0001)
