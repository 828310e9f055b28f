"""Measure how much a language model and a lexicon add to the AN4 model, for README.md's table.

    python recipes/an4/decoding.py --data data/an4 --model recipes/an4/model

The beam search is measured without a language model and with n-grams of the orders 1 to 3. With
each of them it may use any word, only the words of the training transcripts, or only the words of
the archive's own list (``etc/an4.dic``, which Kaldi's recipe uses). In each case, the weights are
tuned on the development speakers with a language model of the training speakers' transcripts. Then
the test set is decoded once, with the language model and the words of all 948 training transcripts,
those of the development speakers included.

For each list of words, a GRU language model (``lm.toml``, trained here on the same transcripts)
then rescores the best texts of the search that was best on the development speakers; its weights
are tuned on them too. The script writes ``decoding.json`` beside this file. The search over the
words of the transcripts that is best on the development set goes into the model, and the GRU with
it if the tuned score gives it a share.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from asr.config import from_mapping, read_values
from asr.data.manifest import read_manifest
from asr.data.texts import read_texts
from asr.decoding.bundle import Bundle, write_bundle
from asr.decoding.config import DecodingConfig
from asr.decoding.greedy import greedy
from asr.decoding.lexicon import read_lexicon
from asr.errors import AsrError
from asr.evaluation.results import count_values
from asr.evaluation.scoring import ErrorCounts, word_errors
from asr.evaluation.tuning import Trial, Tuner, recognise
from asr.files import sha256, write_atomically
from asr.lm.kneser_ney import estimate
from asr.lm.packed import PackedLm
from asr.lm.perplexity import perplexity
from asr.lm.recurrent_lm import RecurrentLm, read_recurrent_lm
from asr.model.session import LogProbs
from asr.recognition.transcriber import Transcriber
from asr.text import Vocabulary, normalize
from asr.training.lm.config import LmConfig
from asr.training.lm.fit import fit

ORDERS = (0, 1, 2, 3)
WORD_LISTS = ("any word", "training words", "an4.dic")
SHIPPED = "training words"
COMMAND = "python recipes/an4/decoding.py"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, default=Path("data/an4"), help="AN4, prepared; default: data/an4"
    )
    parser.add_argument(
        "--model",
        type=Path,
        default=Path("recipes/an4/model"),
        help="the model, which gets the best search; default: recipes/an4/model",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(__file__).parent / "decoding.json",
        help="the JSON file to write; default: decoding.json beside this script",
    )
    options = parser.parse_args(arguments)
    try:
        run(options.data, options.model, options.output)
    except AsrError as error:
        sys.exit(f"error: {error}")


def run(data: Path, model: Path, output: Path) -> None:
    """Tune and test every search, write the results, and give the model its bundle."""
    transcriber = Transcriber(model)
    vocabulary = transcriber.model.vocabulary
    dev, test = (read_manifest(data / f"{part}.jsonl") for part in ("dev", "test"))
    dev_probs, test_probs = (recognise(part, transcriber) for part in (dev, test))
    dev_texts, test_texts = ([item.text for item in part] for part in (dev, test))
    train_texts = read_texts(data / "train.jsonl")
    all_texts = [*train_texts, *dev_texts]
    unseen = [i for i, text in enumerate(test_texts) if text not in set(all_texts)]

    def counts(errors: ErrorCounts, hypotheses: list[str]) -> dict[str, Any]:
        """Return the error counts of the development set, and those of the test's hypotheses."""
        pairs = [(test_texts[i], hypotheses[i]) for i in unseen]
        return {
            "dev": count_values(errors),
            "test": count_values(word_errors(test_texts, hypotheses)),
            "unseen_texts": count_values(word_errors(*zip(*pairs, strict=True))),
        }

    def row(
        words: str, order: int, trial: Trial, final: Tuner, rescored: bool = False
    ) -> dict[str, Any]:
        """Decode the test set as ``trial``, chosen on the development set, says; return a row."""
        started = time.perf_counter()
        texts = final.texts(trial.options, rescored)
        seconds = time.perf_counter() - started
        values = {"search": "beam", "words": words, "order": order, "rescored": rescored}
        values |= {"shipped": False, "test_seconds": round(seconds, 4), **asdict(trial.options)}
        values |= counts(trial.errors, texts)
        print(f"{words}, order {order}: dev {trial.errors}, test {values['test']['errors']}")
        return values

    greedily = [[best_path(item, vocabulary) for item in part] for part in (dev_probs, test_probs)]
    rows: list[dict[str, Any]] = [
        {"search": "greedy", **counts(word_errors(dev_texts, greedily[0]), greedily[1])}
    ]
    second = {part: train_lm(data, part) for part in ("dev", "test")}
    bundle = Bundle()
    for words in WORD_LISTS:
        dev_lexicon, lexicon = (word_list(words, texts, data) for texts in (train_texts, all_texts))
        found: list[tuple[dict[str, Any], tuple[PackedLm | None, PackedLm | None]]] = []
        for order in ORDERS:
            lms = tuple(
                estimate(texts, order).model if order else None
                for texts in (train_texts, all_texts)
            )
            tuner = Tuner(vocabulary, dev_probs, dev_texts, lms[0], dev_lexicon)
            final = Tuner(vocabulary, test_probs, test_texts, lms[1], lexicon)
            rows.append(row(words, order, tuner.tune(DecodingConfig()).first, final))
            found.append((rows[-1], (lms[0], lms[1])))
        best, (dev_lm, lm) = min(found, key=lambda item: item[0]["dev"]["errors"])
        tuner = Tuner(vocabulary, dev_probs, dev_texts, dev_lm, dev_lexicon, second["dev"])
        final = Tuner(vocabulary, test_probs, test_texts, lm, lexicon, second["test"])
        tuning = tuner.tune(DecodingConfig())
        rows.append(row(words, best["order"], tuning.chosen, final, rescored=True))
        if words == SHIPPED:
            best["shipped"] = True
            bundle = make_bundle(tuning.first.options, lm, lexicon, best)
            if tuning.chosen.options.rescore_share:  # without a share, the GRU changes nothing
                rows[-1]["shipped"] = True
                bundle = replace(bundle, options=tuning.chosen.options, rescore_lm=second["test"])
                bundle.provenance["rescored"] = {name: rows[-1][name] for name in ("dev", "test")}
    values = {
        "model": transcriber.model.hash,
        "manifests": {part: sha256(data / f"{part}.jsonl") for part in ("train", "dev", "test")},
        "unseen_texts": len(unseen),
        "perplexity": {
            "trigram": perplexity(estimate(train_texts, 3).model, dev_texts).including_oovs,
            "GRU": perplexity(second["dev"], dev_texts).including_oovs,
        },
        "command": COMMAND,
        "rows": rows,
    }
    write_atomically(output, json.dumps(values, indent=1) + "\n")
    write_bundle(model, bundle)


def train_lm(data: Path, part: str) -> RecurrentLm:
    """Return the GRU language model to decode ``part`` with, and train it unless that was done.

    It is trained on the transcripts of the training speakers, and for the test on those of the
    development speakers too.
    """
    dev = [str(data / "dev.jsonl")]
    train = [str(data / "train.jsonl"), *(dev if part == "test" else [])]
    overrides = [f"data.train={train}", f"data.dev={dev}", f"name=an4-lm-{part}"]
    config = from_mapping(LmConfig, read_values(Path(__file__).parent / "lm.toml", overrides))
    path = Path("runs") / config.name / "lm.onnx"
    return read_recurrent_lm(path if path.exists() else fit(config))


def best_path(log_probs: LogProbs, vocabulary: Vocabulary) -> str:
    """Return the text that greedy search finds."""
    tokens = greedy(log_probs, vocabulary.blank_id).tokens
    return normalize(vocabulary.decode(tokens))


def word_list(words: str, texts: list[str], data: Path) -> list[str] | None:
    """Return the lexicon of a row, or None if any word may come out."""
    if words == "any word":
        return None
    if words == "an4.dic":
        return read_lexicon(data / "an4" / "etc" / "an4.dic")
    return sorted({word for text in texts for word in text.split()})


def make_bundle(
    options: DecodingConfig, lm: PackedLm | None, lexicon: list[str] | None, row: dict[str, Any]
) -> Bundle:
    """Return the bundle that goes into the model directory."""
    provenance = {
        "command": COMMAND,
        "text": "the 948 training transcripts of AN4; weights tuned on 7 speakers of them with "
        "a language model from the other 67",
        "dev": row["dev"],
        "an4_test": row["test"],
    }
    words = None if lexicon is None else tuple(lexicon)
    return Bundle(options, lm, words, provenance)


if __name__ == "__main__":
    main()
