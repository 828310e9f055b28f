"""This module makes the table of all recipes, with their corpora, results and costs.

A recipe of a corpus is a folder of ``recipes`` with ``prepare.py`` and ``config.toml``; the other
folders hold studies. The facts about a corpus stand in the first table of the recipe's README, with
the rows :data:`FACTS`, and the network stands in ``config.toml``. The result stands in
``results.json``, which ``asr evaluate`` or a study with ``rows`` wrote, or else in ``runs``
(``scripts/record_run.py``). If nothing was trained on a corpus, the projected cost stands in
``cost`` (``scripts/project_cost.py``). A recipe that keeps other records has a function ``outcome``
in its ``tables.py``, which takes the folder and returns the result and the cost.
"""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

from common_tables import duration, network

from asr.errors import DataError
from asr.evaluation.results import mean_rate, rate_with_counts
from asr.files import read_text
from asr.training.config import load_config

FACTS = ("corpus", "language", "speech", "licence")
PARTS = ("prepare.py", "config.toml")
NOT_RUN = "not run here"


def find_recipes(folder: Path) -> list[Path]:
    """Return the folders of recipes of corpora, sorted by name."""
    found = {path.parent for path in folder.glob(f"*/{PARTS[0]}")}
    return sorted(path for path in found if all((path / part).exists() for part in PARTS))


def own_tables(recipe: Path) -> ModuleType | None:
    """Import and return ``tables.py`` of a recipe, or return None if it has none."""
    path = recipe / "tables.py"
    if not path.exists():
        return None
    spec = importlib.util.spec_from_file_location(f"{recipe.name}_tables", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def facts(readme: Path) -> dict[str, str]:
    """Read the first table of a recipe's README.

    Raises:
        DataError: there is no README, or its table has other rows than :data:`FACTS`.
    """
    text = read_text(readme, "README")
    head = re.search(r"^\| \| \|\n\|---\|---\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    rows = re.findall(r"^\| (.*?) \| (.*) \|$", head[1] if head else "", re.MULTILINE)
    if [name for name, _ in rows] != list(FACTS):
        raise DataError(f"{readme}: its first table needs the rows {', '.join(FACTS)}")
    return dict(rows)


def overview(folder: Path) -> str:
    """Return a table with a row for each recipe in ``folder``."""
    rows = [
        "| recipe | corpus | language | speech | licence | network | WER on the test set | cost |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for recipe in find_recipes(folder):
        own = facts(recipe / "README.md")
        encoder = load_config(recipe / "config.toml").encoder
        cells = [f"[{recipe.name}]({recipe.name})", *own.values(), network(encoder)]
        rows.append(f"| {' | '.join([*cells, *outcome(recipe)])} |")
    return "\n".join(rows) + "\n"


def outcome(recipe: Path) -> tuple[str, str]:
    """Return the result of a recipe and what it cost, or what it would cost."""
    own = own_tables(recipe)
    if own is not None and hasattr(own, "outcome"):
        found: tuple[str, str] = own.outcome(recipe)
        return found
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
        scores = [run["test"]["wer"] for run in runs]
        errors = ", ".join(str(score["errors"]) for score in scores)
        minutes = sum(run["minutes"] for run in runs) / len(runs)
        return (
            f"{mean_rate(scores)} [{errors} / {scores[0]['reference']}]",
            cost({**runs[0], "minutes": minutes}),
        )
    costs = [read(path) for path in sorted((recipe / "cost").glob("*.json"))]
    return NOT_RUN, "; ".join(map(projection, costs)) or "not projected yet"


def rate(score: dict[str, Any]) -> str:
    """Return a word error rate with its counts and its interval, as text."""
    text = rate_with_counts(score["wer"])
    if score["wer_interval"] is None:
        return text
    low, high = (100 * score["wer_interval"][name] for name in ("low", "high"))
    return f"{text}, 95 %: {low:.2f} to {high:.2f} %"


def cost(training: dict[str, Any]) -> str:
    """Return the minutes and the hardware of a training, as text."""
    return f"{training['minutes']:.0f} min on {training['hardware']}"


def projection(values: dict[str, Any]) -> str:
    """Return the projected time and the hardware of a training, as text."""
    return (
        f"projected: {duration(values['projected_hours'])} on {values['hardware']} for "
        f"{values['hours']:g} h × {values['epochs']} epochs"
    )


def read(path: Path) -> dict[str, Any]:
    """Read a JSON file, or return nothing if it does not exist."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
