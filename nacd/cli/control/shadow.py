"""``nacd shadow``: what the shadow policy would have changed.

Knows: how the counts look on a terminal. Refuses to know: how they are made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import typer

from nacd.cli.control.asking import (
    DEFAULT_CONFIG,
    DONE,
    NOT_DONE,
    AsJson,
    Config,
    Daemon,
    Socket,
    State,
    ago,
    clean,
    moment,
    print_json,
    print_pairs,
    print_table,
    run,
    usual_config,
)

app = typer.Typer(
    help="The policy of `shadow:`, evaluated beside the live one on real logins, without any effect. Alone it is"
    " [b]nacd shadow report[/].",
    epilog="Exit codes: 0 done, 1 not done, refused, or no shadow is evaluated, 2 wrong usage, 3 no daemon. Times are"
    " UTC.",
    rich_markup_mode="rich",
)
_WHY_NOT: Final = {
    "above_policy": "decided by a person's order, or by what else stands above any policy",
    "undecidable": "the shadow asks for compliance (or groups), and nobody had asked",
    "another_policy": "decided by a policy that is not the live one",
    "unreadable": "the record does not hold what the shadow has to know",
    "overflow": "there was no time to compare",
    "error": "an error in nacd itself",
}
_TABLES: Final = (
    ("by_answer", "by answer", ()),
    ("by_rule", "by rule", ("live_rule", "shadow_rule")),
    ("by_group", "by group of NASes", ("group",)),
    ("by_location", "by location", ("location",)),
    ("by_nas", "by NAS", ("nas",)),
)
_MOST_ROWS: Final = 20
_MOST_REASONS: Final = 5


@app.callback(invoke_without_command=True)
def alone(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        report(config=usual_config())


@app.command()
def report(
    examples: Annotated[int, typer.Option(help="How many differences are shown with their reasons.", min=0)] = 5,
    as_json: AsJson = False,
    config: Config = DEFAULT_CONFIG,
    state: State = None,
    socket: Socket = None,
) -> None:
    """What would change: from what to what, by rule, site and profile, with an example each."""

    def ask(daemon: Daemon) -> int:
        found = daemon.give("shadow.report")
        if as_json:
            print_json(found)
        else:
            _tell(found, examples)
        return DONE if found["state"] == "on" else NOT_DONE

    run(ask, config, state, socket)


@app.command()
def reset(as_json: AsJson = False, config: Config = DEFAULT_CONFIG, state: State = None, socket: Socket = None) -> None:
    """Begin to count anew. Needs the role config."""

    def ask(daemon: Daemon) -> int:
        found = daemon.give("shadow.reset")
        if as_json:
            print_json(found)
        else:
            print(f"counted anew from now on; until now {found['different']:,} of {found['compared']:,} were different")
        return DONE

    run(ask, config, state, socket)


def _tell(found: Mapping[str, Any], examples: int) -> None:
    if found["state"] == "none":
        print("no shadow is configured: `shadow:` in nacd.yaml names the policy file to try")
        return
    if found["state"] == "faulty":
        print_pairs([("shadow", _shadow(found))], indent=0)
        for each in found["problems"]:
            print(clean(f"  {each}"))
        return
    since = f"{moment(found['since'])} ({ago(found['since'])})"
    live = f"policy {found['live_digest'][:12]}"
    print_pairs([("shadow", _shadow(found)), ("beside", live), ("since", since), *_counts(found)], indent=0)
    for name, count in found["not_compared"].items():
        if count:
            rules = _undecidable(found) if name == "undecidable" else ""
            print(f"  {count:>9,}  {_WHY_NOT.get(name, name)}{rules}")
    for name, title, columns in _TABLES:
        _table(title, columns, found[name])
    for number, row in enumerate(found["by_rule"][:examples], 1):
        _example(number, row)


def _shadow(found: Mapping[str, Any]) -> str:
    states = {"on": "", "off": f", SWITCHED OFF: {found['why']}", "faulty": " is FAULTY, so there is none:"}
    digest = f", policy {found['digest'][:12]}" if found["digest"] else ""
    return f"{found['file']}{digest}{states.get(found['state'], found['state'])}"


def _counts(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    compared, different = found["compared"], found["different"]
    share = f" ({_percent(different, compared)} %)" if compared else ""
    renamed = f", {found['same_by_another_rule']:,} of them by another rule" if found["same_by_another_rule"] else ""
    left_out = sum(found["not_compared"].values())
    waiting = f", {found['waiting']:,} wait" if found["waiting"] else ""
    return [
        ("compared", f"{compared:,} decisions{waiting}"),
        ("same", f"{found['same']:,}{renamed}"),
        ("different", f"{different:,}{share}"),
        ("left out", f"{left_out:,}" if left_out else "none"),
    ]


def _undecidable(found: Mapping[str, Any]) -> str:
    rules = list(found["undecidable_rules"])
    more = f" and {len(rules) - 3} more" if len(rules) > 3 else ""
    return clean(f": {', '.join(f'rule `{rule}`' for rule in rules[:3])}{more}") if rules else ""


def _table(title: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    print(f"\n{title}")
    titles = (*(column.replace("_", " ").upper() for column in columns), "FROM", "TO", "LOGINS", "DEVICES", "EXAMPLE")
    cells = [
        (*(row[column] for column in columns), row["before"], row["after"], *_numbers(row), _whom(row["example"]))
        for row in rows[:_MOST_ROWS]
    ]
    print_table(titles, cells, whole=("EXAMPLE",))
    if len(rows) > _MOST_ROWS:
        print(f"and {len(rows) - _MOST_ROWS:,} more rows (--json has all)")


def _numbers(row: Mapping[str, Any]) -> tuple[str, str]:
    return f"{row['logins']:,}", f"{row['devices']:,}{'+' if row['more_devices'] else ''}"


def _whom(example: Mapping[str, Any]) -> str:
    return str(example["mac"] or example["device"] or example["user"] or "unnamed")


def _example(number: int, row: Mapping[str, Any]) -> None:
    example = row["example"]
    named = [example[each] for each in ("device", "mac", "user") if example[each]]
    print()
    print(clean(f"example {number}: {' '.join(named) or 'unnamed'} on NAS `{example['nas']}`, {example['time']}"))
    for which in ("live", "shadow"):
        told = example[which]
        answer = f"`{told['profile']}`" if told["profile"] else "refused"
        reasons = "; ".join(told["reasons"][:_MOST_REASONS])
        print(clean(f"  {which:<6}  {answer} by rule `{told['rule']}`: {reasons}"))
    if example["attributes"]:
        print(clean(f"          {example['attributes']}"))


def _percent(part: int, whole: int) -> str:
    """To two places that count, and never 0 for something or 100 for less than all."""
    share = 100 * part / whole
    if share < 1:
        return f"{share:.2g}"
    return f"{share:.0f}" if share <= 99 or part == whole else f"{share:.2f}"
