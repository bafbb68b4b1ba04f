"""What becomes of app credentials, told once each."""

from __future__ import annotations

from nacd.intune.credentials import CredentialStatus
from nacd.intune.options import Credential, SecretCredential
from nacd.server.rotation.credentials import CredentialsSeen
from nacd.values import Instant, Secret

NOW = Instant(wall=1_800_000_000.0, monotonic=0.0)
A, B, C = (SecretCredential(secret=Secret(word)) for word in (b"first", b"second", b"third"))


class Tenant:
    """One tenant as a test wants it to stand."""

    def __init__(self) -> None:
        self.seen = CredentialsSeen()

    def look(self, given: str, *, in_use: int = -1, refused: tuple[int, ...] = ()) -> list[str]:
        """given: letters of the credentials in order. What is told: name of the event and which."""
        credentials: list[Credential] = [{"A": A, "B": B, "C": C}[letter] for letter in given]
        stands = [
            CredentialStatus(
                kind="client secret",
                expires_at=0.0,
                in_use=place == in_use,
                refused="it has expired" if place in refused else "",
                problem="",
            )
            for place in range(len(given))
        ]
        told = list(self.seen.look("contoso", credentials, stands, NOW))
        return [f"{each.fields['event']} {each.fields['app']['which']}" for each in told]  # type: ignore[index,call-overload]


def test_a_start_with_a_good_credential_is_no_news() -> None:
    tenant = Tenant()
    assert tenant.look("A") == []
    assert tenant.look("A", in_use=0) == []


def test_a_refusal_is_told_once_and_so_is_it_when_it_is_taken_again() -> None:
    tenant = Tenant()
    tenant.look("A", in_use=0)
    assert tenant.look("A", in_use=0, refused=(0,)) == ["credential.refused credential"]
    assert tenant.look("A", in_use=0, refused=(0,)) == []
    assert tenant.look("A", in_use=0) == ["credential.accepted credential"]
    assert tenant.look("A", in_use=0) == []


def test_the_whole_change_is_on_record_step_by_step() -> None:
    tenant = Tenant()
    tenant.look("A", in_use=0)
    assert tenant.look("AB", in_use=0) == ["credential.changed next_credential"]
    assert tenant.look("AB", in_use=1, refused=(0,)) == [
        "credential.refused credential",
        "credential.accepted next_credential",
    ]
    assert tenant.look("B") == ["credential.changed credential"]
    assert tenant.look("B", in_use=0) == ["credential.accepted credential"]


def test_without_a_refusal_the_new_one_is_told_of_when_it_has_taken_the_place() -> None:
    tenant = Tenant()
    tenant.look("A", in_use=0)
    tenant.look("AB", in_use=0)
    assert tenant.look("B") == ["credential.changed credential"]
    assert tenant.look("B", in_use=0) == ["credential.accepted credential"]


def test_going_back_is_a_change_too() -> None:
    tenant = Tenant()
    tenant.look("AB", in_use=0)
    assert tenant.look("A", in_use=0) == ["credential.changed next_credential"]
    assert tenant.look("C", in_use=0) == ["credential.changed credential", "credential.accepted credential"]


def test_tenants_are_apart() -> None:
    seen = CredentialsSeen()
    status = CredentialStatus(kind="certificate", expires_at=0.0, in_use=True, refused="", problem="")
    assert list(seen.look("one", [A], [status], NOW)) == []
    assert list(seen.look("two", [B], [status], NOW)) == []
