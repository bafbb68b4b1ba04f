"""nacd itself, in numbers."""

from __future__ import annotations

from nacd.server.metrics import program


def test_the_version_is_a_label_of_a_one() -> None:
    (sample,) = program.read("1.2.3")
    assert (sample.metric, sample.value, sample.labels) == (program.BUILD, 1, ("1.2.3",))
