"""Configurations that come and go, in numbers.

Knows: which number is read where. Refuses to know: what a reload does.
"""

from __future__ import annotations

from collections.abc import Iterator

from nacd.server.metrics.metric import Metric, Sample
from nacd.server.reload.reloader import Reloader

GENERATION = Metric(
    name="nacd_configuration_generation",
    kind="gauge",
    meaning="Number of the configuration in force: 1 at start, one more with each reload.",
)
INFO = Metric(
    name="nacd_configuration_info",
    kind="gauge",
    meaning="Always 1; the labels tell the configuration in force: its number, and the first 12 digits of the SHA-256"
    " of nacd.yaml and of the policy with its lists, as in the audit log.",
    labels=("generation", "config", "policy"),
)
OLD = Metric(
    name="nacd_configuration_old_generations",
    kind="gauge",
    meaning="Earlier configurations that EAP conversations and requests under way still go by.",
)
ENDED = Metric(
    name="nacd_configuration_ended_conversations_total",
    kind="counter",
    meaning="EAP conversations that had to begin anew because their configuration was too many reloads ago.",
)
LAST = Metric(
    name="nacd_reload_last_timestamp_seconds",
    kind="gauge",
    meaning="When the last reload ended, well or not; 0 for none.",
)
LAST_OK = Metric(
    name="nacd_reload_last_ok", kind="gauge", meaning="1 if the last reload, or the last canary, ended well; 0 if not."
)
RELOADS = Metric(
    name="nacd_reloads_total", kind="counter", meaning="Reloads, by what became of them.", labels=("outcome",)
)
CANARY = Metric(
    name="nacd_canary_running", kind="gauge", meaning="1 while a configuration is tried out with some NASes."
)
CANARY_ANSWERS = Metric(
    name="nacd_canary_answers", kind="gauge", meaning="Answers by the configuration that is tried out."
)
CANARY_ENDS = Metric(
    name="nacd_canary_ends_timestamp_seconds", kind="gauge", meaning="When that ends, for all or for none; 0 for none."
)
TAKEN_BACK = Metric(
    name="nacd_canary_taken_back_total", kind="counter", meaning="Configurations that have taken themselves back."
)

TABLE = (GENERATION, INFO, OLD, ENDED, LAST, LAST_OK, RELOADS, CANARY, CANARY_ANSWERS, CANARY_ENDS, TAKEN_BACK)


def read(reloader: Reloader) -> Iterator[Sample]:
    """Every metric of ``TABLE``. On the event loop only, as everything that is read."""
    in_force, last, trial = reloader.in_force, reloader.last, reloader.trial
    yield GENERATION.sample(in_force.current.number)
    loaded = in_force.current.assembled.loaded
    yield INFO.sample(1, str(in_force.current.number), loaded.config_digest[:12], loaded.digest[:12])
    yield OLD.sample(len(in_force.old()))
    yield ENDED.sample(in_force.ended_early)
    yield LAST.sample(last.at)
    yield LAST_OK.sample(last.well)
    yield RELOADS.sample(last.ok, "ok")
    yield RELOADS.sample(last.refused, "refused")
    yield CANARY.sample(trial is not None)
    yield CANARY_ANSWERS.sample(sum(trial.during.values()) if trial is not None else 0)
    yield CANARY_ENDS.sample(trial.until if trial is not None else 0.0)
    yield TAKEN_BACK.sample(last.taken_back)
