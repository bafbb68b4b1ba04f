"""Anchors that somebody has had written down who is only recorded: by his name, say."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nacd.audit.proof.anchors import Anchors
from tests.audit.proof.proving import on_disk, prove, verified
from tests.store.trail.written import Written, key_id, raw_public, trail

KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()


def forged(key: Ed25519PrivateKey | None = None, count: int = 2000) -> bytes:
    """A checkpoint that fits itself, of records that never were."""
    made = Written(key=key)
    made.begin()
    made.some(count, user="mallory")
    return made.checkpoint()


def within(poison: bytes) -> list[bytes]:
    text = poison.decode().strip()
    return [
        json.dumps({"code": "A1002I", "user": text}, separators=(",", ":")).encode(),
        json.dumps({"user": {"name": text}}).encode(),
        b"<110>CEF:0|nacd|nacd|1|A1002I|access.reject|3|suser=" + poison,
    ]


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("keys", [(), (KEY,)])
def test_a_name_that_is_a_checkpoint_contradicts_nothing(number: int, keys: tuple[Ed25519PrivateKey, ...]) -> None:
    made = trail(key=KEY)
    for count in (3, 2000):  # of a record that is there, and of one that is not
        line = within(forged(count=count))[number]
        proof = prove(on_disk(made), keys=keys, anchors=[*made.anchors, line])
        assert proof.whole
        assert proof.anchored is not None
        assert proof.anchored.seq == made.seq


@pytest.mark.parametrize("signer", [None, OTHER])
def test_where_a_key_is_named_only_what_it_signed_counts(signer: Ed25519PrivateKey | None) -> None:
    made = trail(key=KEY)
    proof = prove(on_disk(made), keys=[KEY], anchors=[*made.anchors, forged(signer, 3), forged(signer)])
    assert proof.whole
    assert not prove(on_disk(made), anchors=[forged(signer)]).whole, "who names no key has nothing but the anchors"
    assert not prove(on_disk(made), keys=[KEY], strict=False, anchors=[forged(signer)]).whole


def test_a_forged_link_beside_the_genuine_one_hides_nothing() -> None:
    genuine = trail(key=KEY)
    made = Written()
    made.begin()
    made.some(60, user="mallory")
    there = [json.loads(line) for line in made.lines]
    hide = Written(writer="f" * 16)
    for anchor in genuine.anchors:
        seq = json.loads(anchor)["seq"]
        hide.seq, hide.link = seq, there[seq - 1]["link"]
        told = {"writer": "f" * 16, "seq": seq, "link": hide.link, "key": "", "signature": ""}
        hide.anchors.append(json.dumps({"code": "A9102I", "time": "t", "checkpoint": told}).encode())
    hide.anchors = [line.replace(b'{"code": "', b'{"code":"') for line in hide.anchors]
    assert not prove(on_disk(made), anchors=genuine.anchors).whole
    assert not prove(on_disk(made), anchors=[*hide.anchors, *genuine.anchors]).whole


def test_anchors_of_a_key_that_is_handed_over_to_count() -> None:
    made = Written(key=KEY)
    made.begin()
    made.checkpoint()
    made.change_key(OTHER)
    made.checkpoint()
    proof = prove(on_disk(made), keys=[KEY], anchors=made.anchors[1:])
    assert proof.anchored is not None
    assert proof.anchored.seq == made.seq
    made.lines = made.lines[:-1]
    assert not prove(on_disk(made), keys=[KEY], anchors=made.anchors[1:]).whole


def test_what_does_not_count_is_counted_in_words() -> None:
    keys = {key_id(KEY): raw_public(KEY)}
    anchors = Anchors(strict=True)
    anchors.take([forged(), forged(OTHER), *within(forged(KEY))[:1]], keys, verified)
    assert list(anchors.words()) == [
        "anchors without a signature, which count for nothing where a key is named: 1",
        "anchors signed with a key that is not known, which count for nothing: 1",
    ]
    assert next(iter(anchors.by_writer.values())).keys() == {2002}
    anchors = Anchors()
    anchors.take(within(forged()), {}, verified)  # thrice the same
    assert list(anchors.words()) == ["anchors within other text or not whole, which may confirm and not contradict: 1"]
