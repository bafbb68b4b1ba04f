from __future__ import annotations

import os
from pathlib import Path

import pytest

from nacd.config.secrets import MAX_OCTETS, resolve


@pytest.fixture
def kept(tmp_path: Path):
    def build(octets: bytes, mode: int = 0o600) -> Path:
        path = tmp_path / "s"
        path.write_bytes(octets)
        path.chmod(mode)
        return path

    return build


def reveal(reference: object, folder: Path, exact: bool = False, **environment: str) -> bytes:
    return resolve(reference, folder=folder, environment=environment, exact=exact).secret.reveal()


@pytest.mark.parametrize(
    ("octets", "secret"),
    [
        (b"hunter2\n", b"hunter2"),
        (b"hunter2\r\n", b"hunter2"),
        (b"hunter2", b"hunter2"),
        (b" hunter2 ", b" hunter2 "),
        (b"\xff\x00\n", b"\xff\x00"),
    ],
)
def test_one_newline_is_stripped_and_nothing_else(kept, tmp_path, octets: bytes, secret: bytes) -> None:
    kept(octets)
    assert reveal("file:s", tmp_path) == secret


def test_a_binary_secret_keeps_every_octet(kept, tmp_path) -> None:
    kept(b"pfx\n")
    assert reveal("file:s", tmp_path, exact=True) == b"pfx\n"


def test_secrets_of_the_environment_and_of_systemd(kept, tmp_path) -> None:
    kept(b"hunter2\n", mode=0o444)
    assert reveal("env:NAS_SECRET", tmp_path, NAS_SECRET="hunter2\n") == b"hunter2"
    assert reveal("cred:s", Path("/nowhere"), CREDENTIALS_DIRECTORY=str(tmp_path)) == b"hunter2"


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602])
def test_a_file_open_to_everybody_is_refused(kept, tmp_path, mode: int) -> None:
    kept(b"hunter2", mode)
    with pytest.raises(ValueError, match=rf"open to every user of this machine \(mode {mode:04o}\): `chmod 600 "):
        reveal("file:s", tmp_path)


def test_a_file_open_to_its_group_is_remarked_on(kept, tmp_path) -> None:
    kept(b"hunter2", 0o640)
    assert "open to its group" in resolve("file:s", folder=tmp_path, environment={}).note
    kept(b"hunter2", 0o400)
    assert resolve("file:s", folder=tmp_path, environment={}).note == ""


@pytest.mark.parametrize("octets", [b"", b"\n", b" \n"])
def test_an_empty_secret_is_none(kept, tmp_path, octets: bytes) -> None:
    kept(octets)
    with pytest.raises(ValueError, match="is empty"):
        reveal("file:s", tmp_path)


def test_a_huge_file_is_no_secret(kept, tmp_path) -> None:
    kept(b"x" * (MAX_OCTETS + 1))
    with pytest.raises(ValueError, match="larger than 64 KiB"):
        reveal("file:s", tmp_path)


@pytest.mark.parametrize("written", ["hunter2", "HUNTER2:x", 12345, None, ("hunter2",), {"hunter2": "x"}])
def test_a_secret_written_into_the_file_is_refused_and_not_repeated(tmp_path, written: object) -> None:
    with pytest.raises(ValueError, match="named, not written here") as refused:
        reveal(written, tmp_path)
    assert "hunter2" not in str(refused.value).lower()
    assert "12345" not in str(refused.value)


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("file:none", "the secret file `none` does not exist"),
        ("file:.", "is a folder, not a file"),
        ("file:", "names no file"),
        ("env:NAS_SECRET", "the environment variable that `env:` names here is not set"),
        ("env:not a name!", "the name of an environment variable, not by the secret"),
        ("cred:x", "`cred:x` needs systemd"),
        ("cred:../x", "a plain file name"),
        ("cred:..", "a plain file name"),
    ],
)
def test_references_that_lead_nowhere_are_explained(tmp_path, reference: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        reveal(reference, tmp_path)


@pytest.mark.parametrize("typed", ["p@ssw0rd", "passw0rd", "_x9"])
def test_what_follows_env_is_not_repeated_when_no_variable_is_called_so(tmp_path, typed: str) -> None:
    with pytest.raises(ValueError) as refused:
        reveal(f"env:{typed}", tmp_path)
    assert typed not in str(refused.value)


def test_a_pipe_is_no_secret_file_and_is_not_waited_for(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(ValueError, match="is a pipe, not a file"):
        reveal("file:pipe", tmp_path)


@pytest.mark.parametrize("octets", [b"hunter2\n\n", b"hunter2\nhunter3\n", b"\nhunter2", b"a\r\nb"])
def test_two_lines_are_no_secret(kept, tmp_path, octets: bytes) -> None:
    kept(octets)
    with pytest.raises(ValueError, match="has more than one line: a secret is one line") as told:
        reveal("file:s", tmp_path)
    assert "hunter" not in str(told.value)


def test_a_key_in_pem_has_many_lines_and_may_have_words_in_front(kept, tmp_path) -> None:
    pem = b"Bag Attributes\n-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----"
    kept(pem + b"\n")
    assert reveal("file:s", tmp_path) == pem
