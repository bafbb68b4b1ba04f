from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from nacd.cli.setup.made import LAB_DEVICES, files
from nacd.cli.setup.writing import PRIVATE
from nacd.config.schema import schemas
from nacd.values import Secret

HERE = Path("/srv/nacd")


def test_the_secret_is_long_and_random_and_of_letters_that_every_nas_takes(answers: Any) -> None:
    made = [next(each for each in files(answers(), HERE) if each.mode == PRIVATE) for _ in range(2)]
    assert all(re.fullmatch(rb"[A-Za-z0-9]{40}\n", each.octets) for each in made)
    assert made[0].octets != made[1].octets
    assert [str(each.path) for each in made] == ["secrets/nas-1"] * 2


def test_no_file_shows_what_is_in_it_when_it_is_printed(answers: Any) -> None:
    [secret] = [each for each in files(answers(), HERE) if each.mode == PRIVATE]
    assert secret.octets.decode().strip() not in repr(secret)
    assert Secret(secret.octets)


def test_the_schemas_lie_where_the_files_look_for_them(answers: Any) -> None:
    made = {str(each.path): each.octets for each in files(answers(), HERE)}
    for name in ("nacd", "policy", "policy-cases"):
        [first] = made[f"{name}.yaml"].decode().splitlines()[:1]
        assert first == f"# yaml-language-server: $schema=schemas/{name}.schema.json"
        assert json.loads(made[f"schemas/{name}.schema.json"]) == schemas()[f"{name}.schema.json"]


def test_a_lab_has_its_own_pki_and_devices_and_nothing_else_has(answers: Any) -> None:
    def names(lab: bool) -> set[str]:
        return {str(each.path) for each in files(answers(lab=lab), HERE)}

    assert {LAB_DEVICES, "pki/server.pem", "pki/server.key", "pki/NOT-FOR-PRODUCTION"} <= names(True)
    assert not [name for name in names(False) if name.startswith("pki") or name == LAB_DEVICES]
    keys = [each for each in files(answers(lab=True), HERE) if str(each.path).endswith(".key")]
    assert keys
    assert all(each.mode == PRIVATE for each in keys)
