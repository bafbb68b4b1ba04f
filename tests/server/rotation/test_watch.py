"""Who notices changes and ends: what is recorded, and when it looks again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from nacd.intune.credentials import CredentialStatus
from nacd.radius.overlap.seen import SecretsSeen
from nacd.server.assembly import Assembled
from nacd.server.rotation.watch import Rotation
from nacd.values import AuditEvent, Instant, Secret
from tests.server.house import Pki, Site

DAY_S = 86_400.0
NOW = time.time()  # certificates of tests are good from now on


@dataclass(slots=True)
class Source:
    """A tenant as it stands."""

    credentials: tuple[CredentialStatus, ...]

    def status(self) -> Source:
        return self


@dataclass(slots=True)
class Story:
    assembled: Assembled
    seen: SecretsSeen = field(default_factory=SecretsSeen)
    told: list[AuditEvent] = field(default_factory=list)
    at: float = 0.0
    stands: Source = field(
        default_factory=lambda: Source(
            (CredentialStatus(kind="client secret", expires_at=0.0, in_use=True, refused="", problem=""),)
        )
    )
    rotation: Rotation = field(init=False)

    def __post_init__(self) -> None:
        def take(events: Sequence[AuditEvent], _now: Instant) -> None:
            self.told += events

        self.rotation = Rotation(self.seen, lambda: self.assembled, {"intune": self.stands}, take)

    def after(self, seconds: float) -> list[str]:
        """What is recorded within this time, a tick a second for the first minute and then one at the end."""
        self.told.clear()
        for step in [*range(1, min(int(seconds), 60) + 1), seconds]:
            moment = self.at + step
            self.rotation.tick(Instant(wall=NOW + moment, monotonic=moment))
        self.at += seconds
        return [str(event.fields["event"]) for event in self.told]


def test_nothing_is_told_of_what_was_there_at_the_start(site: Site) -> None:
    story = Story(site.assemble())
    assert "certificate.changed" not in story.after(10)
    assert story.after(600) == []


def test_a_refusal_is_on_record_within_seconds(site: Site) -> None:
    story = Story(site.assemble())
    story.after(1)
    story.stands.credentials = (replace(story.stands.credentials[0], refused="it has expired"),)
    assert story.after(6) == ["credential.refused"]
    assert story.after(600) == []


def test_an_end_is_told_again_each_day_of_the_last_week(site: Site, pki: Pki) -> None:
    story = Story(site.assemble())
    story.stands.credentials = (replace(story.stands.credentials[0], expires_at=NOW + 5 * DAY_S),)
    assert story.after(10).count("credential.expires") == 1
    assert story.after(DAY_S / 2).count("credential.expires") == 0
    assert story.after(DAY_S).count("credential.expires") == 1


def test_a_new_configuration_is_noticed_by_being_another_and_so_are_changes_of_nases(site: Site, pki: Pki) -> None:
    site.write("secrets/next", "the-next-secret-of-the-nas", 0o600)
    site.change('secret: "file:secrets/nas"', 'secret: "file:secrets/nas", next_secret: "file:secrets/next"')
    story = Story(site.assemble())
    story.after(1)
    assert story.seen.since("switch") > 0
    site.serve_with(pki.root.issue_server("radius.example.test"))
    story.assembled = site.assemble()
    client = story.assembled.clients[0]
    story.seen.saw(client, client.secret, "127.0.0.1", 1.0)
    story.seen.saw(client, Secret(b"the-next-secret-of-the-nas"), "127.0.0.1", 2.0)
    assert sorted(set(story.after(1))) == ["certificate.changed", "client.secret_changed"]
    assert story.after(10) == []


def test_many_changes_at_once_are_spread_over_seconds_and_none_is_lost(site: Site) -> None:
    site.write("secrets/next", "the-next-secret-of-the-nas", 0o600)
    site.change('secret: "file:secrets/nas"', 'secret: "file:secrets/nas", next_secret: "file:secrets/next"')
    story = Story(site.assemble())
    client = story.assembled.clients[0]
    for number in range(250):
        for secret in (client.secret, client.next_secret):
            story.seen.saw(client, secret, f"10.0.0.{number}", 1.0)
    story.rotation.tick(Instant(wall=NOW, monotonic=0.0))
    assert len(story.told) <= 101
    assert story.after(10).count("client.secret_changed") == 150
