from __future__ import annotations

from datetime import UTC
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from nacd.config.rules.words import Realms, SystemWord, TimeZone, Usages, clock
from nacd.policy.answered import SYSTEMS


def test_the_systems_are_those_that_the_policy_knows() -> None:
    assert set(get_args(SystemWord)) == set(SYSTEMS)


def test_a_time_zone_is_known_by_its_name_and_a_wrong_one_is_guessed() -> None:
    zone: TypeAdapter[Any] = TypeAdapter(TimeZone)
    assert zone.validate_python("Europe/Berlin") == "Europe/Berlin"
    with pytest.raises(ValidationError, match="did you mean `Europe/Berlin`"):
        zone.validate_python("Europe/Berlni")


def test_no_zone_and_a_wrong_one_are_utc() -> None:
    assert clock(None) == (UTC, "UTC")
    assert clock("Mars/Base") == (UTC, "UTC")
    assert clock("Asia/Kathmandu")[1] == "Asia/Kathmandu"


def test_usages_are_oids_whatever_they_are_called() -> None:
    usages: TypeAdapter[Any] = TypeAdapter(Usages)
    assert usages.validate_python(("clientauth", "1.2.3")) == ("1.3.6.1.5.5.7.3.2", "1.2.3")
    with pytest.raises(ValidationError, match="is no key usage"):
        usages.validate_python("clientAuthentication")


def test_a_realm_stands_without_its_at() -> None:
    realms: TypeAdapter[Any] = TypeAdapter(Realms)
    assert realms.validate_python("Contoso.COM") == ("contoso.com",)
    with pytest.raises(ValidationError, match="write what stands behind `@`"):
        realms.validate_python("@contoso.com")
