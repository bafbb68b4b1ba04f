"""A full disk under the audit file: what is not written down does not happen, unless the configuration says it may."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.disks import fill
from tests.peers.wire import PRINTER

pytestmark = [pytest.mark.peer, pytest.mark.slow]

SIGNED = ("Message-Authenticator", "0x00")
ACCEPT, REJECT, SILENCE = "Access-Accept", "Access-Reject", ""
REQUESTS = ("A1001I", "A1002I", "A2001I")
"""What one request of these tests leaves in the audit file."""


class Desk:
    """Asks, and keeps count of what was asked and what was answered."""

    def __init__(self, nacd: Any, radclient: Any) -> None:
        self.nacd = nacd
        self._radclient = radclient
        self.asked = 0
        self.accepted = 0

    def mab(self, mac: str = PRINTER) -> str:
        name = mac.replace("-", "").lower()
        names = [("User-Name", f'"{name}"'), ("User-Password", f'"{name}"'), ("Calling-Station-Id", f'"{mac}"')]
        port = [("Service-Type", "Call-Check"), ("NAS-Port-Type", "Ethernet"), ("NAS-Port", "7"), SIGNED]
        answer = self._radclient.ask(self.nacd.address(), "auth", [*names, *port])
        self.asked += 1
        self.accepted += answer.code == ACCEPT
        return str(answer.code)

    def accounting(self) -> str:
        start = [("Acct-Status-Type", "Start"), ("Acct-Session-Id", f'"{self.asked}"'), ("User-Name", '"host/one"')]
        self.asked += 1
        answer = self._radclient.ask(self.nacd.address(accounting=True), "acct", start, wait_s=0.5)
        return str(answer.code)

    def status(self, *, accounting: bool = False) -> str:
        answer = self._radclient.ask(self.nacd.address(accounting=accounting), "status", [SIGNED], wait_s=0.5)
        return str(answer.code)

    def unaccounted(self) -> int:
        """Requests that neither a record of their own, nor a summary, nor a count of lost records speaks of."""
        reports = len(self.nacd.log("packets dropped"))
        written = len(self.nacd.audit(*REQUESTS, "A3001W"))
        summed_up = sum(each["count"] for each in self.nacd.audit("A1010W"))
        counted = [each["audit"]["by_code"] for each in self.nacd.audit("A9005E")]
        lost = sum(each.get(code, 0) for each in counted for code in (*REQUESTS, "A3001W"))
        return self.asked + reports - written - summed_up - lost


@pytest.fixture
def desk(launch: Any, radclient: Any, small_disk: Path) -> Iterator[Callable[[str], Desk]]:
    """``desk("refuse")``: a nacd whose audit file lies on the small disk."""
    started: list[Any] = []

    def on_small_disk(when_full: str) -> Desk:
        def change(config: dict[str, Any], policy: dict[str, Any]) -> None:
            del policy
            config["audit"] = {"file": str(small_disk / "audit.jsonl"), "when_full": when_full}

        started.append(launch(change=change))
        return Desk(started[-1], radclient)

    yield on_small_disk
    for nacd in started:
        nacd.stop()


def until(asks: Callable[[], Any], wanted: Any, most: int = 12) -> int:
    """Ask until the answer is that one (the last page of a file takes a few more records): how often it was not."""
    heard = []
    for times in range(most):
        heard.append(asks())
        if heard[-1] == wanted:
            return times
    pytest.fail(f"never {wanted}: {heard}")


def test_accepts_stop_on_a_full_disk_come_back_with_space_and_the_record_says_how_many_were_lost(
    desk: Callable[[str], Desk], small_disk: Path, supplicant: Any, certificates: Any
) -> None:
    lab = desk("refuse")
    nacd = lab.nacd
    assert lab.mab() == ACCEPT
    filler = fill(small_disk)
    until(lab.mab, REJECT)
    # RFC 2866 section 4.2: accounting that is not recorded is not answered, and the NAS keeps it.
    until(lab.accounting, SILENCE)
    # A NAS that probes turns to another server while Accepts are stopped.
    until(lambda: (lab.mab(), lab.status(), lab.status(accounting=True)), (REJECT, SILENCE, SILENCE))
    # Refusals that are only counted change nothing about that, nor about what is lost.
    assert [lab.mab("00-1B-A9-65-43-21") for _ in range(3)] == [REJECT] * 3
    assert lab.mab() == REJECT
    # The certificate is good and the handshake done: the Reject brings EAP-Failure, and no keys.
    laptop = supplicant.network(certificates.client("compliant-p256"))
    login = supplicant.login(nacd.address(), laptop)
    lab.asked += 1
    assert not login.accepted
    assert "EAP: Received EAP-Failure" in login.output, login.output[-3000:]
    assert "MS-MPPE-Recv-Key" not in login.output
    assert lab.accepted == len(nacd.audit("A1001I")), "an Accept went out that no record speaks of"

    filler.unlink()
    # Nobody but a probe may be asking by now: that must be enough.
    until(lab.status, ACCEPT)
    assert lab.mab() == ACCEPT
    login = supplicant.login(nacd.address(), laptop)
    lab.asked += 1
    lab.accepted += 1
    assert login.accepted, login.output[-3000:]
    assert login.keys == (1, 0)
    assert lab.accounting() == "Accounting-Response"
    resumed = nacd.recorded({"code": "A9005E", "event": "audit.resumed"})
    assert resumed["audit"]["lost"] >= 5
    assert "no space" in resumed["why"]
    assert nacd.stop() == 0
    assert lab.accepted == len(nacd.audit("A1001I"))
    assert lab.unaccounted() == 0, nacd.audit_file.read_text() + nacd.log_text
    assert nacd.log("cannot write"), nacd.log_text


def test_with_when_full_continue_accepts_go_on_and_what_is_lost_is_counted(
    desk: Callable[[str], Desk], small_disk: Path
) -> None:
    lab = desk("continue")
    nacd = lab.nacd
    filler = fill(small_disk)
    assert [lab.mab() for _ in range(8)] == [ACCEPT] * 8
    # RFC 2866 section 4.2 knows no such setting: accounting is answered only when it is recorded.
    until(lab.accounting, SILENCE)
    assert (lab.status(), lab.status(accounting=True)) == (ACCEPT, "Accounting-Response")
    assert len(nacd.audit("A1001I")) < 8
    # Once, or once more when a short record still found room in the last page.
    assert {line["then"] for line in nacd.log("cannot write")} == {"accepts go on"}

    filler.unlink()
    assert lab.mab() == ACCEPT
    nacd.recorded({"code": "A9005E"})
    assert nacd.stop() == 0
    assert lab.unaccounted() == 0, nacd.audit_file.read_text() + nacd.log_text


def test_on_a_disk_that_is_full_already_nacd_starts_where_it_is_to_continue(
    desk: Callable[[str], Desk], launch: Any, small_disk: Path
) -> None:
    lab = desk("refuse")
    fill(small_disk)
    until(lab.mab, REJECT)
    lab.nacd.stop()
    with lab.nacd.audit_file.open("ab", buffering=0) as file:  # the last page may have room for a few short records
        file.write(b'{"code":""' + b" " * (4084 - file.tell() % 4096) + b"}\n")
    with pytest.raises(AssertionError, match="not started: cannot write"):
        launch.again(lab.nacd)
    config = lab.nacd.folder / "nacd.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("when_full: refuse", "when_full: continue"))
    lab.nacd = launch.again(lab.nacd)
    assert lab.mab() == ACCEPT
    (small_disk / "filler").unlink()
    lab.nacd.recorded({"code": "A9005E", "audit.by_code.A9001I": 1})  # an earlier one may tell of the first nacd
    assert lab.nacd.stop() == 0
