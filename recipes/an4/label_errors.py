"""Measure how well label errors are found, by planting wrong texts among AN4's references.

    python recipes/an4/label_errors.py --data data/an4 --model recipes/an4/model \\
        --output recipes/an4/label_errors.json

In each of 50 trials, 4 utterances of ``dev.jsonl`` get a wrong text: that of another utterance, or
their own with one word replaced by another word of ``train.jsonl``. All utterances are ranked by
the logarithm of a ratio: how much likelier the model finds the text that greedy search recognises
than it finds the reference. The planted texts among the first 5 %, rounded up, are counted. The
ratio is taken as it is, per frame, and per character of the longer text, as
:func:`asr.evaluation.label_errors.label_score` takes it. ``--show N`` also prints the first N of
the manifest's own references, which may be wrong.
"""

import argparse
import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from asr.data.manifest import Utterance, read_manifest
from asr.decoding.greedy import greedy
from asr.errors import AsrError
from asr.evaluation.label_errors import label_score, log_ratio
from asr.evaluation.tuning import recognise
from asr.files import sha256, write_atomically
from asr.model.session import LogProbs
from asr.recognition.transcriber import Transcriber
from asr.text import Vocabulary, normalize

SEEDS = range(1, 51)
PLANTED = 4
TOP = 0.05
FORMS = ("as it is", "per frame", "per character")

Planter = Callable[[Sequence[str], int, np.random.Generator], str]
"""A function that is given the references and the index of one, and returns a wrong text for it."""


@dataclass(frozen=True)
class Heard:
    """N references, and what the model recognised in their recordings."""

    references: list[str]
    hypotheses: list[str]
    log_probs: list[LogProbs]
    vocabulary: Vocabulary

    @property
    def top(self) -> int:
        """Return the number of places at the head of the ranking in which texts are counted."""
        return math.ceil(TOP * len(self.references))

    def scores(self, index: int, reference: str) -> tuple[float, ...]:
        """Return the score in each of :data:`FORMS` for a reference of utterance ``index``."""
        log_probs, hypothesis = self.log_probs[index], self.hypotheses[index]
        ratio = log_ratio(reference, hypothesis, log_probs, self.vocabulary)
        score = label_score(reference, hypothesis, log_probs, self.vocabulary)
        return ratio, ratio / max(1, len(log_probs)), score


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, default=Path("data/an4"), help="AN4, prepared; default: data/an4"
    )
    parser.add_argument(
        "--model",
        type=Path,
        default=Path("recipes/an4/model"),
        help="the model; default: recipes/an4/model",
    )
    parser.add_argument("--output", type=Path, help="write the counts to this file, as JSON")
    parser.add_argument(
        "--show",
        type=int,
        default=0,
        metavar="N",
        help="print the N references that are likeliest to be wrong; default: 0",
    )
    options = parser.parse_args(arguments)
    try:
        run(options.data, options.model, options.output, options.show)
    except AsrError as error:
        sys.exit(f"error: {error}")


def run(data: Path, model: Path, output: Path | None, shown: int) -> None:
    """Plant wrong texts, print how many are found, and write the counts to ``output``."""
    manifest = data / "dev.jsonl"
    transcriber = Transcriber(model)
    utterances = read_manifest(manifest)
    words = sorted({w for item in read_manifest(data / "train.jsonl") for w in item.text.split()})
    heard = listen(utterances, transcriber)
    found = {
        "another text": plant(heard, another_text),
        "another word": plant(heard, partial(another_word, words)),
    }
    planted = PLANTED * len(SEEDS)
    print(f"planted texts among the first {heard.top} of {len(utterances)}, {planted} planted")
    print(f"{'':14}" + "".join(f"{form:>20}" for form in FORMS))
    for kind, counts in found.items():
        cells = (f"{100 * count / planted:.1f} % [{count}]" for count in counts.values())
        print(f"{kind:14}" + "".join(f"{cell:>20}" for cell in cells))
    for place, (score, index) in enumerate(ranking(heard)[:shown], start=1):
        print(f"{place:3} {score:7.2f} {utterances[index].id}")
        print(f"    reference   {heard.references[index]}")
        print(f"    recognised  {heard.hypotheses[index]}")
    if output is not None:
        values = {
            "command": f"python recipes/an4/label_errors.py --data {data} --model {model} "
            f"--output {output}",
            "model": transcriber.model.hash,
            "manifest": {"path": str(manifest), "sha256": sha256(manifest)},
            "utterances": len(utterances),
            "top": heard.top,
            "seeds": [SEEDS[0], SEEDS[-1]],
            "planted": planted,
            "found": found,
        }
        write_atomically(output, json.dumps(values, indent=1) + "\n")


def listen(utterances: Sequence[Utterance], transcriber: Transcriber) -> Heard:
    """Return the references, the log-probs, and the texts of the best paths through them."""
    log_probs = recognise(utterances, transcriber)
    vocabulary = transcriber.model.vocabulary
    tokens = [greedy(item, vocabulary.blank_id).tokens for item in log_probs]
    texts = [normalize(vocabulary.decode(item)) for item in tokens]
    return Heard([item.text for item in utterances], texts, log_probs, vocabulary)


def ranking(heard: Heard) -> list[tuple[float, int]]:
    """Return the label scores and indices of the utterances, the likeliest error first."""
    scores = [heard.scores(index, text)[-1] for index, text in enumerate(heard.references)]
    return sorted(zip(scores, range(len(scores)), strict=True), key=lambda item: -item[0])


def plant(heard: Heard, planter: Planter) -> dict[str, int]:
    """Count the planted texts that are found, by form of the score, over all seeds."""
    untouched = np.array([heard.scores(*item) for item in enumerate(heard.references)])
    found: Any = np.zeros(len(FORMS), int)
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        chosen = rng.choice(len(untouched), PLANTED, replace=False)
        scores = untouched.copy()
        for index in chosen.tolist():
            scores[index] = heard.scores(index, planter(heard.references, index, rng))
        first = np.argsort(-scores, axis=0, kind="stable")[: heard.top]
        found += np.isin(first, chosen).sum(axis=0)
    return dict(zip(FORMS, found.tolist(), strict=True))


def another_text(references: Sequence[str], index: int, rng: np.random.Generator) -> str:
    """Return the text of another utterance, one that differs."""
    return str(rng.choice([text for text in references if text != references[index]]))


def another_word(
    words: Sequence[str], references: Sequence[str], index: int, rng: np.random.Generator
) -> str:
    """Return the reference with one of its words replaced by another one of ``words``."""
    said = references[index].split()
    place = int(rng.integers(len(said)))
    said[place] = str(rng.choice([word for word in words if word != said[place]]))
    return " ".join(said)


if __name__ == "__main__":
    main()
