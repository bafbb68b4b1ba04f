from collections.abc import Callable

import pytest

from nacd.identity.rules import IdentityRules, assertions
from nacd.values import DeviceIdKind, IdentitySource


def test_the_words_of_may_assert_open_their_registers() -> None:
    assert assertions(["intune_id"]) == {DeviceIdKind.INTUNE}
    assert assertions([]) == frozenset()


def test_an_unknown_word_of_may_assert_is_refused_with_the_possible_ones() -> None:
    with pytest.raises(ValueError, match="`intune` is nothing a CA may assert; possible: intune_id, entra_id"):
        assertions(["intune"])


def test_shared_macs_are_kept_in_their_one_spelling() -> None:
    assert IdentityRules(shared_macs=frozenset({"0050.b6aa.bbcc"})).shared_macs == {"00-50-B6-AA-BB-CC"}


@pytest.mark.parametrize(
    "fields",
    [
        {"order": ()},
        {"order": (IdentitySource.MAC, IdentitySource.MAC)},
        {"entra_prefixes": (" ",)},
        {"user_name_pattern": "(a+)+"},
        {"class_pattern": "["},
        {"shared_macs": frozenset({"dock"})},
    ],
)
def test_rules_that_cannot_work_are_not_built(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        IdentityRules(**fields)  # type: ignore[arg-type]


def test_the_default_order_goes_from_the_best_source_to_the_weakest(rules_of: Callable[..., IdentityRules]) -> None:
    assert rules_of().order == (IdentitySource.CERTIFICATE, IdentitySource.VPN, IdentitySource.MAC)
