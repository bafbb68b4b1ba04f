from __future__ import annotations

import pytest

from nacd.config.sections.identity import Identity


def test_identity_patterns_name_the_group_guid(section) -> None:
    identity = section(Identity, "vpn: {user_name_pattern: '(?P<guid>[0-9a-f-]{36})@vpn'}\nentra_forms: []\n")
    assert identity.vpn.user_name_pattern.endswith("@vpn")
    assert identity.order == ("certificate", "vpn", "mac")


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(x", "is no regular expression"),
        ("[0-9a-f-]{36}", "no group"),
        ("(?P<guid>a+)+", "repeats a repetition"),
        ("(?P<guid>x)" + "a" * 200, "longer than 200"),
    ],
)
def test_patterns_that_would_not_do(section, pattern: str, words: str) -> None:
    assert words in section(Identity, f"vpn: {{class_pattern: '{pattern}'}}\n")[0]


def test_shared_macs_stand_here_or_in_a_file(section, tmp_path) -> None:
    (tmp_path / "docks.csv").write_text("00-50-B6-00-00-02\n")
    macs = {"00-50-B6-00-00-01", "00-50-B6-00-00-02"}
    assert section(Identity, 'shared_macs: ["0050.b600.0001", docks.csv]\n').shared_macs == macs
    assert section(Identity, "shared_macs: docks.csv\n").shared_macs == {"00-50-B6-00-00-02"}
    assert "is no MAC address" in section(Identity, "shared_macs: dock\n")[0]


def test_a_source_named_twice_is_refused(section) -> None:
    assert "`order` names a source twice" in section(Identity, "order: [mac, mac]\n")[0]
