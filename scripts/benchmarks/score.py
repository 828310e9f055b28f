"""Measure the time and memory of ``asr score`` on many utterances, report included.

    python scripts/benchmarks/score.py --utterances 100000

The utterances have 5 to 25 words of a vocabulary of 20,000, and are spoken by 200 speakers. A tenth
of the words is wrong.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SPEAKERS = 200
WORDS = 20_000
WRONG = 0.1


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--utterances", type=int, default=100_000, help="how many there are; default: 100000"
    )
    parser.add_argument("--seed", type=int, default=1, help="determines the texts; default: 1")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, options.utterances, options.seed)
        command = [
            Path(sys.executable).with_name("asr"),
            "score",
            "ref.trn",
            "hyp.trn",
            "-o",
            "out",
        ]
        started = time.perf_counter()
        subprocess.run(command, cwd=folder, check=True)
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
        page = (folder / "out" / "report.html").stat().st_size / 1e6
        print(f"{seconds:.1f} s, {peak:.2f} GB, report.html {page:.1f} MB")


def write(folder: Path, utterances: int, seed: int) -> None:
    """Write ``ref.trn`` and ``hyp.trn``."""
    rng = np.random.default_rng(seed)
    vocabulary = ["".join(rng.choice(list("aeioulnrst"), rng.integers(2, 9))) for _ in range(WORDS)]
    with open(folder / "ref.trn", "w") as reference, open(folder / "hyp.trn", "w") as hypothesis:
        for number in range(utterances):
            said = rng.integers(WORDS, size=rng.integers(5, 26))
            kinds = rng.random(len(said))
            heard: list[int] = []
            for word, kind in zip(said, kinds, strict=True):
                if kind > WRONG:
                    heard.append(word)
                elif kind > 0.3 * WRONG:  # the word is substituted
                    heard.append(rng.integers(WORDS))
                elif kind > 0.15 * WRONG:  # a word is inserted; otherwise the word is deleted
                    heard += [word, rng.integers(WORDS)]
            id = f"s{number % SPEAKERS:03}-{number:06}"
            for file, words in ((reference, said), (hypothesis, heard)):
                file.write(f"{' '.join(vocabulary[word] for word in words)} ({id})\n")


if __name__ == "__main__":
    main()
