"""Compare the GRU language model with n-grams, and have it make up text: results.json.

    python recipes/kjv/study.py

Three models are measured on the development and test text. The first is the n-gram model of
modified Kneser-Ney that is best on the development text among those of the orders 2 to 6. The
second is the GRU of ``runs/kjv``, which ``asr lm train --config recipes/kjv/lm.toml`` has trained.
The third is their mixture, with the weights that are best on the development text. The script
writes ``results.json`` beside this file, and copies the GRU there as ``lm.onnx``.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from asr.data.texts import read_texts
from asr.errors import AsrError
from asr.files import sha256, write_atomically
from asr.lm.kneser_ney import estimate
from asr.lm.overlap import text_overlap
from asr.lm.perplexity import (
    TokenScores,
    best_weights,
    count,
    mix,
    perplexity,
    token_scores,
)
from asr.lm.recurrent_lm import read_recurrent_lm
from asr.lm.sampling import sample_texts

HERE = Path(__file__).parent
ORDERS = range(2, 7)
PROMPT, COUNT = "and the king", 4
TEMPERATURES = (0.5, 1.0)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, default=Path("data/kjv"), help="the prepared text; default: data/kjv"
    )
    parser.add_argument(
        "--model",
        type=Path,
        default=Path("runs/kjv/lm.onnx"),
        help="the GRU language model; default: runs/kjv/lm.onnx",
    )
    options = parser.parse_args(arguments)
    try:
        study(options.data, options.model)
    except AsrError as error:
        sys.exit(f"error: {error}")


def study(data: Path, model: Path) -> None:
    """Measure all models, have the GRU make up text, and write and print the results."""
    train, dev, test, words = (
        read_texts(data / f"{name}.txt") for name in ("train", "dev", "test", "words")
    )
    lm = read_recurrent_lm(model)
    ngrams, seconds = {}, {}
    for order in ORDERS:
        started = time.perf_counter()
        ngrams[order] = estimate(train, order, vocabulary=words).model
        seconds[order] = time.perf_counter() - started
    on_dev = {order: perplexity(ngram, dev) for order, ngram in ngrams.items()}
    best = min(on_dev, key=lambda order: on_dev[order].including_oovs)
    models = (ngrams[best], lm)
    weights = best_weights([token_scores(item, dev) for item in models])
    scores = {name: [token_scores(item, texts) for item in models] for name, texts in
              (("dev", dev), ("test", test))}  # fmt: skip

    def row(name: str, minutes: float, parts: dict[str, TokenScores]) -> dict[str, Any]:
        found = {"dev": count(dev, parts["dev"]), "test": count(test, parts["test"])}
        values: dict[str, Any] = {"model": name, "minutes": round(minutes, 2)}
        for part, item in found.items():
            values[part] = asdict(item) | {
                "perplexity": round(item.including_oovs, 3),
                "per_character": round(item.per_character, 4),
            }
        return values

    training = lm.provenance["minutes"]
    rows = [
        row(f"{best}-gram, modified Kneser-Ney", seconds[best] / 60, pick(scores, 0)),
        row("GRU", training, pick(scores, 1)),
        row(
            f"mixture, {weights[0]:.2f} and {weights[1]:.2f}",
            seconds[best] / 60 + training,
            {part: mix(items, weights) for part, items in scores.items()},
        ),
    ]
    samples = {
        str(temperature): sample_texts(lm, PROMPT, temperature, COUNT)
        for temperature in TEMPERATURES
    }
    values = {
        "command": "python recipes/kjv/study.py",
        "lm": {name: value for name, value in lm.provenance.items() if name != "data"},
        "texts": {name: sha256(data / f"{name}.txt") for name in ("train", "dev", "test", "words")},
        "order_by_dev": {order: round(item.including_oovs, 3) for order, item in on_dev.items()},
        "overlap": asdict(text_overlap(train, test, best)),
        "weights": weights,
        "rows": rows,
        "prompt": PROMPT,
        "samples": samples,
    }
    write_atomically(HERE / "results.json", json.dumps(values, indent=1) + "\n")
    write_atomically(HERE / "lm.onnx", lm.data)
    for item in rows:
        print(
            f"{item['model']}: dev {item['dev']['perplexity']}, test {item['test']['perplexity']}"
        )


def pick(scores: dict[str, list[TokenScores]], index: int) -> dict[str, TokenScores]:
    """Return the scores of one model, by part."""
    return {part: items[index] for part, items in scores.items()}


if __name__ == "__main__":
    main()
