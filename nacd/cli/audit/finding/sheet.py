"""The report on one screen, and as JSON.

Knows: lists, columns, words. Refuses to know: how anything was counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nacd.audit.asking.moments import shown
from nacd.audit.asking.report.advice import advice
from nacd.audit.asking.report.counters import Counted
from nacd.audit.asking.report.outcomes import Outcome
from nacd.audit.asking.report.tally import AGES, OLDEST_AGE
from nacd.audit.asking.rows import visible

if TYPE_CHECKING:
    from nacd.cli.audit.report import Reported

_WIDEST = 44
_OUTCOMES = tuple(Outcome)


def tell(found: Reported) -> None:
    """Everything but TLS."""
    tally = found.tally
    _head(found)
    total = sum(tally.total.values())
    parts = [f"{tally.total[each]:,} {each}" for each in _OUTCOMES if tally.total[each]]
    print(f"logins     {total:,}" + (f": {', '.join(parts)}" if parts else ""))
    if tally.only_counted:
        print(f"           {tally.only_counted:,} of them were only counted: no record says more of them")
    for name in tally.by:
        _grouping(found, name)
    _list("endpoints that were not let in most often", tally.refused, found.top, tally.why_refused)
    _list("could not prove who they are", tally.failures, found.top, {}, words=True)
    _strangers(found)
    _list("packets dropped in silence, by NAS", tally.drops, found.top)
    _list("packets dropped in silence, by reason", tally.drop_reasons, found.top)
    _verdicts(found)
    _changes(found)


def tell_tls(found: Reported) -> None:
    """Certificates and TLS."""
    tls, top = found.tally.tls, found.top
    _head(found)
    failed = sum(tls.counts.values())
    print(f"failures   {failed:,} of TLS and EAP" + ("" if failed or tls.only_counted else ": none"))
    if tls.only_counted:
        print(f"           {tls.only_counted:,} more were only counted: no record says why they failed")
    for failure, count in tls.counts.most_common(max(top, 10)):
        told = advice(failure)
        print(f"\n  {count:>9,}  {visible(failure)}: {told.what}")
        print(f"             do: {told.do}")
        for name, title in (("issuer", "issuer"), ("nas", "NAS"), ("client", "client")):
            most = tls.failures[failure][name].most(min(top, 3))
            if most:
                print(f"             {title}: " + ", ".join(f"{_short(each)} ({times:,})" for each, times in most))
        print(f"             as in: {_short(tls.example[failure], 160)}")
    _list("\nendpoints that do not trust our certificate", tls.distrusting, top)
    expiring = tls.expiring()
    if expiring:
        print(f"\nclient certificates that end within 30 days: {len(expiring):,}")
        for end_ms, subject, who in expiring[:top]:
            print(f"  {shown(end_ms / 1000)}  {_short(subject)}  {visible(who)}")
    for title, counts in (("TLS versions in use", tls.versions), ("ciphers in use", tls.ciphers)):
        if counts:
            print(f"\n{title}: {_shares(counts)}")


def as_json(found: Reported) -> dict[str, Any]:
    """One document; lists hold ``top`` lines."""
    tally, tls = found.tally, found.tally.tls
    return {
        "since": shown(found.since_ms / 1000),
        "until": shown(found.until_ms / 1000),
        "records": tally.records,
        "only_counted": tally.only_counted,
        "logins": {each.value: tally.total[each] for each in _OUTCOMES},
        "by": {name: _grouped(found, name) for name in tally.by},
        "not_let_in": _pairs(tally.refused, found.top, "endpoint", tally.why_refused),
        "eap_failures": _pairs(tally.failures, found.top, "reason"),
        "strangers": [
            {**row, "new": found.new.get(row["endpoint"])} for row in _pairs(tally.strangers, found.top, "endpoint")
        ],
        "drops": {
            "by_nas": _pairs(tally.drops, found.top, "nas"),
            "by_reason": _pairs(tally.drop_reasons, found.top, "reason"),
        },
        "verdicts": {"states": dict(tally.states), "sources": dict(tally.sources), "ages": dict(tally.ages)},
        "changes": {
            "events": dict(tally.changes),
            "asked": dict(tally.asked),
            "answered": [
                {"verb": verb, "meaning": meaning, "count": count}
                for (verb, meaning), count in tally.answered.most_common()
            ],
        },
        "tls": {
            "failures": [
                {
                    "reason": failure,
                    "count": count,
                    **advice(failure)._asdict(),
                    "why": tls.example[failure],
                    **{name: _pairs(each, found.top, "name") for name, each in tls.failures[failure].items()},
                }
                for failure, count in tls.counts.most_common()
            ],
            "only_counted": tls.only_counted,
            "distrusting": _pairs(tls.distrusting, found.top, "endpoint"),
            "expiring": [
                {"until": shown(end_ms / 1000), "subject": subject, "endpoint": who}
                for end_ms, subject, who in tls.expiring()
            ],
            "versions": dict(tls.versions),
            "ciphers": dict(tls.ciphers),
        },
        "trouble": found.walked.trouble,
    }


# -- parts ----------------------------------------------------------------------------------------


def _head(found: Reported) -> None:
    walked = found.walked
    span = f"from {shown(found.since_ms / 1000)} to {shown(found.until_ms / 1000)} (UTC)"
    strange = f"; {walked.strange:,} lines are no records" if walked.strange else ""
    files = "1 file" if walked.files == 1 else f"{walked.files:,} files"
    print(f"{span}, {found.tally.records:,} records counted in {files}{strange}")


def _ranked(found: Reported, name: str) -> tuple[list[str], int]:
    """The values with most logins, and how many there are."""
    sums: Mapping[Outcome, Counted] = found.tally.by[name]
    values = {value for each in sums.values() for value in each}
    if name == "hour":
        return sorted(values), len(values)
    ranked = sorted(values, key=lambda value: (-sum(each[value] for each in sums.values()), value))
    return ranked[: found.top], len(ranked)


def _grouped(found: Reported, name: str) -> list[dict[str, Any]]:
    values, _ = _ranked(found, name)
    sums = found.tally.by[name]
    return [{name: value, **{each.value: sums[each][value] for each in _OUTCOMES}} for value in values]


def _grouping(found: Reported, name: str) -> None:
    values, there = _ranked(found, name)
    sums = found.tally.by[name]
    shown_ones = [each for each in _OUTCOMES if sums[each].total]
    if not values or not shown_ones:
        return
    more = f", {len(values):,} of {there:,}" if there > len(values) else ""
    width = min(_WIDEST, max(len(_short(value)) for value in values))
    title = f"by {name}{more}"
    print(f"\n{title:<{width + 2}}" + "".join(f"{each.value:>13}" for each in shown_ones))
    for value in values:
        cells = (f"{sums[each][value]:,}" if sums[each][value] else "-" for each in shown_ones)
        print(f"  {_short(value):<{width}}" + "".join(f"{cell:>13}" for cell in cells))


def _list(title: str, counted: Counted, top: int, why: Mapping[str, str] | None = None, *, words: bool = False) -> None:
    most = counted.most(top)
    if not most:
        return
    print(f"\n{title}" + (f" (counts may lack up to {counted.error:,})" if counted.error else ""))
    for name, count in most:
        more = advice(name).what if words else (why or {}).get(name, "")
        print(f"  {count:>9,}  {_short(name)}" + (f"  {_short(more, 70)}" if more else ""))


def _strangers(found: Reported) -> None:
    counted = found.tally.strangers
    most = counted.most(found.top)
    if not most:
        return
    print(f"\nunknown to Intune: {counted.names():,} endpoints")
    for name, count in most:
        first = "  never seen before" if found.new.get(name) else ""
        print(f"  {count:>9,}  {_short(name)}{first}")


def _verdicts(found: Reported) -> None:
    tally = found.tally
    if not tally.sources:
        return
    print("\nverdicts   " + ", ".join(f"{visible(name)} {count:,}" for name, count in tally.states.most_common(8)))
    print(f"  source   {_shares(tally.sources)}")
    names = [*(name for _, name in AGES), OLDEST_AGE]
    aged = sum(tally.ages.values())
    print("  age      " + ", ".join(f"{name} {_percent(tally.ages[name], aged)}" for name in names if tally.ages[name]))


def _changes(found: Reported) -> None:
    tally = found.tally
    if not tally.changes:
        return
    told = ((visible(name), count) for name, count in tally.changes.most_common(10))
    print("\nchanges of live sessions: " + ", ".join(f"{name} {count:,}" for name, count in told))
    for (verb, meaning), count in tally.answered.most_common(found.top):
        print(f"  {count:>9,}  {visible(verb)}: {visible(meaning)}")


def _pairs(counted: Counted, top: int, title: str, why: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    rows = [{title: name, "count": count} for name, count in counted.most(top)]
    return rows if why is None else [{**row, "why": why.get(str(row[title]), "")} for row in rows]


def _short(text: str, most: int = _WIDEST) -> str:
    seen = visible(text)
    return seen if len(seen) <= most else f"{seen[: most - 1]}…"


def _shares(counts: Counter[str]) -> str:
    whole = sum(counts.values())
    return ", ".join(f"{_short(name)} {_percent(count, whole)}" for name, count in counts.most_common(8))


def _percent(count: int, whole: int) -> str:
    share = 100 * count / max(1, whole)
    return f"{share:.0f} %" if share >= 1 or not count else "<1 %"
