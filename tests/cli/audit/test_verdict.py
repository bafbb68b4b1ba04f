"""What is said in the end claims no more than was shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nacd.audit.proof.findings import Fault, Kind, Note, Place, Proof, Reach
from nacd.cli.audit.verdict import Told, document, text

TOLD = Told(
    files=2, octets=3 << 20, took_s=1.25, anchor_files=(), named_keys=(), own_key="", partly=False
)  # fmt: skip
END = Place(file="/a/live", line=9, offset=900, seq=1_500, time="2026-11-22T20:00:00.000Z")
GOOD = Place(file="/a/live", line=4, offset=400, seq=700, time="2026-11-22T19:00:00.000Z")
FAULT = Fault(
    kind=Kind.CHANGED,
    what="it is not what was written",
    at=Place(file="/a/live", line=5, offset=500, seq=701),
    good=GOOD,
)


def proof(**more: Any) -> Proof:
    usual: dict[str, Any] = {
        "records": 1_500, "began": Place(seq=1), "ended": END, "faults": (), "more": 0, "notes": (), "anchored": None,
        "signed": None, "keys": False, "anchors": 0,
    }  # fmt: skip
    return Proof(**{**usual, **more})


def test_without_anything_it_is_the_word_of_the_host() -> None:
    said = text(TOLD, proof())
    assert "checked  1,500 records in 2 files, 3.0 MiB, 1.2 s" in said
    assert "All of it rests on the word of this host alone" in said
    assert "whoever had write access to the file could have written all of it anew" in said
    assert "prove it" not in said


def test_signatures_reach_as_far_as_they_go_and_prove_nothing_against_the_holder_of_the_key() -> None:
    said = text(TOLD, proof(signed=Reach(seq=1_400, time="then", by="ab" * 8), keys=True))
    assert "Up to record 1,400 (then at the latest) signatures of key abababababababab say so" in said
    assert "Records 1,401 to 1,500 rest on the word of this host alone" in said
    assert "whoever had the key and the file (root on this host) could have written all of it anew" in said


def test_anchors_prove_and_signatures_take_over_behind_them() -> None:
    said = text(
        TOLD, proof(anchored=Reach(seq=1_000, time="t1"), signed=Reach(seq=1_400, time="t2", by="k"), keys=True)
    )
    assert "Up to record 1,000 (t1 at the latest) anchors prove it" in said
    assert "From there up to record 1,400 (t2 at the latest) signatures of key k" in said
    assert "Records 1,401 to 1,500 rest" in said
    assert "This is no proof against everybody" not in said


def test_all_that_anchors_reach_needs_nobody_else() -> None:
    said = text(TOLD, proof(anchored=Reach(seq=1_500, time="t1"), signed=Reach(seq=1_499, time="t2", by="k")))
    assert "rest on the word" not in said
    assert "signatures" not in said


def test_behind_the_first_fault_nothing_is_claimed() -> None:
    said = text(
        TOLD, proof(faults=(FAULT,), anchored=Reach(seq=600, time="t1"), signed=Reach(seq=650, time="t", by="k"))
    )
    assert "FAULT    changed: it is not what was written" in said
    assert "line 5, octet 500, record 701" in said
    assert "the last good record before it: 700 of 2026-11-22T19:00:00.000Z, line 4, octet 400" in said
    assert "NOT WHOLE" in said
    assert "Something was done to the trail behind record 700" in said
    assert "Up to record 600 (t1 at the latest) anchors" in said
    assert "From there up to record 650" in said
    assert "1,500 rest" not in said


def test_further_faults_are_told_shortly_and_counted() -> None:
    said = text(TOLD, proof(faults=(FAULT,) * 100, more=7))
    assert "106 more:" in said
    assert said.count("/a/live:5 record 701") == 19
    assert "1 more:" in text(TOLD, proof(faults=(FAULT,) * 2))


@pytest.mark.parametrize("faults", [(), (FAULT,)])
def test_programs_get_the_same(faults: tuple[Fault, ...]) -> None:
    found = document(TOLD, proof(faults=faults, notes=(Note(what="know this"),), anchored=Reach(seq=9, time="t")))
    assert json.loads(json.dumps(found)) == found
    assert found["whole"] is not bool(faults)
    assert found["anchored"] == {"seq": 9, "time": "t"}
    assert found["signed"] is None
    assert [fault["at"]["seq"] for fault in found["faults"]] == [701] * len(faults)
    assert "anchors prove it" in found["verdict"]
    assert found["notes"][0]["what"] == "know this"


def test_no_record_proves_nothing() -> None:
    assert "No record of a trail is here" in text(TOLD, proof(ended=None, began=None, records=0))
