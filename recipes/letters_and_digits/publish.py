"""Make a trained model ready to be shipped: a card written by hand, scores, spoken golden clips.

``asr train`` leaves a complete model directory; this takes a card and the samples instead of what
is generated there. ``train.py`` calls it for the default model. For the AN4 model, which that began
as, it is called by hand:

    python recipes/letters_and_digits/publish.py --model runs/an4/model \\
        --card recipes/an4/card.md --score an4_test=recipes/an4/results.json \\
        --output recipes/an4/model

Each ``--score NAME=RESULTS`` puts the score of a ``results.json`` of this very model into
``model.json``, and in place of ``{NAME}`` into the card. There, ``{conditions}`` and ``{unseen}``
are the tables of ``--conditions`` (``measure_conditions.py``) and ``--unseen``
(``unseen_speakers.py``), ``{data}`` says what the model was trained on, ``{parameters}`` how large
it is, ``{training}`` what its training took, and ``{minutes}`` what each step of ``train.py`` took.
The golden clips are three of the samples.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tables

from asr.data.manifest import read_manifest
from asr.errors import AsrError, DataError
from asr.evaluation.results import score_from_values
from asr.files import read_text, sha256
from asr.model.directory import CARD, ModelInfo, read_model, update_model
from asr.recognition.golden import FOLDER, golden_files
from asr.recognition.transcriber import Transcriber
from asr.training.card import amount

GOLDEN = ("flite-slt-spelled-name", "espeak-en-us-control-letters", "flite-rms-short-answer")
PLACE = re.compile(r"\{(\w+)\}")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="a directory of asr train")
    parser.add_argument("--card", type=Path, required=True, help="Markdown with {NAME} for scores")
    parser.add_argument("--score", action="append", default=[], metavar="NAME=RESULTS")
    for name in ("conditions", "unseen", "minutes"):
        parser.add_argument(f"--{name}", type=Path, metavar="FILE")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        scores = dict(item.split("=", 1) for item in options.score)
        publish(
            options.model,
            options.card,
            {k: Path(v) for k, v in scores.items()},
            options.output,
            options.conditions,
            options.unseen,
            options.minutes,
        )
    except AsrError as error:
        sys.exit(f"error: {error}")


def publish(
    model: Path,
    card: Path,
    scores: dict[str, Path],
    output: Path,
    conditions: Path | None = None,
    unseen: Path | None = None,
    minutes: Path | None = None,
) -> None:
    """Write the model directory ``output``.

    Raises:
        DataError: results of another model or of other data; a place of the card that nothing was
            given for.
    """
    info = read_model(model)
    recorded: dict[str, Any] = dict(info.scores)
    texts: dict[str, Callable[[], str]] = {
        "data": lambda: data_list(info),
        "parameters": lambda: f"{info.provenance['parameters'] / 1e6:.2f} M",
        "training": lambda: f"{stage_minutes(info)} min on {info.provenance['hardware']}",
    }
    for name, path in scores.items():
        values = read(path)
        check(values["model"]["sha256"] == info.hash, f"{path}: results of another model", model)
        recorded[name] = {"score": values["score"], "command": values["command"]}
        texts[name] = lambda score=values["score"]: str(score_from_values(score).words)
    if conditions:
        found = read(conditions)
        check(found["model"] == info.hash, f"{conditions}: results of another model", model)
        texts["conditions"] = lambda: tables.conditions(found).strip()
    if unseen:
        apart = read(unseen)
        trained = [
            digest for each in trainings(info) for digest in each.provenance["data"].values()
        ]
        same = all(apart["fsdd"][part] in trained for part in ("train", "dev"))
        check(same, f"{unseen}: of other digits", model)
        texts["unseen"] = lambda: tables.unseen(apart).strip()
    if minutes:
        steps = read(minutes)
        texts["minutes"] = lambda: ", ".join(f"{k} {v:.0f} min" for k, v in steps.items())
    text = PLACE.sub(lambda place: fill(place[1], texts, card), read_text(card, "model card"))
    clips = {f"{name}.wav": Path(f"samples/{name}.wav").read_bytes() for name in GOLDEN}
    files = {CARD: text.encode(), **golden_files(Transcriber(model), clips)}
    provenance = {**info.provenance, "golden": "recordings"}
    update_model(
        model, files, remove=[FOLDER], output=output, scores=recorded, provenance=provenance
    )
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    print(f"{output}: {size / 1e6:.1f} MB")


def fill(place: str, texts: dict[str, Callable[[], str]], card: Path) -> str:
    """Return the text for a ``place`` of the card."""
    if place not in texts:
        raise DataError(f"{card}: nothing was given for {{{place}}}; known: {', '.join(texts)}")
    return texts[place]()


def trainings(info: ModelInfo) -> list[ModelInfo]:
    """Return the models that a model began as, the first one first, and itself."""
    start = info.provenance["config"]["training"].get("init_from")
    return [*(trainings(read_model(start)) if start else []), info]


def stage_minutes(info: ModelInfo) -> str:
    """Return the minutes of each training but that of the model that it began with."""
    *others, last = (f"{each.provenance['minutes']:.0f}" for each in trainings(info)[1:])
    return f"{', '.join(others)} and {last}" if others else last


def data_list(info: ModelInfo) -> str:
    """Return the amounts of speech in training manifests as a Markdown list, each recording once.

    Raises:
        DataError: a manifest, or a model that it began as, is not there any more, or another one
            now.
    """
    lines = []
    listed: set[Path] = set()
    for each in trainings(info):
        for path in each.provenance["config"]["data"]["train"]:
            same = Path(path).exists() and sha256(path) == each.provenance["data"][path]
            check(same, f"{path}: not what was trained on", "the model")
            items = {item.audio.resolve(): item for item in read_manifest(path)}
            new = [items[audio] for audio in items.keys() - listed]
            if new:
                lines.append(f"  - `{path}`: {amount(new)}")
            listed |= items.keys()
    return "\n".join(lines)


def check(holds: bool, problem: str, model: Path | str) -> None:
    """Raise a DataError unless it ``holds``."""
    if not holds:
        raise DataError(f"{problem} than {model}; measure it again")


def read(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(read_text(path, "file of results"))


if __name__ == "__main__":
    main()
