"""Measure the speed of beam search beside its peers, on the same log-probs, in one run.

    python scripts/benchmarks/decoding.py --model recipes/an4/model \\
        --manifest data/an4/test.jsonl --lm-text data/an4/train.jsonl \\
        [--large-lm books.arpa] [--flashlight PYTHON] [--pyctcdecode PYTHON]

``--manifest`` may be repeated. PYTHON is the interpreter of an environment that has the peer (see
``peer_decoders.py``). Every system decodes every set in a process of its own, with a beam of 64 and
equal pruning, on one thread and on two. The peers hold the interpreter's lock, so that their
threads are processes.

The table gives the microseconds for a frame (the median of the repeats), the times real time, the
peak memory, the word errors if the manifest has texts, and the mean log-probability of the
resulting texts, which torch's CTC loss computes exactly and in the same way for all. Below it stand
the time for one utterance alone and the time of the first call in a process.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from peer_decoders import peak_memory
from rich.console import Console
from rich.table import Table

from asr.data.manifest import read_manifest
from asr.data.texts import read_texts
from asr.decoding import BeamSearch, read_lm
from asr.decoding.config import DecodingConfig
from asr.evaluation.scoring import word_errors
from asr.lm.arpa import write_arpa
from asr.lm.kneser_ney import estimate
from asr.lm.ngram_file import write_binary
from asr.text import Vocabulary, normalize

if TYPE_CHECKING:
    from asr.recognition.transcriber import Transcriber

SCRIPTS = Path(__file__).parent
BEAM, TOKENS, THRESHOLD = 64, 10, 20.0
PEER_FLOOR = 5.0  # pyctcdecode's default pruning of tokens, which ours gets where they are compared
LM_WEIGHT = 0.5


@dataclass(frozen=True)
class TestSet:
    """The log-probs of a manifest, in a file that every process reads too, and their texts.

    ``seconds`` is the length of all recordings.
    """

    name: str
    path: Path
    log_probs: list[np.ndarray]
    texts: list[str]
    seconds: float

    @property
    def frames(self) -> int:
        """Return the number of frames of all utterances."""
        return sum(map(len, self.log_probs))


def main() -> None:
    """Measure all systems and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--model",
        type=Path,
        default=Path("recipes/an4/model"),
        help="the acoustic model; default: recipes/an4/model",
    )
    parser.add_argument(
        "--manifest", type=Path, action="append", default=[], help="a set to decode"
    )
    parser.add_argument("--lm-text", type=Path, help="train a bigram on this text or manifest")
    parser.add_argument(
        "--large-lm", type=Path, help="an ARPA file of words, with which any word may come out"
    )
    parser.add_argument(
        "--flashlight", metavar="PYTHON", help="compare with flashlight-text of this environment"
    )
    parser.add_argument(
        "--pyctcdecode", metavar="PYTHON", help="compare with pyctcdecode of this environment"
    )
    parser.add_argument(
        "--repeats", type=int, default=5, help="how often each set is decoded; default: 5"
    )
    parser.add_argument("--worker", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker is not None:
        print(json.dumps(work(**options.worker)))
        return
    # The import stands here, because it would add to the memory that is measured in the workers.
    from asr.recognition.transcriber import Transcriber

    transcriber = Transcriber(options.model)
    vocabulary = transcriber.model.vocabulary
    console = Console()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "vocabulary.json").write_text(json.dumps(vocabulary.tokens))
        sets = [prepare(path, transcriber, folder) for path in options.manifest]
        arpa = words = None
        if options.lm_text:
            texts = read_texts(options.lm_text)
            arpa, words = folder / "bigram.arpa", folder / "words.txt"
            write_arpa(arpa, estimate(texts, 2).ngrams)
            words.write_text("\n".join(sorted({word for text in texts for word in text.split()})))
        large = options.large_lm and convert(options.large_lm, vocabulary, folder)
        for test in sets:
            title = (
                f"{test.name}: {len(test.log_probs)} utterances, {test.frames} frames, "
                f"beam {BEAM}, threshold {THRESHOLD:g}"
            )
            table = Table("search", "threads", "µs/frame", "× real time", "MB", "errors",
                          "log-prob.", title=title)  # fmt: skip
            for label, run in systems(options, folder, arpa, words, large):
                for threads in (1, 2):
                    add_row(table, label, threads, test, run(test.path, threads), vocabulary)
            console.print(table)
        if sets:
            alone(console, vocabulary, sets[0])
    first_call(console)


def convert(arpa: Path, vocabulary: Vocabulary, folder: Path) -> tuple[Path, Path, Path]:
    """Return an ARPA file, a file of its model in our binary form, and one of those of its words
    that can be spelled."""
    binary, words = folder / "large.ngram", folder / "large.txt"
    model = read_lm(arpa)
    write_binary(binary, model)
    spelled = [word for word in model.words if not vocabulary.unknown_characters(word)]
    words.write_text("\n".join(spelled))
    return arpa, binary, words


def prepare(manifest: Path, transcriber: "Transcriber", folder: Path) -> TestSet:
    """Compute the log-probs of a manifest, and write them to a file."""
    from asr.evaluation.tuning import recognise

    utterances = read_manifest(manifest)
    results = recognise(utterances, transcriber)
    path = folder / f"{manifest.parent.name}-{manifest.stem}.npz"
    np.savez(path, *results)
    seconds = sum(item.duration for item in utterances)
    return TestSet(str(manifest), path, results, [item.text for item in utterances], seconds)


def systems(
    options: argparse.Namespace,
    folder: Path,
    arpa: Path | None,
    words: Path | None,
    large: tuple[Path, Path, Path] | None,
) -> list[tuple[str, Any]]:
    """Return the name of each system, and a function that runs it.

    The function takes the file of log-probs and the number of threads, and returns a report as
    :func:`work` does.
    """

    def peer(python: str, name: str, *arguments: object) -> Any:
        command = [python, str(SCRIPTS / "peer_decoders.py"), name, "--beam-size", str(BEAM)]
        command += ["--vocabulary", str(folder / "vocabulary.json"), "--threshold", str(THRESHOLD)]
        command += ["--repeats", str(options.repeats), *map(str, arguments)]

        def run(path: Path, threads: int) -> dict[str, Any]:
            return output([*command, "--log-probs", str(path), "--threads", str(threads)])

        return run

    def ours(**search: Any) -> Any:
        def run(path: Path, threads: int) -> dict[str, Any]:
            task = {"path": str(path), "vocabulary": str(folder / "vocabulary.json")}
            task |= {"threads": threads, "repeats": options.repeats, "search": search}
            return output([sys.executable, __file__, "--worker", json.dumps(task)])

        return run

    equal = {"max_tokens": TOKENS, "token_threshold": 1e9, "blank_skip": 1.0}
    every = equal | {"max_tokens": 1000}
    table = [
        (f"ours, {TOKENS} tokens", ours(**equal)),
        ("ours, all tokens", ours(**every)),
        ("ours, default pruning", ours(beam_threshold=DecodingConfig().beam_threshold)),
    ]
    if options.flashlight:
        table += [
            (f"flashlight, {n} tokens", peer(options.flashlight, "flashlight", "--token-beam", n))
            for n in (TOKENS, 1000)
        ]
    floor = {"token_threshold": PEER_FLOOR, "blank_skip": 1.0}
    if arpa and words:
        model = {"lm": str(arpa), "lexicon": str(words), "lm_weight": LM_WEIGHT}
        table += [
            ("ours, bigram, closed", ours(**model, **floor)),
            (f"ours, bigram, closed, {TOKENS} tokens", ours(**model, **equal)),
        ]
        lm = ["--arpa", arpa, "--lexicon", words, "--lm-weight", LM_WEIGHT]
        if options.pyctcdecode:
            run = peer(options.pyctcdecode, "pyctcdecode", "--token-min", -PEER_FLOOR, *lm)
            table.append(("pyctcdecode, bigram, closed", run))
        if options.flashlight:
            run = peer(options.flashlight, "flashlight", "--token-beam", TOKENS, *lm)
            table.append((f"flashlight, bigram, closed, {TOKENS} tokens", run))
    if large:
        arpa, binary, words = large
        model = {"lm": str(binary), "lm_weight": LM_WEIGHT}
        table += [
            ("ours, large model, any word", ours(**model, **floor)),
            (f"ours, large model, any word, {TOKENS} tokens", ours(**model, **equal)),
            (f"ours, large model, its words, {TOKENS} tokens",
             ours(lexicon=str(words), **model, **equal)),
        ]  # fmt: skip
        lm = ["--arpa", arpa, "--lm-weight", LM_WEIGHT]
        if options.pyctcdecode:
            run = peer(options.pyctcdecode, "pyctcdecode", "--token-min", -PEER_FLOOR, *lm)
            table.append(("pyctcdecode, large model, any word", run))
        if options.flashlight:
            lm += ["--lexicon", words, "--token-beam", TOKENS]
            run = peer(options.flashlight, "flashlight", *lm)
            table.append((f"flashlight, large model, its words, {TOKENS} tokens", run))
    return table


def output(command: list[str]) -> dict[str, Any]:
    """Run a command, and return the JSON object that it prints."""
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def work(
    path: str, vocabulary: str, threads: int, repeats: int, search: dict[str, Any]
) -> dict[str, Any]:
    """Run our search, timed as ``peer_decoders.py`` times the peers, and return the report."""
    with np.load(path) as archive:
        utterances = list(archive.values())
    known = Vocabulary(tuple(json.loads(Path(vocabulary).read_text())))
    if "lm" in search:
        search["lm"] = read_lm(search["lm"])
    if "lexicon" in search:
        search["lexicon"] = Path(search["lexicon"]).read_text().split()
    before = peak_memory()
    decode = BeamSearch(known, **({"beam_size": BEAM, "beam_threshold": THRESHOLD} | search))
    started = time.perf_counter()
    decode(utterances[:8], threads)
    first, seconds = time.perf_counter() - started, []
    for _ in range(repeats):
        started = time.perf_counter()
        results = decode(utterances, threads)
        seconds.append(time.perf_counter() - started)
    return {
        "seconds": seconds,
        "first": first,
        "memory_before": before,
        "memory_after": peak_memory(),
        "texts": [normalize(known.decode(item.tokens)) for item in results],
    }


def add_row(
    table: Table, label: str, threads: int, test: TestSet, report: dict[str, Any], v: Vocabulary
) -> None:
    """Add the row of a system on a set to the table."""
    seconds = statistics.median(report["seconds"])
    errors = word_errors(test.texts, report["texts"])
    pairs = zip(test.log_probs, report["texts"], strict=True)
    exact = statistics.fmean(log_likelihood(log_probs, text, v) for log_probs, text in pairs)
    table.add_row(
        label,
        str(threads),
        f"{1e6 * seconds / test.frames:.1f}",
        f"{test.seconds / seconds:.0f}",
        f"{report['memory_before']:.0f} → {report['memory_after']:.0f}",
        f"{errors.errors} / {errors.reference}",
        f"{exact:.4f}",
    )


def log_likelihood(log_probs: np.ndarray, text: str, vocabulary: Vocabulary) -> float:
    """Return the exact log-probability of a text, by the forward algorithm."""
    import torch

    ids = vocabulary.encode(text)
    loss = torch.nn.functional.ctc_loss(
        torch.from_numpy(log_probs.astype(np.float64))[:, None], torch.tensor([ids]).reshape(1, -1),
        torch.tensor([len(log_probs)]), torch.tensor([len(ids)]), reduction="sum",
    )  # fmt: skip
    return -float(loss)


def alone(console: Console, vocabulary: Vocabulary, test: TestSet) -> None:
    """Print the time of our search for one utterance at a time, as a caller would decode it."""
    search = BeamSearch(vocabulary, beam_size=BEAM)
    search(test.log_probs[0])
    started = time.perf_counter()
    for log_probs in test.log_probs:
        search(log_probs)
    milliseconds = 1000 * (time.perf_counter() - started) / test.seconds
    console.print(f"one utterance alone, {test.name}: {milliseconds:.2f} ms a second of audio")


def first_call(console: Console) -> None:
    """Print the time of the first call of a process."""
    program = (
        "import time; started = time.perf_counter()\n"
        "import json, numpy as np\n"
        "from asr.decoding import BeamSearch\n"
        "from asr.text import Vocabulary\n"
        "rows = np.log(np.full((30, 3), 1 / 3, np.float32))\n"
        "BeamSearch(Vocabulary.from_characters(' a'), hotwords={'a': 1.0}, lexicon=['a'])(rows)\n"
        "print(json.dumps({'seconds': time.perf_counter() - started}))"
    )
    seconds = output([sys.executable, "-c", program])["seconds"]
    console.print(f"first utterance of a process, imports included: {seconds:.2f} s")


if __name__ == "__main__":
    main()
