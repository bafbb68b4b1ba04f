"""The audit events of secrets, certificates and credentials that end and are changed."""

from __future__ import annotations

import pytest

from nacd.audit.catalogue import EVENTS
from nacd.audit.rotation import events
from nacd.audit.rotation.events import App, OurCertificate
from nacd.values import AuditEvent, Instant
from tests.audit.reload.test_events import paths

NOW = Instant(wall=1_800_000_000.0, monotonic=0.0)
DAY_S = 86_400.0
SERVER = OurCertificate(
    what="server", name="", subject="CN=radius.example.test", fingerprint="ab" * 32, not_after=NOW.wall + 29.5 * DAY_S
)
CA = OurCertificate(
    what="client_ca", name="devices", subject="CN=devices", fingerprint="cd" * 32, not_after=NOW.wall + 3 * DAY_S
)
APP = App(tenant="contoso", which="next_credential", kind="client secret", not_after=NOW.wall + 1.5 * DAY_S)


def every() -> list[AuditEvent]:
    return [
        events.secret_changed(nas="switch", source="10.0.0.1", to="next_secret", before_at=NOW.wall - 60, now=NOW),
        events.certificate_changed(SERVER, before="ef" * 32, now=NOW),
        events.certificate_expires(CA, now=NOW),
        events.credential_expires(APP, now=NOW),
        events.credential_changed(APP, detail="was added", now=NOW),
        events.credential_refused(APP, detail="the client secret has expired", now=NOW),
        events.credential_accepted(APP, now=NOW),
    ]


def test_every_event_fills_exactly_the_fields_of_its_row() -> None:
    made = {event.code: event for event in every()}
    assert set(made) == {row.code for row in events.ROWS}
    for code, event in made.items():
        assert paths(event.fields) == set(EVENTS[code].fields)  # type: ignore[arg-type]
        assert event.fields["event"] == EVENTS[code].name


def test_each_says_in_one_sentence_what_happened() -> None:
    said = [str(event.fields["why"]) for event in every()]
    assert said == [
        "NAS `switch` at 10.0.0.1 comes with `next_secret` now, and came with `secret` before",
        "the server certificate CN=radius.example.test took the place of efefefefefefefef…, and is good until"
        " 2027-02-13",
        "client CA `devices` (CN=devices) ends on 2027-01-18, in 3 days",
        "`next_credential` of tenant `contoso` (client secret) ends on 2027-01-16, in 1 day: make a new one in the app"
        " registration",
        "`next_credential` of tenant `contoso` (client secret) was added",
        "`next_credential` of tenant `contoso` (client secret) was refused: the client secret has expired",
        "the login service took `next_credential` of tenant `contoso` (client secret)",
    ]


def test_what_comes_and_what_goes_is_told_apart_by_the_two_fingerprints() -> None:
    came = events.certificate_changed(CA, before="", now=NOW).fields
    went = events.certificate_changed(CA, before=CA.fingerprint, now=NOW).fields
    assert (came["our_certificate"]["fingerprint"], came["our_certificate"]["before"]) == ("cd" * 32, "")  # type: ignore[index,call-overload]
    assert (went["our_certificate"]["fingerprint"], went["our_certificate"]["before"]) == ("", "cd" * 32)  # type: ignore[index,call-overload]
    assert "was added" in str(came["why"])
    assert "was taken away" in str(went["why"])


@pytest.mark.parametrize(
    ("left_days", "days", "words"), [(0.5, 0, "within a day"), (-0.5, -1, "ended on"), (30.0, 30, "in 30 days")]
)
def test_days_that_are_left_are_whole_ones(left_days: float, days: int, words: str) -> None:
    one = OurCertificate(
        what="server_chain", name="", subject="CN=x", fingerprint="0", not_after=NOW.wall + left_days * DAY_S
    )
    fields = events.certificate_expires(one, now=NOW).fields
    assert fields["our_certificate"]["days_left"] == days  # type: ignore[index,call-overload]
    assert words in str(fields["why"])


def test_an_end_that_nobody_knows_is_empty() -> None:
    fields = events.credential_accepted(App(tenant="t", which="credential", kind="x", not_after=0.0), now=NOW).fields
    assert fields["app"]["not_after"] == ""  # type: ignore[index,call-overload]
