"""Run the CTC beam search of another project over stored log-probabilities, for a benchmark.

    PYTHON scripts/benchmarks/peer_decoders.py flashlight|pyctcdecode --log-probs FILE.npz
        --vocabulary FILE.json [--arpa FILE --lexicon FILE --lm-weight X --word-bonus Y]

PYTHON is an interpreter with numpy and flashlight-text 0.0.7 (its wheel includes KenLM), or with
pyctcdecode 0.5.0 and kenlm (which need numpy below 2). The archive holds one array (frames, tokens)
for each utterance, and the vocabulary is a list of tokens with the blank at 0. The language model
is an ARPA file of words. The lexicon has a word on each line, and no other words are recognised;
pyctcdecode does without one. The weight is one of natural logarithms. Without a language model and
a lexicon, flashlight's search is its lexicon-free one, and pyctcdecode's has no list of words.

The script prints one JSON object. Its seconds are those of each repeat, without the time to read
the files, to build the decoder and to start processes. flashlight's binding holds the interpreter's
lock while it decodes, and pyctcdecode is written in Python. So if there is more than one thread,
the "threads" are forked processes, which take one utterance after the other. Memory is the peak in
MB, of this process or of the largest forked one, before the decoder is built and at the end.

The peers differ. pyctcdecode does not limit the number of tokens of a frame, but leaves out tokens
below a log-probability. Its list of words is closed only by a large penalty. With a language model,
it takes the nothing after a last space for an unknown word. It thus loses texts of which it also
holds a hypothesis that ends in a space, and the more of them, the lower --token-min is. In
flashlight's lexicon every word ends in a space, so a last frame that is certain to be a space is
added to the log-probabilities.
"""

import argparse
import contextlib
import json
import math
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from itertools import groupby
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

import numpy as np

Decode = Callable[[np.ndarray], tuple[str, float]]
Result = tuple[int, str, float]
UNKNOWN_SCORE = -5.0


def main() -> None:
    """Decode everything several times, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("peer", choices=PEERS, help="the project")
    parser.add_argument("--log-probs", type=Path, required=True, help="the archive of utterances")
    parser.add_argument("--vocabulary", type=Path, required=True, help="a JSON list of tokens")
    parser.add_argument(
        "--beam-size", type=int, default=64, help="hypotheses that are kept; default: 64"
    )
    parser.add_argument(
        "--token-beam",
        type=int,
        default=10,
        help="flashlight tries this many tokens in a frame; default: 10",
    )
    parser.add_argument(
        "--token-min",
        type=float,
        default=-5.0,
        help="pyctcdecode leaves out tokens below this log-probability; default: -5",
    )
    parser.add_argument(
        "--threshold",
        type=float,
        default=20.0,
        help="hypotheses that are this much worse than the best are dropped; default: 20",
    )
    parser.add_argument(
        "--best-path",
        action="store_true",
        help="flashlight scores a text by its best path (log_add=False)",
    )
    parser.add_argument("--threads", type=int, default=1, help="threads or processes; default: 1")
    parser.add_argument(
        "--repeats", type=int, default=3, help="how often everything is decoded; default: 3"
    )
    parser.add_argument("--arpa", type=Path, help="the language model")
    parser.add_argument("--lexicon", type=Path, help="the only words, with --arpa")
    parser.add_argument(
        "--lm-weight",
        type=float,
        default=0.5,
        help="the weight of the language model; default: 0.5",
    )
    parser.add_argument(
        "--word-bonus", type=float, default=0.0, help="what a word adds to the score; default: 0"
    )
    options = parser.parse_args()
    if options.lexicon and not options.arpa:
        parser.error("--lexicon needs --arpa")
    if options.peer == "flashlight" and options.arpa and not options.lexicon:
        parser.error("flashlight's search with --arpa needs --lexicon")

    vocabulary = json.loads(options.vocabulary.read_text(encoding="utf-8"))
    with np.load(options.log_probs) as archive:
        utterances = [np.ascontiguousarray(log_probs, np.float32) for log_probs in archive.values()]
    package, build = PEERS[options.peer]
    memory_before = peak_memory()
    started = time.perf_counter()
    decode, prepare = build(vocabulary, options)
    construction = time.perf_counter() - started
    frames = sum(map(len, utterances))
    utterances = [prepare(log_probs) for log_probs in utterances]

    seconds = []
    results: list[Result] = []
    with runner(decode, utterances, options.threads) as run:
        run(min(8, len(utterances)))
        for _ in range(options.repeats):
            started = time.perf_counter()
            results = run(len(utterances))
            seconds.append(time.perf_counter() - started)
    report = {
        "peer": f"{package} {version(package)}",
        "utterances": len(utterances),
        "frames": frames,
        "construction_seconds": construction,
        "seconds": seconds,
        "memory_before": memory_before,
        "memory_after": peak_memory(),
        "texts": [text for _, text, _ in results],
        "scores": [score for _, _, score in results],
    }
    print(json.dumps(report))


def flashlight(
    vocabulary: list[str], options: argparse.Namespace
) -> tuple[Decode, Callable[[np.ndarray], np.ndarray]]:
    """Build a decoder of flashlight-text, and return it and a function to prepare log-probs.

    The search is the lexicon-free one, or with a language model the lexicon search.
    """
    from flashlight.lib.text import decoder as library

    space = vocabulary.index(" ")
    limits = {
        "beam_size": options.beam_size,
        "beam_size_token": min(options.token_beam, len(vocabulary)),
        "beam_threshold": options.threshold,
        "sil_score": 0.0,
        "log_add": not options.best_path,
        "criterion_type": library.CriterionType.CTC,
    }
    if options.arpa is None:
        settings = library.LexiconFreeDecoderOptions(**limits, lm_weight=0.0)
        search = library.LexiconFreeDecoder(settings, library.ZeroLM(), space, 0, [])

        def decode(log_probs: np.ndarray) -> tuple[str, float]:
            best = search.decode(log_probs.ctypes.data, *log_probs.shape)[0]
            # The first and the last token are silences that the search adds.
            tokens = [vocabulary[token] for token, _ in groupby(best.tokens[1:-1]) if token]
            return " ".join("".join(tokens).split()), best.score

        return decode, lambda log_probs: log_probs

    from flashlight.lib.text.decoder.kenlm import KenLM
    from flashlight.lib.text.dictionary import Dictionary

    words = read_words(options.lexicon)
    model = KenLM(str(options.arpa), Dictionary(words))
    trie = library.Trie(len(vocabulary), space)
    start = model.start(False)
    for index, word in enumerate(words):
        spelling = [vocabulary.index(character) for character in (*word, " ")]
        trie.insert(spelling, index, model.score(start, index)[1])
    trie.smear(library.SmearingMode.MAX)
    settings = library.LexiconDecoderOptions(
        **limits,
        lm_weight=options.lm_weight * math.log(10),  # its scores are to the base of 10
        word_score=options.word_bonus,
        unk_score=-math.inf,
    )
    search = library.LexiconDecoder(settings, trie, model, space, 0, -1, [], False)

    def decode_words(log_probs: np.ndarray) -> tuple[str, float]:
        best = search.decode(log_probs.ctypes.data, *log_probs.shape)[0]
        return " ".join(words[word] for word in best.words if word >= 0), best.score

    last = np.full((1, len(vocabulary)), -1e4, np.float32)
    last[0, space] = 0
    return decode_words, lambda log_probs: np.concatenate([log_probs, last])


def pyctcdecode(
    vocabulary: list[str], options: argparse.Namespace
) -> tuple[Decode, Callable[[np.ndarray], np.ndarray]]:
    """Build a decoder of pyctcdecode, and return it and a function to prepare log-probs.

    It has the language model if there is one.
    """
    import logging

    from pyctcdecode import build_ctcdecoder

    logging.disable(logging.WARNING)
    search = build_ctcdecoder(
        ["", *vocabulary[1:]],
        kenlm_model_path=None if options.arpa is None else str(options.arpa),
        unigrams=None if options.lexicon is None else read_words(options.lexicon),
        alpha=options.lm_weight,
        beta=options.word_bonus,
        # Closed by a large penalty, as infinity would become not-a-number; otherwise as ours.
        unk_score_offset=UNKNOWN_SCORE if options.lexicon is None else -1000.0,
    )

    def decode(log_probs: np.ndarray) -> tuple[str, float]:
        # This is what its decode() does, which returns no score.
        text, *_, score = search.decode_beams(
            log_probs,
            beam_width=options.beam_size,
            beam_prune_logp=-options.threshold,
            token_min_logp=options.token_min,
            prune_history=True,
        )[0]
        return text, float(score)

    return decode, lambda log_probs: log_probs


PEERS: dict[str, tuple[str, Callable[..., Any]]] = {
    "flashlight": ("flashlight-text", flashlight),
    "pyctcdecode": ("pyctcdecode", pyctcdecode),
}


def read_words(path: Path) -> list[str]:
    """Return the first field of each line."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.split()[0] for line in lines if line.strip()]


@contextlib.contextmanager
def runner(
    decode: Decode, utterances: list[np.ndarray], threads: int
) -> Iterator[Callable[[int], list[Result]]]:
    """Provide a function that decodes the first n utterances.

    If ``threads`` is above 1, they are decoded in this many processes.
    """
    if threads == 1:
        yield lambda count: [(index, *decode(utterances[index])) for index in range(count)]
        return
    context = multiprocessing.get_context("fork")
    position = context.Value("q")
    workers = []
    for _ in range(threads):
        ours, theirs = context.Pipe()
        process = context.Process(
            target=serve, args=(decode, utterances, position, theirs), daemon=True
        )
        process.start()
        theirs.close()
        workers.append((process, ours))

    def run(count: int) -> list[Result]:
        position.value = 0
        for _, connection in workers:
            connection.send(count)
        return sorted(result for _, connection in workers for result in connection.recv())

    yield run
    for process, connection in workers:
        connection.send(None)
        process.join()


def serve(
    decode: Decode,
    utterances: list[np.ndarray],
    position: "Synchronized[int]",
    connection: Connection,
) -> None:
    """Decode in a process of its own, and send back the results of the utterances it has taken."""
    while (count := connection.recv()) is not None:
        results = []
        while True:
            with position.get_lock():
                index = position.value
                position.value += 1
            if index >= count:
                break
            results.append((index, *decode(utterances[index])))
        connection.send(results)


def peak_memory() -> float:
    """Return the peak memory in MB of this process, or of its largest ended child if larger."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss includes the peak of the process that started this one
        lines = status.read_text().splitlines()
        peak = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), peak)
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return max(peak, children) / (1024**2 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
