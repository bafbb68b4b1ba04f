"""Whoever forwards records fits what the keeper asks of him."""

from __future__ import annotations

import inspect

from nacd.keeper import hosting


def test_the_builder_of_forwarding_is_found_and_takes_what_it_is_given() -> None:
    build = hosting.builder()
    assert build is not None
    assert len(inspect.signature(build).parameters) == 2


def test_a_queue_that_was_never_behind_has_no_age() -> None:
    queue = hosting.Queue(destination="siem")
    assert (queue.waiting, queue.oldest_s, queue.lost, queue.problem) == (0, 0.0, 0, "")
