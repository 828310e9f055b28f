"""``asr compare`` tests whether the difference between evaluations is real."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from asr.cli.options import PATH, check_open, open_report_option, show_page
from asr.cli.score import NO_INTERVAL
from asr.counts import counted

if TYPE_CHECKING:
    from asr.evaluation.comparison import Difference
    from asr.evaluation.results import Results
    from asr.evaluation.seeds import SeedDifference, Seeds

BETWEEN = "vs"
MOST_CHANGED = 10


@click.command()
@click.argument(
    "results",
    nargs=-1,
    required=True,
    type=PATH,
    help="Files results.json of asr evaluate, or their folders; the word vs separates the runs of "
    "two systems.",
)
@click.option(
    "--changed",
    type=click.IntRange(min=0),
    metavar="N",
    help=f"Show at most this many changed utterances, the largest changes first.  [default: "
    f"{MOST_CHANGED}]",
)
@click.option(
    "--output-dir",
    "-o",
    type=PATH,
    metavar="DIR",
    help="Write report.html, which shows two evaluations side by side, to this folder.",
)
@open_report_option
def compare(
    results: tuple[Path, ...],
    changed: int | None,
    output_dir: Path | None,
    open_report: bool,
) -> None:
    """Compare evaluations of the same utterances.

    The first evaluation is compared with each of the others. The difference of their word error
    rates gets a 95 % interval over speakers, or over utterances if speakers are unknown or fewer
    than four (paired bootstrap), and is tested by matched pairs of sentence segments, as in NIST's
    sc_stats.

    asr compare A/1 A/2 A/3 vs B/1 B/2 B/3 compares two systems, each of which was trained several
    times with different seeds. Their means get the same interval, and Welch's t-test over seeds.
    """
    from asr.evaluation.comparison import compare_results
    from asr.evaluation.results import check_reportable, read_results, same_utterances
    from asr.report.page import write_report

    if len(results) < 2:
        raise click.BadParameter("needs two or more", param_hint="RESULTS")
    check_open(open_report, output_dir)
    if Path(BETWEEN) in results:
        for name, value in (("--changed", changed), ("--output-dir", output_dir)):
            if value is not None:
                raise click.BadParameter("is of two evaluations, not of seeds", param_hint=name)
        _compare_seeds(results)
        return
    if output_dir is not None and len(results) > 2:
        raise click.BadParameter("needs two evaluations, no more", param_hint="--output-dir")
    systems = [read_results(path) for path in results]
    same_utterances(systems)  # raises before anything is printed, as the check below does
    if output_dir is not None:
        for system in systems:
            check_reportable(system)
    for index, system in enumerate(systems, start=1):
        print(f"{index}  {system.score().words}  {system.path}")
    for index, other in enumerate(systems[1:], start=2):
        difference = compare_results(systems[0], other)
        if output_dir is not None:
            show_page(write_report(output_dir, systems, difference=difference), open_report)
        _show(difference, index)
        _show_changed(systems[0], other, MOST_CHANGED if changed is None else changed)


def _compare_seeds(paths: Sequence[Path]) -> None:
    from asr.evaluation.results import read_results
    from asr.evaluation.seeds import compare_runs

    at = paths.index(Path(BETWEEN))
    sides = [paths[:at], paths[at + 1 :]]
    if not all(sides) or Path(BETWEEN) in sides[1]:
        raise click.BadParameter("needs runs of a system on both sides of one vs")
    first, second = ([read_results(path) for path in side] for side in sides)
    difference = compare_runs(first, second)
    for index, (runs, seeds) in enumerate(
        [(first, difference.first), (second, difference.second)], start=1
    ):
        print(f"system {index}: {_mean(seeds)}")
        for run in runs:
            print(f"   {run.score().words}  {run.path}")
    _show_seeds(difference)


def _mean(seeds: "Seeds") -> str:
    mean = f"{100 * seeds.mean:.2f}"
    if seeds.deviation is None:
        return f"{mean} %, one seed"
    return f"{mean} ± {100 * seeds.deviation:.2f} % over {counted(len(seeds.errors), 'seed')}"


def _show_seeds(difference: "SeedDifference") -> None:
    print(f"\nWER of system 2 minus that of system 1: {_points(difference)}")
    between = f"{100 * abs(difference.rate):.2f} points between systems"
    if difference.within is not None:
        print(f"spread: {between}, {100 * difference.within:.2f} between seeds of one system")
    for name, test in (
        ("seeds (Welch's t-test)", difference.seeds),
        (f"seeds and {difference.over} together", difference.together),
    ):
        if test is not None:
            print(f"{name}: t = {test.t:.2f}, {test.degrees:.1f} degrees of freedom, {_p(test.p)}")
    print(f"verdict: {difference.verdict('system 1', 'system 2')}")


def _points(difference: "Difference | SeedDifference") -> str:
    if difference.low is None or difference.high is None:
        return f"{100 * difference.rate:+.2f} points, {NO_INTERVAL}"
    rate, low, high = (100 * x for x in (difference.rate, difference.low, difference.high))
    return (
        f"{rate:+.2f} points, {low:+.2f} to {high:+.2f} in 95 % of cases, over "
        f"{counted(difference.groups, difference.over.removesuffix('s'))}"
    )


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def _show(difference: "Difference", index: int) -> None:
    print(f"\nWER of system {index} minus that of system 1: {_points(difference)}")
    pairs = difference.matched_pairs
    if pairs is None:
        print("matched pairs: fewer than two segments have errors")
    else:
        print(
            f"matched pairs: {counted(pairs.segments, 'segment')}, z = {pairs.z:.2f}, {_p(pairs.p)}"
        )
    print(f"verdict: {difference.verdict('system 1', f'system {index}')}")


def _show_changed(first: "Results", second: "Results", most: int) -> None:
    from asr.evaluation.comparison import changed_utterances

    changes = changed_utterances(first, second)
    better, worse = (sum(sign * item.errors > 0 for item in changes) for sign in (-1, 1))
    print(f"changed: {counted(len(changes), 'utterance')}, {better} better and {worse} worse")
    for item in changes[:most]:
        kind = "fewer" if item.errors < 0 else "more"
        count = f"{counted(abs(item.errors), 'error')} {kind}" if item.errors else "as many errors"
        print(f"  {item.id}: {count}")
        print(f"    reference  {item.reference}")
        print(f"    before     {item.before}")
        print(f"    after      {item.after}")
