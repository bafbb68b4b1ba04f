from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nacd.cli.setup import policy_yaml
from nacd.config import mac_list
from nacd.config.yaml import parse


def written(text: str) -> Any:
    document, problems = parse(text.encode(), "f")
    assert not problems
    return document.value


@pytest.mark.parametrize("tenant", ["none", "contoso.com"])
@pytest.mark.parametrize("access", ["dot1x", "mab", "dot1x+mab", "vpn"])
def test_every_profile_is_used_or_given_by_hand_and_every_rule_has_a_case(
    answers: Any, access: str, tenant: str
) -> None:
    given = answers(access=access, tenant=tenant)
    policy, cases = written(policy_yaml.policy(given)), written(policy_yaml.cases(given))
    rules = {rule["name"]: rule["then"] for rule in policy["rules"]}
    tried = {case["expect"].get("rule") for case in cases["cases"]}
    assert set(rules) - tried == ({"known devices"} if "mab" in access else set())
    by_hand = set() if access == "mab" else set(policy_yaml.names(given))
    assert {*policy["profiles"], "deny"} == {*rules.values(), *by_hand, "deny"}


def test_the_comment_that_says_what_to_put_in_place_is_what_a_tenant_gives(answers: Any) -> None:
    for access in ("dot1x", "vpn"):
        without = policy_yaml.policy(answers(access=access))
        lines = [line[4:] for line in without.splitlines() if line.startswith("  # - ") or line.startswith("  #   ")]
        wanted = written(policy_yaml.policy(answers(access=access, tenant="contoso.com")))["rules"]
        assert written("rules:\n" + "\n".join(f"  {line}" for line in lines))["rules"] == wanted


def test_a_timeout_is_set_where_the_vendor_has_words_for_it(answers: Any) -> None:
    assert "session_timeout" in policy_yaml.policy(answers(vendor="cisco-ios"))
    assert "session_timeout" not in policy_yaml.policy(answers(vendor="palo-alto"))


def test_the_list_holds_nobody(tmp_path: Path) -> None:
    (tmp_path / policy_yaml.LIST).write_text(policy_yaml.devices())
    listed = mac_list.read(tmp_path / policy_yaml.LIST)
    assert (listed.macs, listed.problems) == (frozenset(), ())
