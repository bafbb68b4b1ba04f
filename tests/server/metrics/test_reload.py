"""Configurations that come and go, in numbers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from nacd.server.metrics import reload
from nacd.server.reload.reloader import Last


def numbers(**changes: Any) -> dict[tuple[str, ...], float]:
    loaded = SimpleNamespace(config_digest="c" * 64, digest="d" * 64)
    current = SimpleNamespace(number=3, assembled=SimpleNamespace(loaded=loaded))
    in_force = SimpleNamespace(current=current, old=lambda: (1, 2), ended_early=4)
    shown = {"in_force": in_force, "last": Last(at=17.0, ok=2, refused=1), "trial": None, **changes}
    samples = list(reload.read(cast(Any, SimpleNamespace(**shown))))
    assert {sample.metric for sample in samples} == set(reload.TABLE)
    return {(sample.metric.name, *sample.labels): sample.value for sample in samples}


def test_generation_and_the_last_reload_are_shown() -> None:
    found = numbers()
    assert found["nacd_configuration_generation",] == 3
    assert found["nacd_configuration_info", "3", "c" * 12, "d" * 12] == 1
    assert found["nacd_configuration_old_generations",] == 2
    assert found["nacd_configuration_ended_conversations_total",] == 4
    assert found["nacd_reload_last_timestamp_seconds",] == 17.0
    assert found["nacd_reload_last_ok",] == 1
    assert (found["nacd_reloads_total", "ok"], found["nacd_reloads_total", "refused"]) == (2, 1)
    assert found["nacd_canary_running",] == 0


def test_a_canary_is_shown_while_it_runs() -> None:
    found = numbers(trial=SimpleNamespace(during={"rejected": 2, "profile x": 3}, until=99.0))
    assert found["nacd_canary_running",] == 1
    assert found["nacd_canary_answers",] == 5
    assert found["nacd_canary_ends_timestamp_seconds",] == 99.0
