from __future__ import annotations

import hashlib
import json
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nacd.config.load import load, vendors
from nacd.errors import ConfigError, Problem
from nacd.identity.rules import assertions
from nacd.values import DeviceIdKind


def test_a_small_configuration_loads(site) -> None:
    loaded = site.load()
    assert [client.name for client in loaded.settings.clients] == ["sw", "vpn"]
    assert loaded.settings.audit.file == site.folder / "audit.jsonl"
    assert loaded.policy.digest == loaded.digest
    assert loaded.config_digest == hashlib.sha256(loaded.config_text.encode()).hexdigest()
    assert loaded.notes == ()
    assert loaded.settings.eap is None


def test_the_shipped_examples_load_without_a_note(example) -> None:
    loaded = example.load()
    assert loaded.notes == ()
    assert len(loaded.policy.rules) == 6
    assert set(loaded.profiles) >= {"corporate", "quarantine", "remote", "printers"}
    assert len(loaded.texts) == 3


def test_the_shipped_vendors_are_known_by_their_file_names() -> None:
    found = vendors()
    assert {"generic", "cisco-ios", "cisco-asa"} <= found.keys()
    assert isinstance(found["generic"]["intentions"], dict)


def test_all_problems_of_both_files_come_at_once_in_order(site) -> None:
    site.change("state: state", "statee: state").change("vendor: cisco-ios", "vendor: cisco-ois")
    site.change("then: corp", "then: crop", file="policy.yaml")
    said = site.problems()
    assert [line.split(" ")[0] for line in said] == [
        "nacd.yaml:1:1:",
        "nacd.yaml:2:73:",
        "nacd.yaml:10:1:",
        "policy.yaml:4:93:",
    ]
    assert "there is no vendor `cisco-ois`, did you mean `cisco-ios`?" in said[1]


def test_two_clients_of_one_name_or_network_name_both_places(site) -> None:
    site.change("name: vpn, network: 10.9.0.4", "name: sw, network: [10.9.0.4, 10.0.0.0/24]")
    assert site.problems() == [
        "nacd.yaml:3:12: a client called `sw` stands in line 2, column 12 already",
        "nacd.yaml:3:36: the network `10.0.0.0/24` stands in line 2, column 25 already",
    ]


def test_a_network_inside_another_is_lawful(site) -> None:
    assert site.change("network: 10.9.0.4", "network: 10.0.0.7").load().notes == ()


@pytest.mark.parametrize(("length", "problems", "notes"), [(7, 1, 0), (8, 0, 1), (15, 0, 1), (16, 0, 0)])
def test_short_shared_secrets(site, length: int, problems: int, notes: int) -> None:
    site.write("secrets/sw", "x" * length, mode=0o600)
    if problems:
        assert site.problems() == ["nacd.yaml:2:46: this secret is shorter than 8 octets: it can be guessed"]
    else:
        assert len(site.notes()) == notes


@pytest.mark.parametrize(("length", "problems", "notes"), [(7, 1, 0), (8, 0, 1), (15, 0, 1), (16, 0, 0)])
@pytest.mark.parametrize("dynauth", [False, True])
def test_a_next_secret_is_measured_as_the_one_before(
    site, length: int, problems: int, notes: int, dynauth: bool
) -> None:
    site.write("secrets/next", "x" * length, mode=0o600)
    pair = 'secret: "file:secrets/sw", next_secret: "file:secrets/next"'
    if dynauth:
        site.change("groups: [wired]", f"groups: [wired], dynauth: {{{pair}}}")
    else:
        site.change('secret: "file:secrets/sw"', pair)
    if problems:
        (said,) = site.problems()
        assert said.endswith("this secret is shorter than 8 octets: it can be guessed")
    else:
        assert len(site.notes()) == notes


def test_a_next_secret_for_changing_sessions_stands_beside_one_of_its_own(site) -> None:
    site.change("groups: [wired]", 'groups: [wired], dynauth: {next_secret: "file:secrets/sw"}')
    (said,) = site.problems()
    assert "`next_secret` stands beside a `secret` here" in said


def test_the_app_secret_is_microsofts_and_is_not_measured(site) -> None:
    assert site.environment["APP_SECRET"] == "x"
    assert site.notes() == []


def test_a_secret_open_to_its_group_is_noted_at_its_place(site) -> None:
    (site.folder / "secrets/sw").chmod(0o640)
    assert site.notes() == ["nacd.yaml:2:46: the secret file `secrets/sw` is open to its group (mode 0640)"]


def test_what_lets_too_much_in_is_noted(site) -> None:
    site.change("network: 10.9.0.4", "message_authenticator: accept, network: 0.0.0.0/0")
    assert [note.split(": ", 1)[1][:40] for note in site.notes()] == [
        "requests without Message-Authenticator c",
        "`0.0.0.0/0` lets the whole world be this",
    ]


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ("10.0.0.0/15", "`10.0.0.0/15` is wider than /16 and shares one secret"),
        ("10.0.0.0/16", ""),
        ("'2001:db8::/47'", "`2001:db8::/47` is wider than /48 and shares one secret"),
        ("'2001:db8::/48'", ""),
    ],
)
def test_a_network_too_wide_for_one_secret_is_noted_at_its_place(site, network: str, words: str) -> None:
    notes = site.change("network: 10.9.0.4", f"network: [192.0.2.1, {network}]").notes()
    assert [note.startswith(f"nacd.yaml:3:38: {words}") for note in notes] == [True] * bool(words)


def test_packets_that_can_be_forged_until_an_address_has_signed_are_noted(site) -> None:
    (note,) = site.change("network: 10.9.0.4", "message_authenticator: auto, network: 10.9.0.4").notes()
    assert note.startswith("nacd.yaml:3:40: until an address has signed once, forged packets are possible")
    assert note.endswith("set `require` when all have")


def test_a_mab_password_that_may_be_anything_is_noted(site) -> None:
    (note,) = site.change("network: 10.0.0.0/24", "mab_password: any, network: 10.0.0.0/24").notes()
    assert note.startswith("nacd.yaml:2:30: the password of a MAB is not checked")


def test_a_verdict_that_a_cloned_mac_takes_is_noted_where_compliance_is_asked(site) -> None:
    (note,) = site.change("identity: certificate, ", "", file="policy.yaml").notes()
    assert note.startswith("policy.yaml:4:52: rule `good`: a MAC can be cloned")


@pytest.mark.parametrize(
    ("written", "registers"),
    [
        ("[entra_id]", {DeviceIdKind.ENTRA}),
        ("[intune_id, entra_id]", {DeviceIdKind.INTUNE, DeviceIdKind.ENTRA}),
    ],
)
def test_a_client_ca_may_assert_entra_ids(site, written: str, registers: set[DeviceIdKind]) -> None:
    site.write("key", "x", mode=0o600)
    eap = f"eap: {{certificate: key, private_key: 'file:key', client_cas: [{{file: key, may_assert: {written}}}]}}"
    loaded = site.change("policy: policy.yaml", f"policy: policy.yaml\n{eap}").load()
    assert loaded.settings.eap is not None
    assert assertions(loaded.settings.eap.client_cas[0].may_assert) == registers
    assert loaded.notes == ()
    site.change(written, "[entra_ids]")
    assert site.problems() == ["nacd.yaml:9:88: `entra_ids` is not known here, did you mean `entra_id`?"]


SESSIONS = "sessions:\n  overrides: {quarantine: %s, allow: %s}\nstate: state"


def test_overrides_name_profiles_of_the_policy(site) -> None:
    overrides = site.change("state: state", SESSIONS % ("corp", "corp")).load().settings.sessions.overrides
    assert (overrides.quarantine, overrides.allow) == ("corp", "corp")


def test_a_profile_of_an_override_that_is_not_there_is_an_error_at_its_place(site) -> None:
    site.change("state: state", SESSIONS % ("crop", "staff"))
    assert site.problems() == [
        "nacd.yaml:11:27: there is no profile `crop`, did you mean `corp`?",
        "nacd.yaml:11:40: there is no profile `staff`: there is `corp`",
    ]


def test_it_is_told_together_with_what_else_is_wrong(site) -> None:
    site.change("state: state", SESSIONS % ("crop", "corp")).change("vendor: cisco-ios", "vendor: cisco-ois")
    site.change("then: corp", "then: crop", file="policy.yaml")
    assert [line.split(" ")[0] for line in site.problems()] == [
        "nacd.yaml:2:73:",
        "nacd.yaml:11:27:",
        "policy.yaml:4:93:",
    ]


@pytest.mark.parametrize(
    "written", ["sessions: 5", "sessions: {overrides: [corp]}", "sessions: {overrides: {allow: 5}}"]
)
def test_overrides_in_the_wrong_shape_are_told_once(site, written: str) -> None:
    assert len(site.change("state: state", f"{written}\nstate: state").problems()) == 1


def test_a_profile_that_is_wrong_in_itself_is_there_all_the_same(site) -> None:
    site.change("state: state", SESSIONS % ("corp", "corp")).change("vlan: 120", "vlan: 5000", file="policy.yaml")
    assert all(line.startswith("policy.yaml:") for line in site.problems())


def test_a_profile_that_overrides_give_needs_no_rule(site) -> None:
    site.change("profiles:", "profiles:\n  fix: {vlan: 7}\n  spare: {vlan: 8}", file="policy.yaml")
    site.change("state: state", SESSIONS % ("fix", "corp"))
    assert site.notes() == ["policy.yaml:3:3: no rule uses profile `spare`"]


def test_an_interval_for_a_group_that_no_nas_is_in_is_noted(site) -> None:
    site.change("state: state", "compliance:\n  poll: {groups: {wired: 2m, wierd: 3m}}\nstate: state")
    assert site.notes() == ["nacd.yaml:11:30: no NAS is in the group `wierd`, did you mean `wired`?"]


@pytest.mark.parametrize(("length", "problems", "notes"), [(7, 1, 0), (15, 0, 1), (16, 0, 0)])
def test_a_secret_for_changing_sessions_is_measured_as_any_other(site, length: int, problems: int, notes: int) -> None:
    site.write("secrets/das", "x" * length, mode=0o600)
    site.change("groups: [wired]", 'groups: [wired], dynauth: {secret: "file:secrets/das"}')
    if problems:
        assert site.problems() == ["nacd.yaml:2:119: this secret is shorter than 8 octets: it can be guessed"]
    else:
        assert [note.startswith("nacd.yaml:2:119: this secret is shorter than 16") for note in site.notes()] == [
            True
        ] * notes


def test_a_whole_network_behind_one_controller_is_lawful(site) -> None:
    assert site.change("groups: [wired]", "groups: [wired], dynauth: {address: 10.0.0.2}").load().notes == ()


def test_client_cas_need_names_of_their_own_and_one_should_name_devices(site) -> None:
    for name in ("a/ca.pem", "b/ca.pem", "key"):
        site.write(name, "x", mode=0o600)
    site.change(
        "policy: policy.yaml",
        "policy: policy.yaml\neap: {certificate: key, private_key: 'file:key',"
        " client_cas: [{file: a/ca.pem}, {file: b/ca.pem}]}",
    )
    (said,) = site.problems()
    assert said.startswith("nacd.yaml:9:81: a client ca called `ca` (give it a `name` of its own)")
    site.change("{file: b/ca.pem}", "{file: b/ca.pem, name: b}")
    assert "no certificate will name a device" in site.notes()[0]


@pytest.mark.parametrize(
    "spoilt",
    [
        'secret: "correct-horse-battery-staple"',
        "secret: correct-horse-battery-staple",
        "secret: {correct-horse-battery-staple: 1}",
        "secret: &correct-horse-battery-staple x",
        "secret: *correct-horse-battery-staple",
        "secret: [correct-horse-battery-staple]",
        "secret: 'env:correct-horse-battery-staple'",
        "secret: 'env:correct_horse_battery_staple'",
        "secret: 'file:secrets/sw', next_secret: correct-horse-battery-staple",
    ],
)
def test_a_secret_in_the_wrong_place_is_shown_nowhere(site, spoilt: str) -> None:
    site.change('secret: "file:secrets/sw"', spoilt)
    assert site.problems()
    with pytest.raises(ConfigError) as refused:
        site.load()
    said = "".join(traceback.format_exception(refused.value))
    assert "horse" not in said


def test_an_unset_variable_is_told_by_its_place_alone(site) -> None:
    site.change('secret: "file:secrets/sw"', "secret: 'env:hunter2'")
    assert site.problems() == ["nacd.yaml:2:46: the environment variable that `env:` names here is not set"]


def test_a_loaded_configuration_is_silent_about_secrets(site) -> None:
    loaded = site.load()
    assert "correct-horse" not in repr(loaded)
    assert "correct-horse" not in str(loaded.settings)


def test_files_that_cannot_be_read(site, tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read: no such file or directory"):
        load(tmp_path / "none.yaml", {})
    (site.folder / "policy.yaml").unlink()
    assert "nacd.yaml:8:9: the file `policy.yaml` does not exist" in site.problems()[0]


def test_the_policy_is_found_beside_the_config_and_lists_beside_the_policy(site) -> None:
    site.write("rules/list.csv", "AA-BB-CC-00-00-01\n")
    site.write("rules/p.yaml", "profiles: {c: {vlan: 1}}\nrules: [{name: a, when: {mac_in: list.csv}, then: c}]\n")
    assert site.change("policy: policy.yaml", "policy: rules/p.yaml").load().policy.rules[0].name == "a"


def test_places_can_be_asked_for_later(site) -> None:
    site.write(
        "policy.yaml",
        "profiles:\n  q:\n    vlan: 9\n    attributes: {Class: x}\n    optional:\n      acl: A\n"
        "rules:\n  - {name: a, when: {access: vpn}, then: q}\n",
    )
    loaded = site.load()
    policy = str(site.folder / "policy.yaml")
    assert loaded.position(profile="q") == (policy, 2, 3)
    assert loaded.position(profile="q", intention="vlan") == (policy, 3, 11)
    assert loaded.position(profile="q", intention="acl") == (policy, 6, 12)
    assert loaded.position(profile="q", intention="attributes") == (policy, 4, 17)
    assert loaded.position(rule="a") == (policy, 8, 5)
    assert loaded.position(setting=("clients", 1, "vendor"))[1:] == (3, 70)
    assert loaded.problem("too long", profile="q", intention="vlan").message == "too long"


def test_a_flood_of_problems_is_cut_short(site) -> None:
    site.write("policy.yaml", "rules:\n" + "".join(f"  - {{name: r{n}, then: x}}\n" for n in range(300)))
    said = site.problems()
    assert len(said) == 201
    assert any("more problems not shown" in line for line in said)


def test_paths_without_a_folder_work(site, monkeypatch) -> None:
    monkeypatch.chdir(site.folder)
    assert load(Path("nacd.yaml"), site.environment).settings.policy == Path("policy.yaml")


WORDS = ["", "x", "on", "*", "file:", "env:A", "0.0.0.0/0", "deny", "1s"]
ODD = [None, True, 0, -1, 1.5, 10**25, *WORDS, [], ["x", 1], [[]], {}, {"x": 1}, {"": {}}]


def _paths(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _paths(item, (*path, key))


@st.composite
def _spoilt(draw: st.DrawFn, text: str) -> str:
    """The file with one or two of its values exchanged, dropped or put under another key; as JSON, which is YAML."""
    tree = yaml.safe_load(text)
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from([path for path in _paths(tree) if path]))
        at = tree
        for step in path[:-1]:
            at = at[step]
        action = draw(st.sampled_from(["exchange", "drop", "rename"]))
        if action == "exchange":
            at[path[-1]] = draw(st.sampled_from(ODD))
        elif isinstance(at, dict):
            value = at.pop(path[-1])
            if action == "rename":
                at[draw(st.sampled_from(["x", "name", "secret", "on"]))] = value
        if not tree:
            break
    return json.dumps(tree)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.data())
def test_whatever_is_wrong_is_told_with_a_place_and_nothing_breaks(example, drawn) -> None:
    for name in ("nacd.yaml", "policy.yaml"):
        text = (Path(__file__).parents[2] / "config" / name).read_text()
        example.write(name, drawn.draw(_spoilt(text) | st.just(text)))
    problems: tuple[Problem, ...] = ()
    try:
        example.load()
    except ConfigError as wrong:
        problems = wrong.problems
        refused = True
    else:
        refused = False
    assert refused == bool(problems)
    assert all(problem.message and "\n" not in problem.message for problem in problems)
    assert all(problem.line >= 1 and problem.column >= 1 for problem in problems)


def test_another_policy_can_be_read_in_place_of_the_configured_one(site) -> None:
    other = site.write("other.yaml", (site.folder / "policy.yaml").read_text().replace("name: good", "name: better"))
    loaded = load(site.folder / "nacd.yaml", site.environment, policy_path=other)
    assert [rule.name for rule in loaded.policy.rules] == ["better"]
    assert loaded.policy_document.file == str(other)
    with pytest.raises(ConfigError, match=r"nothing\.yaml: cannot be read: no such file"):
        load(site.folder / "nacd.yaml", site.environment, policy_path=site.folder / "nothing.yaml")
