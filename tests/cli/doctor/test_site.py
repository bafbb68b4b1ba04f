"""The configuration's own step, and what is left of a bad one."""

from __future__ import annotations

from typing import Any

from nacd.cli.doctor.site import configuration
from nacd.sim.microsoft.state import TENANT


def test_a_sound_configuration_is_counted(place: Any) -> None:
    step, site = configuration(place.config)
    assert (step.name, step.status) == ("config", "ok")
    assert step.detail == "sound: 1 NAS, 1 rule, 1 tenant, 2 notes"
    assert site.sections["intune"].tenant == TENANT
    assert site.state == place.folder / "state"


def test_what_only_the_demo_may_use_is_a_warning(place: Any) -> None:
    place.secret("radius.secret", "nacd-demo-0123456789abcdef")
    step, _ = configuration(place.config)
    assert step.status == "warning"
    assert "this is a secret of the demo" in step.detail
    assert "nacd serve --demo" in step.fix
    assert "0123456789abcdef" not in step.detail


def test_a_bad_nas_is_told_and_is_no_reason_not_to_examine_intune(place: Any, doctor: Any) -> None:
    text = place.config.read_text().replace("vendor: cisco-ios", "vendor: cisko")
    place.config.write_text(text)
    done = doctor("--json")
    assert done.exit_code == 1
    config = done.steps("")["config"]
    assert config["status"] == "failed"
    assert config["detail"].startswith("nacd serve would refuse it: 1 problem\n")
    assert "nacd.yaml:" in config["detail"]
    assert "`cisko`" in config["detail"]
    assert f"`nacd check --config {place.config}`" in config["fix"]
    assert done.steps()["mdminfo"]["status"] == "ok"


def test_a_bad_policy_is_no_reason_either(place: Any, doctor: Any) -> None:
    (place.folder / "policy.yaml").write_text("rules: 3\n")
    done = doctor("--json")
    assert done.exit_code == 1
    assert done.steps("")["config"]["status"] == "failed"
    assert done.steps()["mdminfo"]["status"] == "ok"


def test_a_bad_tenant_leaves_the_others(place: Any) -> None:
    text = place.write("good", "bad").read_text()
    head, tail = text.split("  bad:")
    place.config.write_text(f"{head}  bad:{tail.replace('cloud: custom', 'cloud: mars')}")
    step, site = configuration(place.config)
    assert step.status == "failed"
    assert list(site.sections) == ["good"]


def test_settings_of_a_bad_configuration_are_kept_where_they_can_be_read(place: Any) -> None:
    place.write(rest="compliance: {poll: {interval: 7m}}\naudjt: 3\n")
    step, site = configuration(place.config)
    assert step.status == "failed"
    assert site.compliance.poll.interval.total_seconds() == 420
    assert site.state == place.folder / "state"


def test_a_file_that_is_not_there_leaves_nothing(place: Any) -> None:
    step, site = configuration(place.folder / "nowhere.yaml")
    assert step.status == "failed"
    assert "cannot be read: no such file or directory" in step.detail
    assert site.sections == {}


def test_a_file_that_is_no_yaml_leaves_nothing(place: Any) -> None:
    place.config.write_text("intune: [unclosed\n")
    step, site = configuration(place.config)
    assert step.status == "failed"
    assert site.sections == {}


def test_many_problems_are_cut_short(place: Any) -> None:
    place.write(rest="".join(f"unknown{number}: 1\n" for number in range(30)))
    step, _ = configuration(place.config)
    assert "30 problems" in step.detail
    assert len(step.detail.splitlines()) == 11
