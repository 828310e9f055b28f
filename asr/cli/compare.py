"""``asr compare``: is the difference between two evaluations real?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asr.report.comparison import Difference
    from asr.report.results import Results


def compare(
    results: Annotated[
        list[Path],
        typer.Argument(metavar="RESULTS", help="Folders or results.json of asr evaluate."),
    ],
    changed: Annotated[
        int, typer.Option(min=0, help="Most utterances to show that changed, the most first.")
    ] = 10,
) -> None:
    """Compare the first evaluation with each of the others, on the same utterances.

    The difference of the word error rates has an interval over speakers, where they are known
    (paired bootstrap), and is put to the matched-pairs sentence-segment test of NIST's sc_stats.
    """
    from asr.report.comparison import compare as compare_texts
    from asr.report.results import read_results, same_utterances
    from asr.scoring import score

    if len(results) < 2:
        raise typer.BadParameter("needs two or more", param_hint="RESULTS")
    systems = [read_results(path) for path in results]
    ids = same_utterances(systems)
    references = systems[0].column("reference", ids)
    texts = [system.column("hypothesis", ids) for system in systems]
    for index, (system, hypotheses) in enumerate(zip(systems, texts, strict=True), start=1):
        print(f"{index}  {score(references, hypotheses).words}  {system.path}")
    speakers = systems[0].column("speaker", ids)
    for index in range(1, len(systems)):
        difference = compare_texts(references, texts[0], texts[index], speakers)
        _show(difference, index + 1)
        _show_changed(systems[0], systems[index], ids, changed)


def _show(difference: "Difference", index: int) -> None:
    low, high = 100 * difference.low, 100 * difference.high
    print(
        f"\n{index} less 1: {100 * difference.rate:+.2f} points, {low:+.2f} to {high:+.2f} in 95 % "
        f"of cases, over {difference.groups} {difference.over}"
    )
    pairs = difference.matched_pairs
    if pairs is None:
        print("matched pairs: fewer than two segments have errors")
    else:
        print(f"matched pairs: {pairs.segments} segments, z = {pairs.z:.2f}, p = {pairs.p:.3f}")
    print(f"verdict: {difference.verdict('system 1', f'system {index}')}")


def _show_changed(first: "Results", second: "Results", ids: "Sequence[str]", count: int) -> None:
    from asr.scoring import count_errors

    changes = []
    for id in ids:
        one, two = first.utterances[id], second.utterances[id]
        if one["hypothesis"] != two["hypothesis"]:
            before, after = (
                count_errors(item["reference"], item["hypothesis"]).errors for item in (one, two)
            )
            changes.append((before - after, id, one, two))
    better, worse = (sum(sign * change > 0 for change, *_ in changes) for sign in (1, -1))
    print(f"changed: {len(changes)} utterances, {better} better and {worse} worse")
    for change, id, one, two in sorted(changes, key=lambda item: -abs(item[0]))[:count]:
        kind = "fewer" if change > 0 else "more"
        print(f"  {id}: {abs(change)} errors {kind}" if change else f"  {id}: as many errors")
        print(f"    reference  {one['reference']}")
        print(f"    before     {one['hypothesis']}")
        print(f"    after      {two['hypothesis']}")
