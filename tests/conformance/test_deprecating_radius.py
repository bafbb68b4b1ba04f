"""draft-ietf-radext-deprecating-radius: what is left of RADIUS's own security is asked for."""

from __future__ import annotations

import pytest

from tests.server.house import Site


@pytest.mark.clause(
    "draft-ietf-radext-deprecating-radius secrets", "a shared secret of less than 12 characters is warned of"
)
@pytest.mark.parametrize(("secret", "said"), [("elevenchars", True), ("a-secret-of-32-characters-4711-x", False)])
def test_a_short_shared_secret_is_warned_of(site: Site, secret: str, said: bool) -> None:
    site.write("secrets/nas", secret, 0o600)
    notes = [note for note in site.assemble().notes if note.code == "secret-short"]
    assert bool(notes) == said
    assert all(secret not in str(note) for note in notes), "and never shown"
