"""Checkpoints are read with care, and a signature counts only by a key that is known."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nacd.audit.proof.checkpoints import Run, Word, add, handed_over, key_id, octets_of, read, word_of
from nacd.audit.proof.findings import Place
from tests.audit.proof.proving import verified
from tests.store.trail import written
from tests.store.trail.written import Written, raw_public

KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
KEYS = {written.key_id(KEY): raw_public(KEY)}


def checkpoint(who: Ed25519PrivateKey | None = KEY, **changed: Any) -> dict[str, Any]:
    made = Written(key=who)
    made.begin()
    return dict(json.loads(made.checkpoint(**changed)))


def word(fields: dict[str, Any]) -> Word:
    found = read(fields)
    assert found is not None
    return word_of(found, KEYS, verified)


def test_a_signature_counts_by_a_key_that_is_known() -> None:
    assert word(checkpoint()) is Word.SIGNED
    assert word(checkpoint(None)) is Word.UNSIGNED
    assert word(checkpoint(OTHER)) is Word.STRANGE
    assert word(checkpoint(signature="AAAA")) is Word.WRONG
    assert word(checkpoint(signature="no base64!")) is Word.WRONG
    assert word(checkpoint(OTHER, key=written.key_id(KEY))) is Word.WRONG


@pytest.mark.parametrize("field", ["writer", "seq", "link"])
def test_the_signature_is_over_every_field(field: str) -> None:
    fields = checkpoint()
    fields["checkpoint"][field] = 7 if field == "seq" else "e" * 64
    assert word(fields) is Word.WRONG
    fields = checkpoint()
    fields["time"] = "2026-11-22T19:21:09.000Z"
    assert word(fields) is Word.WRONG


@pytest.mark.parametrize(
    "fields",
    [{}, {"checkpoint": 1}, {"checkpoint": {}, "time": ""}, {"time": 5, "checkpoint": {"seq": 1}},
     {"time": "", "checkpoint": {"seq": True, "writer": "", "link": "", "key": "", "signature": ""}},
     {"time": "", "checkpoint": {"seq": 1, "writer": None, "link": "", "key": "", "signature": ""}}],
)  # fmt: skip
def test_what_has_not_the_fields_of_a_checkpoint_is_none(fields: dict[str, Any]) -> None:
    assert read(fields) is None


def test_ids_of_keys_are_the_beginning_of_their_digest() -> None:
    assert key_id(raw_public(KEY)) == written.key_id(KEY)
    assert octets_of("AQI=") == b"\1\2"
    assert octets_of("é") == b""


def test_checkpoints_in_a_row_are_one_run() -> None:
    runs: list[Run] = []
    for number, who in enumerate((KEY, KEY, None, KEY)):
        found = read(checkpoint(who))
        assert found is not None
        add(runs, word_of(found, KEYS, verified), found, Place(line=number))
    assert [(run.word, run.count, run.first.line, run.last.line) for run in runs] == [
        (Word.SIGNED, 2, 0, 1), (Word.UNSIGNED, 1, 2, 2), (Word.SIGNED, 1, 3, 3),
    ]  # fmt: skip


def test_a_known_key_hands_over() -> None:
    made = Written(key=KEY)
    fields = json.loads(made.change_key(OTHER))
    assert handed_over(fields, KEYS, verified) == (written.key_id(OTHER), raw_public(OTHER))
    assert handed_over(fields, {}, verified) is None
    for name in ("writer", "old", "new", "public", "signature"):
        assert handed_over({**fields, "signer": {**fields["signer"], name: "0" * 16}}, KEYS, verified) is None
        assert handed_over({**fields, "signer": {**fields["signer"], name: None}}, KEYS, verified) is None
    assert handed_over({**fields, "time": "later"}, KEYS, verified) is None
    assert handed_over({}, KEYS, verified) is None
    assert handed_over(json.loads(Written(key=KEY).change_key(OTHER, vouched=False)), KEYS, verified) is None
    assert handed_over(json.loads(Written(key=KEY).change_key(None)), KEYS, verified) == ("", b"")
