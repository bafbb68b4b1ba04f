"""What ``nacd init`` writes, as files: texts, schemas, a new secret, and in a lab a PKI.

Knows: which file comes of which text, and its permissions. Refuses to know: disks (``writing.py``).
"""

from __future__ import annotations

import json
import secrets
import string
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Final

from nacd.cli.setup import nacd_yaml, policy_yaml
from nacd.cli.setup.answers import Answers
from nacd.cli.setup.writing import PRIVATE, PUBLIC, File
from nacd.config.schema import schemas
from nacd.sim.pki import COMPLIANT_GUID, NONCOMPLIANT_GUID, write_demo_pki

SECRET_CHARACTERS: Final = 40
"""Of 62 letters and digits: 238 bits, and nothing that a NAS's command line takes for something else."""
LAB_DEVICES: Final = "intune-devices.json"
_SCHEMAS: Final = ("nacd", "policy", "policy-cases")


def files(answers: Answers, folder: Path) -> tuple[File, ...]:
    """All of them, in the order in which they are told."""
    texts = {
        "nacd.yaml": nacd_yaml.text(answers, folder),
        "policy.yaml": policy_yaml.policy(answers),
        "policy-cases.yaml": policy_yaml.cases(answers),
        policy_yaml.LIST: policy_yaml.devices(),
    }
    return (
        *(_file(name, text) for name, text in texts.items()),
        _file(answers.secret_file, f"{_secret()}\n", PRIVATE),
        *_schemas(),
        *(_lab(answers) if answers.lab else ()),
    )


def _file(name: str, text: str, mode: int = PUBLIC) -> File:
    return File(path=PurePosixPath(name), octets=text.encode(), mode=mode)


def _secret() -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(SECRET_CHARACTERS))


@cache
def _schemas() -> tuple[File, ...]:
    made = schemas()
    names = [f"{word}.schema.json" for word in _SCHEMAS]
    texts = [json.dumps(made[name], indent=2, ensure_ascii=False) for name in names]
    return tuple(_file(f"schemas/{name}", f"{text}\n") for name, text in zip(names, texts, strict=True))


def _lab(answers: Answers) -> Iterator[File]:
    """A throw-away PKI, and what the simulated Intune is to know of two of its laptops."""
    with tempfile.TemporaryDirectory(prefix="nacd-init-") as scratch:
        write_demo_pki(Path(scratch))
        for path in sorted(Path(scratch).iterdir()):
            private = path.suffix == ".key"
            yield File(
                path=PurePosixPath("pki", path.name), octets=path.read_bytes(), mode=PRIVATE if private else PUBLIC
            )
    if answers.tenant:
        devices = [{"guid": COMPLIANT_GUID, "compliant": True}, {"guid": NONCOMPLIANT_GUID, "compliant": False}]
        yield _file(LAB_DEVICES, json.dumps(devices, indent=2) + "\n")
