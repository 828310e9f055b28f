"""Measure how much time the second pass of beam search takes beside the first.

    python scripts/benchmarks/rescoring.py --manifest data/an4/test.jsonl \\
        --model recipes/an4/model --lm words.ngram --lm-weight 0.5 --rescore-lm runs/words/lm.onnx

The log-probabilities are computed first. Then one thread decodes everything with the n-gram model,
in turn without and with rescoring; the fastest of several rounds counts. ``--beam-size`` and
``--beam-threshold`` replace those of the model directory, because a narrow beam has fewer texts
than the second pass can look at.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from asr.data.manifest import read_manifest
from asr.decoding.bundle import beam_search
from asr.evaluation.tuning import recognise
from asr.recognition.transcriber import Transcriber

ROUNDS = 7


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--manifest", type=Path, required=True, help="the recordings to decode")
    parser.add_argument("--model", type=Path, required=True, help="the acoustic model")
    parser.add_argument("--lm", type=Path, required=True, help="the n-gram model")
    parser.add_argument(
        "--lm-weight", type=float, required=True, help="the weight of the n-gram model"
    )
    parser.add_argument(
        "--rescore-lm", type=Path, required=True, help="the language model of the second pass"
    )
    parser.add_argument("--beam-size", type=int, help="default: that of the model directory")
    parser.add_argument("--beam-threshold", type=float, help="default: that of the model directory")
    options = parser.parse_args(arguments)
    transcriber = Transcriber(options.model)
    utterances = read_manifest(options.manifest)
    started = time.perf_counter()
    log_probs = recognise(utterances, transcriber)
    network = time.perf_counter() - started
    given = {
        name: getattr(options, name)
        for name in ("lm", "lm_weight", "beam_size", "beam_threshold")
        if getattr(options, name) is not None
    }
    searches = [
        beam_search(options.model, transcriber.model, **given, **second)
        for second in ({}, {"rescore_lm": options.rescore_lm})
    ]
    least = [np.inf, np.inf]
    for _ in range(ROUNDS):
        for index, search in enumerate(searches):
            started = time.perf_counter()
            for item in log_probs:
                search(item)
            least[index] = min(least[index], time.perf_counter() - started)
    texts = [len(searches[0].n_best(item, 100)) for item in log_probs]
    first, both = (1000 * seconds / len(log_probs) for seconds in least)
    print(
        f"{len(log_probs)} utterances, {np.mean(texts):.0f} texts each (at most {max(texts)}); "
        f"ms an utterance: network {1000 * network / len(log_probs):.2f} on all threads, first "
        f"pass {first:.2f}, second {both - first:.2f}"
    )


if __name__ == "__main__":
    main()
