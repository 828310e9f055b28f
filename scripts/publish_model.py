"""Make a trained model ready to be shipped: golden clips, model card and scores.

    python scripts/publish_model.py --model runs/an4/model --card recipes/an4/card.md \\
        --score an4_test=recipes/an4/results.json --output recipes/an4/model

Each ``--score NAME=RESULTS`` puts the score of a ``results.json`` of this very model into
``model.json``, and in place of ``{NAME}`` into the card. The golden clips are three of the samples.
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from asr.errors import AsrError, DataError
from asr.golden import add_golden
from asr.modeldir import read_files, read_model, write_model
from asr.report.results import score_from_values

GOLDEN = ("flite-slt-spelled-name", "espeak-en-us-control-letters", "flite-rms-short-answer")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="a directory of asr train")
    parser.add_argument("--card", type=Path, required=True, help="Markdown with {NAME} for scores")
    parser.add_argument("--score", action="append", default=[], metavar="NAME=RESULTS")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        scores = dict(item.split("=", 1) for item in options.score)
        publish(
            options.model, options.card, {k: Path(v) for k, v in scores.items()}, options.output
        )
    except AsrError as error:
        sys.exit(f"error: {error}")


def publish(model: Path, card: Path, scores: dict[str, Path], output: Path) -> None:
    """Write the model directory ``output``.

    Raises:
        DataError: results of another model.
    """
    info = read_model(model)
    text = card.read_text(encoding="utf-8")
    recorded: dict[str, Any] = dict(info.scores)
    for name, path in scores.items():
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["model"]["sha256"] != info.hash:
            raise DataError(f"{path}: results of another model than {model}; evaluate it again")
        recorded[name] = {"score": values["score"], "command": values["command"]}
        text = text.replace("{" + name + "}", str(score_from_values(values["score"]).words))
    files = {**read_files(model, info), "README.md": text.encode()}
    write_model(output, replace(info, scores=recorded), files)
    clips = {f"{name}.wav": Path(f"samples/{name}.wav").read_bytes() for name in GOLDEN}
    add_golden(output, clips)
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    print(f"{output}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
