from pathlib import Path

import pytest

from nacd.audit.privacy.kinds import Kind, Treatment
from nacd.cli.audit.hidden.key import NoKey, hidden

KEY = b"0123456789abcdef0123456789abcdef"


def laid(folder: Path, privacy: str) -> Path:
    (folder / "key").write_bytes(KEY + b"\n")
    (folder / "key").chmod(0o600)
    config = folder / "nacd.yaml"
    config.write_text(
        f"audit:\n  file: audit.jsonl\n  privacy: {privacy}\nrules: [is, broken\n"
        if "broken" in privacy
        else f"audit:\n  file: audit.jsonl\n  privacy: {privacy}\n",
        encoding="utf-8",
    )
    return config


def test_the_section_is_read_even_where_the_rest_is_no_configuration(tmp_path: Path) -> None:
    found = hidden(laid(tmp_path, "{users: hash, macs: remove, key: 'file:key'}"))
    assert found.kinds == {Kind.USER: Treatment.HASH, Kind.MAC: Treatment.REMOVE}
    assert found.key().reveal() == KEY


def test_without_a_key_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoKey, match=r"names no `audit\.privacy\.key`"):
        hidden(laid(tmp_path, "{macs: remove}")).key()
    with pytest.raises(NoKey, match="does not exist"):
        hidden(laid(tmp_path, "{macs: hash, key: 'file:gone'}")).key()
    with pytest.raises(NoKey, match="no such file"):
        hidden(tmp_path / "nothing.yaml")
