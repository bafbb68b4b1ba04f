"""What the record of a NAS that signs says."""

from __future__ import annotations

from nacd.audit.signing import events
from nacd.values import Instant


def test_it_names_the_nas_and_what_follows() -> None:
    event = events.signs(nas="campus", source="10.20.0.1", now=Instant(wall=1_000.0, monotonic=1.0))
    assert (event.code, event.fields["nas"]) == ("A9180I", {"name": "campus", "source": "10.20.0.1"})
    assert "it is required of it from now on" in str(event.fields["why"])
