"""Requests in numbers: what is shown adds up, begins at nought, and names nobody."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from nacd.server.metrics.metric import Sample
from nacd.server.metrics.requests import numbers
from nacd.server.metrics.requests.histogram import Observed
from nacd.server.metrics.requests.words import DROPS
from nacd.sim.pki import COMPLIANT_GUID, Authority, intune_uri
from tests.server.house import LAPTOP_MAC, PRINTER_MAC, PROBE, House, Pki, Site

CALL = ([("Service-Type", "Call-Check")], [("Service-Type", "Framed")], [("Service-Type", "Administrative")])


def read(house: House) -> dict[tuple[str, ...], float]:
    def samples() -> list[Sample]:
        return list(numbers.read(house.worker, house.drops.totals, house.ongoing))

    found: dict[tuple[str, ...], float] = {}
    for sample in house.do(samples):
        key = (sample.metric.name, *sample.labels)
        assert key not in found
        found[key] = sample.value.cumulated[-1] if isinstance(sample.value, Observed) else sample.value
    return found


def answers(house: House, group: str = "wired") -> dict[tuple[str, str], float]:
    found = read(house).items()
    return {(key[2], key[3]): count for key, count in found if key[:2] == ("nacd_requests_total", group) and count}


def test_every_metric_is_read_but_those_of_what_there_is_not(house: House) -> None:
    told = {key[0] for key in read(house)}
    rest = {numbers.NAS.name, numbers.EAP_FAILURES.name}
    assert told == {metric.name for metric in numbers.TABLE} - rest


def test_what_can_happen_begins_at_nought(house: House) -> None:
    found = read(house)
    assert set(found.values()) == {0}
    assert len([key for key in found if key[:2] == ("nacd_requests_total", "wired")]) == 16
    assert {key[1] for key in found if key[0] == "nacd_packets_dropped_total"} == set(DROPS)


def test_logins_count_by_what_they_got(house: House, pki: Pki) -> None:
    nas = house.nas()
    nas.mab(PRINTER_MAC)
    nas.mab("00-1B-44-00-00-01")
    nas.exchange([("User-Name", PROBE)])
    assert house.login(pki.supplicant()).succeeded
    stranger = Authority.root("nobody's").issue_client("laptop", uris=[intune_uri(COMPLIANT_GUID)])
    assert not house.login(pki.supplicant(stranger)).succeeded
    found, got = read(house), answers(house)
    assert got["mab", "accept"] == 2  # the register knows every device as compliant
    assert got["unknown", "probe"] == 1
    assert got["dot1x", "accept"] == 1
    assert got["dot1x", "reject"] == 1
    assert got["unknown", "challenge"] >= 4
    assert found["nacd_eap_failures_total", "wired", "unknown_ca"] == 1
    assert found["nacd_eap_failures_total", "wired", "weak_key"] == 0
    final = sum(count for (_, outcome), count in got.items() if outcome in {"accept", "reject"})
    assert found["nacd_answer_seconds",] == final
    assert found["nacd_stage_seconds", "queue"] >= final
    assert found["nacd_stage_seconds", "eap"] >= 4
    assert found["nacd_stage_seconds", "policy"] == 3
    assert found["nacd_stage_seconds", "leave"] >= 1
    assert not any(key[0] == "nacd_nas_requests_total" for key in found)


def test_nases_are_named_where_the_configuration_says_so(site: Site, build: Callable[..., House]) -> None:
    site.change("server: {", "server: {metrics_per_nas: true, ")
    house = build()
    house.nas().mab(PRINTER_MAC)
    found = {key[1:]: count for key, count in read(house).items() if key[0] == "nacd_nas_requests_total"}
    assert found[("switch", "accept")] == 1
    assert set(found) == {(nas, how) for nas in ("switch", "concentrator") for how in numbers._OF_NAS}
    assert answers(house) == {("mab", "accept"): 1}


def test_accounting_and_status_server_count_apart(house: House) -> None:
    nas = house.nas()
    nas.status()
    found = read(house)
    assert found[("nacd_status_server_answered_total",)] == 1
    assert answers(house) == {}


def test_an_error_of_our_own_is_counted(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a bug")

    monkeypatch.setattr(house.in_force.current.authorizer, "identify", broken)
    assert house.nas(timeout_s=0.2).mab(PRINTER_MAC).code == 0
    assert read(house)[("nacd_bugs_total",)] == 1


@pytest.mark.parametrize("per_nas", [False, True])
def test_a_flood_of_inventions_makes_no_series(site: Site, build: Callable[..., House], per_nas: bool) -> None:
    """MACs, users, realms, NAS-Identifiers, ports and addresses that nobody has seen."""
    site.change("server: {", f"server: {{metrics_per_nas: {str(per_nas).lower()}, ")
    house = build()
    dice = random.Random(4711)
    house.nas().mab(LAPTOP_MAC)
    before = set(read(house))
    for number in range(100):
        mac = "-".join(f"{octet:02X}" for octet in (2 * dice.randrange(128), *dice.randbytes(5)))
        nas = house.nas(name=f"invented-{number}", source=f"127.0.0.{dice.choice((1, 2))}", timeout_s=3.0)
        user = dice.choice((mac.replace("-", "").lower(), f"user{number}@realm{number}.example", "\\x00"))
        code = nas.exchange(
            [("User-Name", user), ("Calling-Station-Id", mac), ("NAS-Port-Id", f"port {number}"), *CALL[number % 3]]
        ).code
        assert code in {2, 3}
    assert set(read(house)) == before
    assert sum(answers(house).values()) + sum(answers(house, "(none)").values()) == 101
