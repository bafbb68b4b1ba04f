"""What is found, as values."""

from nacd.audit.proof.findings import Fault, Kind, Place, Proof


def proof(*faults: Fault) -> Proof:
    return Proof(
        records=0, began=None, ended=None, faults=faults, more=0, notes=(), anchored=None, signed=None, keys=False,
        anchors=0,
    )  # fmt: skip


def test_a_trail_without_faults_is_whole() -> None:
    assert proof().whole
    assert not proof(Fault(kind=Kind.CUT, what="", at=Place())).whole
