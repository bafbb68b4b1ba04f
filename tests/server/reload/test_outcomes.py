"""What became of a login, in one word."""

from __future__ import annotations

from nacd.server.reload import outcomes
from nacd.sim.pki import Issued
from tests.server.house import PRINTER_MAC, House, Pki


def test_answers_are_counted_by_nas_and_outcome(house: House, pki: Pki) -> None:
    counted = house.in_force.current.outcomes
    house.nas().mab(PRINTER_MAC)
    house.nas().mab("02-00-00-00-00-01")
    house.login(pki.supplicant())
    assert dict(counted) == {
        ("switch", outcomes.profile("printers")): 1,
        ("switch", outcomes.REJECTED): 1,
        ("switch", outcomes.profile("corporate")): 1,
    }


def test_whoever_cannot_prove_who_he_is_is_counted_as_rejected(house: House, pki: Pki) -> None:
    stranger: Issued = type(pki.root).root("strangers").issue_client("laptop")
    house.login(pki.supplicant(stranger))
    assert dict(house.in_force.current.outcomes) == {("switch", outcomes.REJECTED): 1}
