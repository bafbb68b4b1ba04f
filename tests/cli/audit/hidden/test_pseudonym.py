"""``nacd audit pseudonym`` as an investigator calls it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from nacd.audit.privacy.kinds import Kind
from nacd.audit.privacy.pseudonyms import pseudonym
from nacd.cli.main import app
from nacd.values import Secret
from tests.cli.audit.hidden.test_key import KEY, laid


def asked(folder: Path, *words: str) -> tuple[int, str, str]:
    config = laid(folder, "{users: hash, key: 'file:key'}")
    done = CliRunner().invoke(app, ["audit", "pseudonym", "--config", str(config), *words])
    return done.exit_code, done.stdout.strip(), done.stderr


@pytest.mark.parametrize(
    ("option", "value", "kind"),
    [
        ("--user", "Alice@example.com", Kind.USER),
        ("--mac", "0050.b6aa.bbcc", Kind.MAC),
        ("--device", "2F6D3C1E-8A41-4B7F-9E05-61D0C7B3A954", Kind.DEVICE),
        ("--address", "10.1.2.3", Kind.ADDRESS),
        ("--value", "AnyConnect 5.1", Kind.TEXT),
    ],
)
def test_the_pseudonym_is_printed(tmp_path: Path, option: str, value: str, kind: Kind) -> None:
    assert asked(tmp_path, option, value)[:2] == (0, pseudonym(Secret(KEY), kind, value))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--mac", "printer"), "no MAC address"),
        (("--address", "printer"), "no IP address"),
        ((), "one of --user"),
        (("--user", "a", "--mac", "0050.b6aa.bbcc"), "one of --user"),
    ],
)
def test_what_cannot_be_asked_is_said(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    code, out, err = asked(tmp_path, *words)
    assert (code, out) == (2, "")
    assert said in err
