"""Source ports and Identifiers are never used twice within the window."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.server.clock import random_octets
from nacd.server.dac.paths import DEFAULT, IDENTIFIERS, Group, Limits, Path, Paths, Slot
from nacd.server.dac.sockets import Address

HERE = Group("127.0.0.1", socket.AF_INET)
NAS = Address("127.0.0.2", 3799)


def with_paths(story: Callable[[Paths], None], limits: Limits = DEFAULT) -> None:
    async def run() -> None:
        paths = Paths(lambda _: None, random_octets, limits)
        try:
            story(paths)
        finally:
            paths.close()
        assert len(paths) == 0

    asyncio.run(run())


def taken(paths: Paths, now: float, peer: Address = NAS, group: Group = HERE) -> Slot:
    slot = paths.take(group, "nas", peer, now)
    assert slot is not None
    return slot


def port(slot: Slot) -> int:
    return int(slot.path.sock.getsockname()[1])


def test_the_257th_request_leaves_from_another_port() -> None:
    def story(paths: Paths) -> None:
        slots = [taken(paths, 0.0) for _ in range(IDENTIFIERS + 1)]
        assert len({slot.identifier for slot in slots[:-1]}) == IDENTIFIERS
        assert len({port(slot) for slot in slots[:-1]}) == 1
        assert port(slots[-1]) != port(slots[0])
        assert len(paths) == 2

    with_paths(story)


def test_an_identifier_rests_for_the_whole_window_after_its_end_and_not_only_after_its_beginning() -> None:
    def story(paths: Paths) -> None:
        slots = [taken(paths, 0.0) for _ in range(IDENTIFIERS)]
        paths.release(slots[7], 30.0, answered=False)
        assert taken(paths, 329.9).path is not slots[7].path
        again = [taken(paths, 330.0) for _ in range(IDENTIFIERS)]
        assert [slot.identifier for slot in again if slot.path is slots[7].path] == [slots[7].identifier]

    with_paths(story)


def test_a_port_closes_when_all_its_identifiers_have_rested_and_not_before() -> None:
    def story(paths: Paths) -> None:
        slots = [taken(paths, 0.0), taken(paths, 0.0)]
        paths.release(slots[0], 1.0, answered=True)
        paths.sweep(400.0)
        assert len(paths) == 1
        paths.release(slots[1], 500.0, answered=True)
        paths.sweep(799.0)
        assert len(paths) == 1
        paths.sweep(800.0)
        assert len(paths) == 0
        assert slots[0].path.sock.fileno() == -1
        assert taken(paths, 801.0).path is not slots[0].path

    with_paths(story)


def test_ports_are_bounded_and_what_has_rested_is_used_again() -> None:
    def story(paths: Paths) -> None:
        slots = [taken(paths, 0.0) for _ in range(2 * IDENTIFIERS)]
        assert paths.take(HERE, "nas", NAS, 0.0) is None
        assert paths.free_at() is None
        paths.release(slots[300], 5.0, answered=True)
        assert paths.free_at() == 305.0
        assert paths.take(HERE, "nas", NAS, 304.0) is None
        assert (again := taken(paths, 305.0)).identifier == slots[300].identifier
        assert again.path is slots[300].path

    with_paths(story, Limits(ports=2))


def test_one_nas_cannot_take_every_port() -> None:
    def story(paths: Paths) -> None:
        for _ in range(IDENTIFIERS):
            taken(paths, 0.0)
        assert paths.take(HERE, "nas", NAS, 0.0) is None
        other = Address("127.0.0.3", 3799)
        assert taken(paths, 0.0, other).peer == other

    with_paths(story, Limits(ports=4, ports_per_nas=1))


def test_what_has_rested_counts_against_its_nas_no_longer() -> None:
    def story(paths: Paths) -> None:
        for begin in (0.0, 400.0, 800.0):
            for slot in [taken(paths, begin) for _ in range(IDENTIFIERS)]:
                paths.release(slot, begin, answered=True)
            assert paths.take(HERE, "nas", NAS, begin + 1) is None

    with_paths(story, Limits(ports=4, ports_per_nas=1))


def test_each_source_address_and_each_family_has_ports_of_its_own(has_ipv6: bool) -> None:
    groups = [HERE, Group("127.0.0.9", socket.AF_INET), Group("", socket.AF_INET), HERE._replace(apart=NAS)]
    groups += [Group("::1", socket.AF_INET6)] if has_ipv6 else []

    def story(paths: Paths) -> None:
        slots = [taken(paths, 0.0, NAS, group) for group in groups for _ in range(2)]
        assert len({slot.path for slot in slots}) == len(paths) == len(groups)
        assert {slot.path.sock.getsockname()[0] for slot in slots} >= {"127.0.0.1", "127.0.0.9", "0.0.0.0"}

    with_paths(story)


def test_a_source_address_that_is_not_ours_is_an_error() -> None:
    def story(paths: Paths) -> None:
        with pytest.raises(OSError, match="assign"):
            paths.take(Group("192.0.2.77", socket.AF_INET), "nas", NAS, 0.0)
        assert len(paths) == 0

    with_paths(story)


@pytest.mark.parametrize("wrong", [{"window_s": 0}, {"ports": 0}, {"ports_per_nas": 0}])
def test_limits_are_positive(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="positive"):
        Limits(**wrong)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 120), st.integers(1, 200), st.floats(0, 1), st.sampled_from(["127.0.0.2", "127.0.0.3"])),
        min_size=1,
        max_size=25,
    )
)
def test_whatever_is_asked_no_identifier_comes_again_within_the_window(
    steps: list[tuple[float, int, float, str]],
) -> None:
    """After each pause some are taken and a share of those in use ends."""

    def story(paths: Paths) -> None:
        now = 0.0
        last_used: dict[tuple[Path, int], float] = {}
        in_use: list[Slot] = []
        ports_used: dict[int, tuple[Path, float]] = {}
        for pause_s, count, share, host in steps:
            now += pause_s
            for _ in range(count):
                slot = paths.take(HERE, "nas", Address(host, 1), now)
                if slot is None:
                    continue
                name = (slot.path, slot.identifier)
                assert now - last_used.get(name, -1e9) >= 300.0
                # A number that the kernel gave out again belongs to a port that had rested.
                before = ports_used.get(port(slot))
                assert before is None or before[0] is slot.path or now - before[1] >= 300.0
                last_used[name] = float("inf")
                in_use.append(slot)
            for _ in range(int(share * len(in_use))):
                slot = in_use.pop(0)
                paths.release(slot, now, answered=True)
                last_used[slot.path, slot.identifier] = now
                ports_used[port(slot)] = (slot.path, now)
            assert len(paths) <= 3

    with_paths(story, Limits(ports=3, ports_per_nas=2))
