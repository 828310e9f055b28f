"""This module makes the tables of attention from the records of the study."""

import json
import statistics
from pathlib import Path
from typing import Any

from asr.evaluation.results import rate_with_counts

NOT_RUN = "not run here"
CTC = "CTC"
DECODERS = {"greedy": "greedy", "words": "beam, training words", "attention": "and attention"}


def systems(values: dict[str, Any]) -> str:
    """Return a table of the word error rates of every system and decoder, means over seeds."""
    rows = [
        "| trained by | decoder | dev, each seed | test, each seed | test, mean ± deviation |",
        "|---|---|---|---|---|",
    ]
    for kind, runs in values["systems"].items():
        for decoder, name in DECODERS.items():
            found = _found(runs, decoder)
            if not found:
                continue
            each = [", ".join(_percent(item[part]) for item in found) for part in ("dev", "test")]
            trained = CTC if kind == CTC else f"CTC and {kind}"
            rows.append(f"| {trained} | {name} | {' | '.join(each)} | {_mean(found)} |")
    return "\n".join([*rows, ""])


def costs(values: dict[str, Any]) -> str:
    """Return a table of the parameters, the minutes and the seconds of decoding of each system."""
    names = [f"{name}, s" for name in DECODERS.values()]
    rows = [
        f"| trained by | parameters, million | training, min | an epoch, s | {' | '.join(names)} |",
        f"|---|---|---|---|{'---|' * len(names)}",
    ]
    for kind, runs in values["systems"].items():
        seconds = []
        for decoder in DECODERS:
            taken = [item["seconds"] for item in _found(runs, decoder)]
            seconds.append(f"{statistics.median(taken):.2f}" if taken else "–")
        minutes = statistics.median(run["minutes"] for run in runs)
        epoch = statistics.median(run["epoch_seconds"] for run in runs)
        cells = [f"{runs[0]['parameters'] / 1e6:.2f}", f"{minutes:.0f}", f"{epoch:.1f}", *seconds]
        trained = CTC if kind == CTC else f"CTC and {kind}"
        rows.append(f"| {trained} | {' | '.join(cells)} |")
    return "\n".join([*rows, ""])


def verdicts(values: dict[str, Any]) -> str:
    """Return a table of what a comparison over seeds and speakers says of each system."""
    rows = ["| compared with CTC alone | difference of WER | verdict |", "|---|---|---|"]
    for item in values["verdicts"]:
        name = f"{item['kind']}, {DECODERS[item['decoder']]}"
        rows.append(f"| {name} | {100 * item['difference']:+.2f} points | {item['verdict']} |")
    return "\n".join([*rows, ""])


def shares(values: dict[str, Any]) -> str:
    """Return a table of the shares of the attention in the loss that were tried."""
    rows = ["| share of the attention in the loss | dev, greedy | |", "|---|---|---|"]
    for item in values["shares"]:
        chosen = "chosen" if item["share"] == values["share"] else ""
        rows.append(f"| {item['share']} | {rate_with_counts(item['dev'])} | {chosen} |")
    return "\n".join([*rows, ""])


def alone(values: dict[str, Any]) -> str:
    """Return a table of the decoders alone, one by one and on recordings of a minute."""
    rows = [
        "| attention | bonus of a symbol, weight of coverage | dev | test | joined | joined, CTC |",
        "|---|---|---|---|---|---|",
    ]
    for kind, item in values["alone"].items():
        long = item["joined"]
        rates = [item["dev"], item["test"], long["spelled"], long["greedy"]]
        terms = f"{item['length_bonus']}, {item['coverage_weight']}"
        rows.append(f"| {kind} | {terms} | {' | '.join(map(rate_with_counts, rates))} |")
    return "\n".join([*rows, ""])


def outcome(recipe: Path) -> tuple[str, str]:
    """Return the best of the means on the test by each decoder, and what all trainings took."""
    path = recipe / "study.json"
    if not path.exists():
        return NOT_RUN, "some hours of two CPU cores"
    values = json.loads(path.read_text(encoding="utf-8"))
    found = []
    for decoder, name in DECODERS.items():
        each = {kind: _found(runs, decoder) for kind, runs in values["systems"].items()}
        means = {kind: _mean(rates) for kind, rates in each.items() if rates}
        found.append(f"{name}: {'; '.join(f'{kind} {mean}' for kind, mean in means.items())}")
    minutes = sum(run["minutes"] for runs in values["systems"].values() for run in runs)
    return ". ".join(found), f"{minutes / 60:.0f} h of two CPU cores"


def _found(runs: list[dict[str, Any]], decoder: str) -> list[dict[str, Any]]:
    return [run["decoders"][decoder] for run in runs if decoder in run["decoders"]]


def _percent(counts: dict[str, Any]) -> str:
    return f"{100 * counts['rate']:.2f} % [{counts['errors']}]"


def _mean(found: list[dict[str, Any]]) -> str:
    rates = [100 * item["test"]["rate"] for item in found]
    spread = statistics.stdev(rates) if len(rates) > 1 else 0.0
    return f"{statistics.fmean(rates):.2f} ± {spread:.2f} %"
