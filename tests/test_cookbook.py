"""The cookbook: each site loads without a remark, its cases reach every rule, and each page shows the files."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from nacd.audit.events import document
from nacd.cli import check
from nacd.cli.main import app
from nacd.cli.replay import cases
from nacd.config.load import load
from nacd.server.assembly import Assembled, assemble
from nacd.server.clock import instant
from nacd.sim.pki import write_demo_pki
from tests.test_docs import DOCS, HOME, anchors

FILES = HOME / "config" / "cookbook"
PAGES = sorted((DOCS / "cookbook").glob("*.md"))
SITES = sorted(path.name for path in FILES.iterdir())
DEMO = "(serve takes it with --demo alone)"
OWN_CAS = ("devices-ca.pem", "contoso-ca.pem", "fabrikam-ca.pem")
TOLD_AS_WELL = re.compile(r"^shadow is sound: |^\d+ findings? accepted by comments |^  monitor-on: ")
NACD = "10.1.0.5"

Taken = Callable[[str], Path]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the certificates that any site names; three CAs of their own."""
    folder = tmp_path_factory.mktemp("certs")
    write_demo_pki(folder)
    for name in OWN_CAS[1:]:
        shutil.copy(write_demo_pki(tmp_path_factory.mktemp("ca")).devices_ca, folder / name)
    return folder


@pytest.fixture
def taken(tmp_path: Path, certificates: Path, monkeypatch: pytest.MonkeyPatch) -> Taken:
    """Takes a site as an admin would: its files, certificates beside them, and a credential for each name in them."""

    def take(site: str) -> Path:
        folder, credentials = tmp_path / site, tmp_path / "credentials"
        shutil.copytree(FILES / site, folder)
        (folder / "certs").symlink_to(certificates)
        credentials.mkdir(mode=0o700)
        ends_some_day(folder)
        for name in set(re.findall(r"cred:([\w.-]+)", (folder / "nacd.yaml").read_text(encoding="utf-8"))):
            key = certificates / name
            secret = key.read_text(encoding="utf-8") if key.exists() else f"sixteen or more of {name}"
            (credentials / name).touch(mode=0o600)
            (credentials / name).write_text(secret, encoding="utf-8")
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
        return folder

    return take


def ends_some_day(folder: Path) -> None:
    """Puts dates to come in place of those that monitors end at, in their order, as whoever takes the site does."""
    policies = sorted(folder.glob("policy*.yaml"))
    texts = {path: path.read_text(encoding="utf-8") for path in policies}
    written = sorted({day for text in texts.values() for day in re.findall(r'until: "([\d-]+)"', text)})
    for path, text in texts.items():
        for number, day in enumerate(written):
            text = text.replace(f'until: "{day}"', f'until: "{date.today() + timedelta(days=20 + number)}"')
        path.write_text(text, encoding="utf-8")


def assembled(folder: Path, policy: Path | None = None) -> Assembled:
    return assemble(load(folder / "nacd.yaml", policy_path=policy), instant(), allow_demo=True)


# -- the files ------------------------------------------------------------------------------------


def test_every_site_has_a_page_and_every_page_a_site() -> None:
    assert {page.stem for page in PAGES} == {*SITES, "README"}


@pytest.mark.parametrize("site", SITES)
def test_the_check_has_nothing_to_remark(site: str, taken: Taken, capsys: pytest.CaptureFixture[str]) -> None:
    code = check.run(taken(site) / "nacd.yaml")
    *remarks, last = capsys.readouterr().out.splitlines()
    kept = [line for line in remarks if not line.endswith(DEMO) and not TOLD_AS_WELL.search(line)]
    assert [line for line in kept if "monitor mode everywhere until" not in line] == []
    assert len(kept) == (site == "rollout")  # that nothing is enforced is told at every load
    assert (code, last.partition(":")[0]) == (0, "configuration is sound")


@pytest.mark.parametrize("site", SITES)
def test_the_cases_are_as_expected_and_reach_every_rule(site: str, taken: Taken) -> None:
    folder = taken(site)
    tried = cases.try_all(assembled(folder), folder / "policy-cases.yaml")
    assert tried.problems() == ()
    assert tried.unreached == ()


@pytest.mark.parametrize("site", SITES)
def test_every_profile_is_given_in_some_case(site: str, taken: Taken) -> None:
    folder = taken(site)
    tried = cases.try_all(assembled(folder), folder / "policy-cases.yaml")
    policy = yaml.safe_load((folder / "policy.yaml").read_text(encoding="utf-8"))
    given = {verdict.case.expected.profile for verdict in tried.verdicts} - {""}
    assert given | {monitor["profile"] for monitor in (policy.get("monitor"),) if monitor} == set(policy["profiles"])


@pytest.mark.parametrize("site", SITES)
def test_a_nas_waits_longer_than_intune_is_asked_and_can_be_asked_itself(site: str, taken: Taken) -> None:
    settings = assembled(taken(site)).loaded.settings
    for client in settings.clients:
        assert client.timeout >= 2 * settings.compliance.lookup_deadline, client.name
        assert client.dynauth is not None, client.name


@pytest.mark.parametrize("path", sorted(FILES.glob("*/*.csv")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_row_of_a_list_has_an_owner_and_a_ticket(path: Path) -> None:
    columns, *rows = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
    assert rows
    for row in rows:
        told = dict(zip(columns, row, strict=True))
        assert all(told[name] for name in ("mac", "owner", "ticket")), row


# -- the steps of a roll-out ----------------------------------------------------------------------

STEPS = {
    "policy.yaml": {"pilot-switches", "campus-switches"},
    "policy-2-pilot.yaml": {"campus-switches"},
    "policy-3-strangers.yaml": {"campus-switches"},
    "policy-4-enforce.yaml": set(),
}


@pytest.mark.parametrize("step", STEPS)
def test_every_step_decides_the_same_and_answers_as_its_page_says(step: str, taken: Taken) -> None:
    folder = taken("rollout")
    tried = cases.try_all(assembled(folder, folder / step), folder / "policy-cases.yaml")
    assert (tried.problems(), tried.unreached) == ((), ())
    monitored = {verdict.case.facts.nas.name for verdict in tried.verdicts if verdict.monitor is not None}
    assert monitored == STEPS[step]
    if step == "policy-3-strangers.yaml":
        assert {verdict.rule for verdict in tried.verdicts if verdict.monitor is not None} == {"strangers"}


def test_the_steps_differ_in_their_monitors_alone() -> None:
    found = []
    for step in STEPS:
        policy = yaml.safe_load((FILES / "rollout" / step).read_text(encoding="utf-8"))
        policy.pop("monitor", None)
        policy["profiles"].pop("as-before", None)
        for rule in policy["rules"]:
            rule.pop("monitor", None)
        found.append(policy)
    assert all(policy == found[0] for policy in found)


def test_the_next_policy_says_what_its_own_cases_expect(taken: Taken) -> None:
    folder = taken("rollout")
    candidate = assembled(folder, folder / "policy-next.yaml")
    reached = [cases.try_all(candidate, folder / name) for name in ("policy-cases.yaml", "cases-next.yaml")]
    assert [tried.problems() for tried in reached] == [(), ()]
    assert set(reached[0].unreached) & set(reached[1].unreached) == set()


# -- the pages ------------------------------------------------------------------------------------


def blocks(marker: str) -> Iterator[tuple[str, str, str]]:
    """Page, what its marker names, and the text of the fenced block below it."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in re.finditer(rf"^<!-- {marker}: (\S+) -->\n```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            yield page.stem, found[1], found[2]


SHOWN = [pytest.param(name, text, id=f"{page}:{name}") for page, name, text in blocks("file")]
TOLD = [pytest.param(name, text, id=f"{page}:{name}") for page, name, text in blocks("nacd test")]


@pytest.mark.parametrize(("name", "text"), SHOWN)
def test_what_a_page_shows_of_a_file_is_the_file(name: str, text: str) -> None:
    assert text == (FILES / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "text"), [each[1:] for each in blocks("part")])
def test_a_part_that_a_page_shows_is_in_the_file(name: str, text: str) -> None:
    assert text in (FILES / name).read_text(encoding="utf-8")


def test_every_configuration_and_policy_is_shown_on_its_page() -> None:
    shown = {(page, name) for page, name, _ in blocks("file")}
    assert shown >= {(site, f"{site}/{name}") for site in SITES for name in ("nacd.yaml", "policy.yaml")}
    assert {name for _, name, _ in blocks("nacd test")} == set(SITES)


def test_no_yaml_stands_on_a_page_without_its_file() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert text.count("```yaml\n") == len(
            re.findall(r"^<!-- (?:file|part): \S+ -->\n```yaml$", text, re.MULTILINE)
        ), page


@pytest.mark.parametrize(("name", "text"), TOLD)
def test_what_a_page_shows_of_the_cases_is_what_the_command_says(
    name: str, text: str, taken: Taken, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cases.run(taken(name) / "nacd.yaml", None) == cases.OK
    assert capsys.readouterr().out == text


@pytest.mark.parametrize("site", SITES)
def test_every_page_has_clocks_an_outage_checks_sources_and_what_goes_wrong(site: str) -> None:
    text = (DOCS / "cookbook" / f"{site}.md").read_text(encoding="utf-8")
    for part in ("| timer | set to | against nacd |", "**nacd is down.**", "| to see it | ", "Read at: "):
        assert part in text, part
    rows = text.split("## What goes wrong")[1].split("|---|---|---|\n")[1].strip().splitlines()
    assert 3 <= len(rows) <= 7
    assert all(row.count(" | ") == 2 for row in rows)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(((?!http)[^)\s]+)\)", page.read_text(encoding="utf-8")):
        file, _, anchor = target.partition("#")
        there = page.parent / file if file else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(target)
    assert not broken


def commands() -> Iterator[str]:
    """Every command of ours on the pages, in text and in blocks."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        yield from re.findall(r"(?:`|^    |^\$ )nacd ([a-z]+(?: [a-z]+)?)", text, re.MULTILINE)


@pytest.mark.parametrize("command", sorted({command.strip() for command in commands()}))
def test_every_command_on_a_page_exists(command: str) -> None:
    words = command.split()
    root: Any = typer.main.get_command(app)
    known = root.commands.get(words[0])
    assert known is not None, command
    if len(words) > 1 and hasattr(known, "commands"):
        assert words[1] in known.commands, command


def test_every_event_on_a_page_exists() -> None:
    known = set(re.findall(r"^\| `A\w+` \| `([a-z_.]+)`", document(), re.MULTILINE))
    families = "|".join(sorted({event.partition(".")[0] for event in known}))
    for page in PAGES:
        named = set(re.findall(rf"`((?:{families})\.[a-z_]+)`", page.read_text(encoding="utf-8")))
        assert named - known - {"audit.when_full"} == set(), page.name


# -- the NAS's side -------------------------------------------------------------------------------


def pasted(page: Path) -> str:
    """What is to be pasted into NASes: every fenced block without a language that is no output of ours."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return "\n".join(block for kind, block in found if not kind and not block.startswith(("$ ", "ok ")))


def clients(site: str) -> list[Mapping[str, Any]]:
    config = yaml.safe_load((FILES / site / "nacd.yaml").read_text(encoding="utf-8"))
    return list(config["clients"])


@pytest.mark.parametrize("site", SITES)
def test_a_nas_asks_nacd_and_takes_orders_from_nacd_alone(site: str) -> None:
    text = pasted(DOCS / "cookbook" / f"{site}.md")
    servers = re.findall(
        r"(?:address ipv4|^\s+host|radius-server host|^\s+client|dyn-authorization client|rfc-3576-server|\) host)"
        r' "?([\d.]+)',
        text,
        re.MULTILINE,
    )
    assert servers, site
    assert set(servers) == {NACD}


@pytest.mark.parametrize("site", SITES)
def test_nacd_knows_every_user_that_a_nas_probes_with(site: str) -> None:
    text = pasted(DOCS / "cookbook" / f"{site}.md")
    probing = set(re.findall(r"(?:automate-tester username|tracking user-name) (\S+)", text))
    for client in clients(site):
        silent = client["vendor"] in ("aruba", "cisco-asa")
        expected = {"meraki_8021x_test"} if client["vendor"] == "meraki" else set() if silent else probing
        assert set(client.get("probe_users", ())) == expected, client["name"]


@pytest.mark.parametrize("site", SITES)
def test_what_a_nas_waits_is_what_nacd_is_told(site: str) -> None:
    told = {client.get("timeout", "5s") for client in clients(site)}
    text = pasted(DOCS / "cookbook" / f"{site}.md")
    waits = re.findall(r"^ +timeout (\d+)$|radius-server timeout (\d+)|SECRET timeout (\d+)", text, re.MULTILINE)
    repeated = re.findall(r"retry-interval (\d+)", text)  # an ASA's `timeout` is that of all its tries
    assert {f"{seconds}s" for seconds in repeated or ["".join(each) for each in waits]} == told
