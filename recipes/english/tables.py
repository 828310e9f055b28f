"""This module makes the tables of the English model from the records of its benchmark."""

import json
from pathlib import Path
from typing import Any

from asr.evaluation.interval import Interval
from asr.evaluation.results import rate_with_counts

NOT_RUN = "not run here"


def peers(values: dict[str, Any]) -> str:
    """Return a table of the word error rates of all recognisers on each set, with speeds."""
    rows = ["| set | recogniser | WER | 95 % interval | times real time |", "|---|---|---|---|---|"]
    for name, recognisers in values["sets"].items():
        for recogniser, found in recognisers.items():
            interval = found["wer_interval"]
            between = "–" if interval is None else str(Interval(**interval))
            rows.append(
                f"| {name} | {recogniser} | {rate_with_counts(found['wer'])} | {between} "
                f"| {found['times_real_time']:g}× |"
            )
    return "\n".join([*rows, ""])


def growth(values: dict[str, Any]) -> str:
    """Return a table of the word error rates on the development sets by hours of speech."""
    sets = list(values["rows"][0]["wer"])
    rows = [
        f"| real, h | synthetic, h | mean | {' | '.join(sets)} |",
        f"|---|---|---|{'---|' * len(sets)}",
    ]
    for row in values["rows"]:
        rates = [row["wer"][name] for name in sets]
        cells = [f"{rate:.1f} %" for rate in (sum(rates) / len(rates), *rates)]
        hours = f"{row['real_hours']:.1f} | {row['synthetic_hours']:.1f}"
        rows.append(f"| {hours} | {' | '.join(cells)} |")
    return "\n".join([*rows, ""])


def outcome(recipe: Path) -> tuple[str, str]:
    """Return the results of the model by default on each set, and what its training took."""
    path = recipe / "peers.json"
    if not path.exists():
        return NOT_RUN, "days of two CPU cores"
    values = json.loads(path.read_text(encoding="utf-8"))
    rates = []
    for name, recognisers in values["sets"].items():
        ours = [found for title, found in recognisers.items() if title.startswith("this model")]
        rates.append(f"{name}: {rate_with_counts(ours[-1]['wer'])}")
    return "; ".join(rates), f"{values['minutes'] / 60:.0f} h on {values['hardware']}"
