"""The table of all recipes: what a corpus is, what came of it, what it cost or would cost.

A recipe of a corpus is a folder of ``recipes`` with ``prepare.py`` and ``config.toml``; the others
are studies. What cannot be derived of a corpus stands in the first table of its README, with the
rows :data:`FACTS`; the network is that of ``config.toml``; the result that of ``results.json``
(``asr evaluate``, or a study that has ``rows``) or else of ``runs`` (``scripts/record_run.py``);
for a corpus that was not run, the cost is that of ``cost`` (``scripts/project_cost.py``).
"""

import json
import re
import statistics
from pathlib import Path
from typing import Any

from asr.errors import DataError
from asr.evaluation.results import counts_from_values
from asr.files import read_text
from asr.model.config import EncoderConfig
from asr.training.config import load_config

FACTS = ("corpus", "language", "speech", "licence")
PARTS = ("prepare.py", "config.toml")
NOT_RUN = "not run here"


def recipes(folder: Path) -> list[Path]:
    """The folders of recipes of corpora, by name."""
    found = {path.parent for path in folder.glob(f"*/{PARTS[0]}")}
    return sorted(path for path in found if all((path / part).exists() for part in PARTS))


def facts(readme: Path) -> dict[str, str]:
    """The first table of a recipe's README.

    Raises:
        DataError: no README, or rows other than :data:`FACTS`.
    """
    text = read_text(readme, "README")
    head = re.search(r"^\| \| \|\n\|---\|---\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    rows = re.findall(r"^\| (.*?) \| (.*) \|$", head[1] if head else "", re.MULTILINE)
    if [name for name, _ in rows] != list(FACTS):
        raise DataError(f"{readme}: its first table needs the rows {', '.join(FACTS)}")
    return dict(rows)


def recipes_table(folder: Path) -> str:
    """A Markdown table with a row for each recipe."""
    rows = [
        "| recipe | corpus | language | speech | licence | network | WER on the test set | cost |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for recipe in recipes(folder):
        own = facts(recipe / "README.md")
        encoder = load_config(recipe / "config.toml").encoder
        cells = [f"[{recipe.name}]({recipe.name})", *own.values(), network(encoder)]
        rows.append(f"| {' | '.join([*cells, *outcome(recipe)])} |")
    return "\n".join(rows) + "\n"


def network(encoder: EncoderConfig) -> str:
    """In short: ``3 × 256 BiGRU``."""
    ways = "Bi" if encoder.bidirectional else ""
    return f"{encoder.layers} × {encoder.hidden_size} {ways}{encoder.cell.upper()}"


def outcome(recipe: Path) -> tuple[str, str]:
    """The result of a recipe and what it cost, or what it would cost."""
    results = read(recipe / "results.json")
    runs = [read(path) for path in sorted((recipe / "runs").glob("*.json"))]
    if "score" in results:
        training = results["model"]["provenance"]
        score = {"wer": results["score"]["wer"], "wer_interval": results["wer_interval"]}
        return rate(score), cost(training)
    if "rows" in results:
        rows = [(row["model"], rate(row), cost(row)) for row in results["rows"]]
        return (
            "; ".join(f"{name}: {said}" for name, said, _ in rows),
            "; ".join(f"{name}: {took}" for name, _, took in rows),
        )
    if runs:
        rates = [100 * run["test"]["wer"]["rate"] for run in runs]
        spread = f" ± {statistics.stdev(rates):.2f}" if len(rates) > 1 else ""
        errors = ", ".join(str(run["test"]["wer"]["errors"]) for run in runs)
        minutes = statistics.mean(run["minutes"] for run in runs)
        return (
            f"{statistics.mean(rates):.2f}{spread} % [{errors} / "
            f"{runs[0]['test']['wer']['reference']}]",
            f"{minutes:.0f} min on {runs[0]['hardware']}",
        )
    costs = [read(path) for path in sorted((recipe / "cost").glob("*.json"))]
    return NOT_RUN, "; ".join(map(projection, costs)) or "not projected yet"


def rate(score: dict[str, Any]) -> str:
    """A word error rate with its counts and interval."""
    text = short(score["wer"])
    if score["wer_interval"] is None:
        return text
    low, high = (100 * score["wer_interval"][name] for name in ("low", "high"))
    return f"{text}, 95 %: {low:.2f} to {high:.2f} %"


def short(values: dict[str, Any]) -> str:
    """A rate with its counts alone: ``7.12 % [55 / 773]``."""
    counts = counts_from_values(values)
    return f"{100 * counts.rate:.2f} % [{counts.errors} / {counts.reference}]"


def cost(training: dict[str, Any]) -> str:
    """What a training took."""
    return f"{training['minutes']:.0f} min on {training['hardware']}"


def projection(values: dict[str, Any]) -> str:
    """What a training would take, in words."""
    return (
        f"projected: {duration(values['projected_hours'])} on {values['hardware']} for "
        f"{values['hours']:g} h × {values['epochs']} epochs"
    )


def duration(hours: float) -> str:
    """In hours, minutes or seconds, of which there are two or more.

    >>> duration(2.4), duration(0.25), duration(0.01), duration(1e-5)
    ('2 h', '15 min', '36 s', 'under 2 s')
    """
    if hours * 3600 < 2:
        return "under 2 s"
    unit, count = next(
        ((unit, hours * count) for unit, count in (("h", 1), ("min", 60)) if hours * count >= 2),
        ("s", hours * 3600),
    )
    return f"{count:.0f} {unit}"


def read(path: Path) -> dict[str, Any]:
    """A JSON file; nothing where there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
