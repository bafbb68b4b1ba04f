"""What is counted of a trail. That it is right: see ``test_log_trail``."""

from nacd.store.trail.writing.tally import Tally


def test_everything_begins_at_nought() -> None:
    tally = Tally()
    assert (tally.records, tally.octets, tally.refused, tally.rotated, tally.checkpoints) == (0, 0, 0, 0, 0)
    assert tally.checkpoint_at == 0.0
