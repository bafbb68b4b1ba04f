"""Both clocks, read once."""

from nacd.server.clock import instant, random_octets


def test_an_instant_never_runs_backwards_on_the_monotonic_clock() -> None:
    first, second = instant(), instant()
    assert second.monotonic >= first.monotonic
    assert abs(second.wall - first.wall) < 60


def test_random_octets_come_in_the_number_asked_and_differ() -> None:
    assert len(random_octets(16)) == 16
    assert random_octets(16) != random_octets(16)
