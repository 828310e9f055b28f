"""Measure what a decoder with attention gives and costs on AN4, for README.md's tables.

    python recipes/attention/study.py --data data/an4 --output recipes/attention/study.json

The encoder is that of ``recipes/an4``, trained by CTC alone and jointly with each kind of
attention, with three seeds each. The share of the attention in the loss is chosen first, by the
word errors of greedy decoding on the development speakers, with one seed of the first kind. Each
run is decoded greedily, by beam search over the words of the training transcripts, and, if it has a
decoder, with its scores too. What has to be tuned is tuned on the development speakers, then the
test is decoded once with the words of all training transcripts. Last, the decoder alone spells the
test, and the same recordings joined to a minute and more.

A training that is finished is not done again, and one that was stopped goes on.
"""

import argparse
import io
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch

from asr.audio.read import read_audio
from asr.data.manifest import Utterance, read_manifest
from asr.decoding.attention import AttentionScorer, Encodings, read_scorer
from asr.decoding.beam import BeamSearch
from asr.decoding.config import DecodingConfig
from asr.decoding.greedy import greedy
from asr.errors import AsrError, DataError
from asr.evaluation.results import count_values
from asr.evaluation.scoring import ErrorCounts, count_errors, word_errors
from asr.evaluation.seeds import compare_seeds
from asr.evaluation.tuning import Tuner
from asr.files import write_atomically
from asr.model.session import LogProbs
from asr.recognition.transcriber import Transcriber
from asr.training.attention import AttentionDecoder
from asr.training.attention_search import search_attention
from asr.training.config import Config, load_config
from asr.training.curves import read_metrics
from asr.training.export import start_decoder_from
from asr.training.fit import fit_once

CONFIG = Path(__file__).parents[1] / "an4" / "config.toml"
KINDS = ("dot", "additive", "location")
SHARES = (0.1, 0.3, 0.5)
"""The shares of the attention in the loss that are tried, with the first kind and seed."""
SEEDS = (1, 2, 3)
CTC = "CTC"
LENGTH_BONUSES = (0.0, 0.3, 0.6, 1.0, 1.5)
COVERAGE_WEIGHTS = (0.0, 0.1, 0.3, 0.6)
BEAM = 10
SECONDS = 60.0
"""The least duration of the joined recordings."""


@dataclass(frozen=True)
class Heard:
    """What a model gives for a set of recordings: log-probs, encodings, and the texts."""

    log_probs: list[LogProbs]
    encodings: list[Encodings]
    texts: list[str]


class Run:
    """A finished training, with what decoding it needs."""

    def __init__(self, config: Config) -> None:
        self.config, self.folder = config, fit_once(config)
        self.transcriber = Transcriber(self.folder)
        model = self.transcriber.model
        self.vocabulary, self.rate = model.vocabulary, model.sample_rate
        self.scorer = read_scorer(self.folder, model)
        if self.scorer is not None:
            session = self.transcriber.session.with_encodings()
            self.transcriber = self.transcriber.using(session, None)

    def hear(self, recordings: Sequence[Any], texts: Sequence[str]) -> Heard:
        """Compute the log-probs and encodings of recordings with their texts."""
        rows = []
        for row in self.transcriber.rows_many(recordings):
            if isinstance(row, AsrError):
                raise row
            rows.append(np.split(row, [len(self.vocabulary)], axis=1))
        log_probs, encodings = ([np.ascontiguousarray(pair[i]) for pair in rows] for i in (0, 1))
        return Heard(log_probs, encodings, list(texts))

    def decoder(self) -> AttentionDecoder:
        """Return the decoder in torch."""
        model, options = self.transcriber.model, self.config.attention
        size = self.transcriber.session.encoding_size
        decoder = AttentionDecoder(options, size, len(model.vocabulary))
        if left_out := start_decoder_from(self.folder, decoder, model.vocabulary):
            raise DataError(f"{self.folder}: {left_out[0]}")
        return decoder.eval()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--data", type=Path, default=Path("data/an4"), help="AN4, prepared; default: data/an4")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="as of asr train")
    add("--output", type=Path, required=True, help="the JSON file to write")
    options = parser.parse_args(arguments)
    try:
        values = study(options.data, options.set)
    except AsrError as error:
        sys.exit(f"error: {error}")
    write_atomically(options.output, json.dumps(values, indent=1) + "\n")


def study(data: Path, settings: Sequence[str]) -> dict[str, Any]:
    """Train and measure all systems; return the values of ``study.json``."""
    first = [run_of(data, KINDS[0], SEEDS[0], share, settings) for share in SHARES]
    tried = [greedy_errors(run, read_manifest(data / "dev.jsonl")) for run in first]
    share = SHARES[min(range(len(SHARES)), key=lambda place: tried[place].errors)]
    systems, texts = {}, dict[str, dict[str, list[list[str]]]]()
    for kind in (CTC, *KINDS):
        rows = []
        texts[kind] = {}
        for seed in SEEDS:
            row, decoded = measure(run_of(data, kind, seed, share, settings), data)
            rows.append(row)
            for decoder, found in decoded.items():
                texts[kind].setdefault(decoder, []).append(found)
        systems[kind] = rows
    test = read_manifest(data / "test.jsonl")
    speakers, references = [item.speaker for item in test], [item.text for item in test]
    verdicts = []
    for kind, (decoder, base) in product(
        KINDS, (("greedy", "greedy"), ("words", "words"), ("attention", "words"))
    ):
        first_texts, second_texts = texts[CTC][base], texts[kind][decoder]
        found = compare_seeds(references, first_texts, second_texts, speakers)
        verdict = found.verdict(f"CTC, {base}", f"{kind}, {decoder}")
        verdicts.append({"kind": kind, "decoder": decoder, "difference": found.rate,
                         "verdict": verdict})  # fmt: skip
    return {
        "shares": [
            {"share": item, "dev": count_values(errors)}
            for item, errors in zip(SHARES, tried, strict=True)
        ],
        "share": share,
        "systems": systems,
        "verdicts": verdicts,
        "alone": {
            kind: alone(run_of(data, kind, SEEDS[0], share, settings), data) for kind in KINDS
        },
    }


def run_of(data: Path, kind: str, seed: int, share: float, settings: Sequence[str]) -> Run:
    """Return the run of a system, which is trained if it is not there."""
    name = f"attention-{kind.lower()}-{seed}"
    joint = []
    if kind != CTC:
        name += f"-{100 * share:.0f}"
        joint = [f"attention.kind={kind}", f"attention.weight={share}"]
    paths = [f'data.{part}=["{data}/{part}.jsonl"]' for part in ("train", "dev")]
    print(name, file=sys.stderr)
    return Run(load_config(CONFIG, [f"name={name}", f"seed={seed}", *paths, *joint, *settings]))


def greedy_errors(run: Run, items: Sequence[Utterance]) -> ErrorCounts:
    """Return the word errors of greedy decoding."""
    heard = run.hear([item.source for item in items], [item.text for item in items])
    return word_errors(heard.texts, greedy_texts(run, heard))


def greedy_texts(run: Run, heard: Heard) -> list[str]:
    blank, vocabulary = run.vocabulary.blank_id, run.vocabulary
    found = (vocabulary.decode(greedy(item, blank).tokens) for item in heard.log_probs)
    return [vocabulary.space_units(text) for text in found]


def measure(run: Run, data: Path) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Decode a run in all ways; return its row, and the texts of the test by decoder."""
    parts = {name: read_manifest(data / f"{name}.jsonl") for name in ("train", "dev", "test")}
    heard = {
        name: run.hear([item.source for item in parts[name]], [item.text for item in parts[name]])
        for name in ("dev", "test")
    }
    words = sorted({word for item in parts["train"] for word in item.text.split()})
    dev = heard["dev"]
    tuner = Tuner(
        run.vocabulary, dev.log_probs, dev.texts, None, words, None, run.scorer, dev.encodings
    )
    tuning = tuner.tune(DecodingConfig())
    known = sorted({*words, *(word for item in parts["dev"] for word in item.text.split())})
    texts, decoders = {}, {}

    def decode(name: str, errors: ErrorCounts, options: DecodingConfig | None) -> None:
        scorer = run.scorer if name == "attention" else None
        started = time.perf_counter()
        if options is None:
            texts[name] = greedy_texts(run, heard["test"])
        else:
            texts[name] = searched(run, heard["test"], known, scorer, options)
        seconds = time.perf_counter() - started
        decoders[name] = {
            "dev": count_values(errors),
            "test": count_values(word_errors(heard["test"].texts, texts[name])),
            "seconds": round(seconds, 3),
            **({} if options is None else {"options": asdict(options)}),
        }

    decode("greedy", word_errors(dev.texts, greedy_texts(run, dev)), None)
    decode("words", tuning.first.errors, tuning.first.options)
    if run.scorer is not None:
        decode("attention", tuning.chosen.errors, tuning.chosen.options)
    provenance = run.transcriber.model.provenance
    epochs = read_metrics(run.folder.parent / "metrics.csv")
    row = {
        "seed": run.config.seed,
        "parameters": provenance["parameters"],
        "minutes": provenance["minutes"],
        "epoch_seconds": round(float(np.median([epoch["seconds"] for epoch in epochs])), 2),
        "decoders": decoders,
    }
    return row, texts


def searched(
    run: Run,
    heard: Heard,
    lexicon: Sequence[str],
    scorer: AttentionScorer | None,
    options: DecodingConfig,
) -> list[str]:
    """Return the texts of a search over the words of a lexicon."""
    search = BeamSearch(run.vocabulary, lexicon=lexicon, attention=scorer, **asdict(options))
    texts = []
    for log_probs, encodings in zip(heard.log_probs, heard.encodings, strict=True):
        (best,) = search.n_best(log_probs, 1, encodings)
        texts.append(run.vocabulary.space_units(run.vocabulary.decode(best.tokens)))
    return texts


def alone(run: Run, data: Path) -> dict[str, Any]:
    """Spell the test by the decoder alone, one by one and joined; return the errors."""
    decoder = run.decoder()
    dev, test = (read_manifest(data / f"{part}.jsonl") for part in ("dev", "test"))
    heard = run.hear([item.source for item in dev], [item.text for item in dev])
    trials = {
        terms: word_errors(heard.texts, spelled(run, decoder, heard, *terms))
        for terms in product(LENGTH_BONUSES, COVERAGE_WEIGHTS)
    }
    terms = min(trials, key=lambda item: trials[item].errors)
    heard = run.hear([item.source for item in test], [item.text for item in test])
    long = run.hear(*joined(test, run.rate))
    texts = spelled(run, decoder, long, *terms)
    return {
        "length_bonus": terms[0],
        "coverage_weight": terms[1],
        "dev": count_values(trials[terms]),
        "test": count_values(word_errors(heard.texts, spelled(run, decoder, heard, *terms))),
        "joined": {
            "recordings": len(long.texts),
            "spelled": count_values(word_errors(long.texts, texts)),
            "greedy": count_values(word_errors(long.texts, greedy_texts(run, long))),
            "first": {"reference": long.texts[0], "spelled": texts[0],
                      "errors": str(count_errors(long.texts[0], texts[0]))},
        },
    }  # fmt: skip


def spelled(
    run: Run, decoder: AttentionDecoder, heard: Heard, length_bonus: float, coverage_weight: float
) -> list[str]:
    """Return the texts that a decoder spells without CTC."""
    texts = []
    for encodings in heard.encodings:
        found = search_attention(
            decoder, torch.from_numpy(encodings), BEAM, length_bonus, coverage_weight
        )
        symbols = found[0].symbols if found else ()
        texts.append(run.vocabulary.space_units(run.vocabulary.decode(symbols)))
    return texts


def joined(items: Sequence[Utterance], rate: int) -> tuple[list[bytes], list[str]]:
    """Return recordings of :data:`SECONDS` and more that are joined of the utterances in their
    order, as WAV files, and their texts; what is left at the end is a shorter one."""
    recordings, texts = list[bytes](), list[str]()
    parts, words = list[Any](), list[str]()
    for item in items:
        parts.append(read_audio(item.source, rate).samples)
        words.append(item.text)
        if sum(map(len, parts)) >= SECONDS * rate or item is items[-1]:
            file = io.BytesIO()
            soundfile.write(file, np.concatenate(parts), rate, "FLOAT", format="WAV")
            recordings.append(file.getvalue())
            texts.append(" ".join(words))
            parts, words = [], []
    return recordings, texts


if __name__ == "__main__":
    main()
