"""Measure the time and memory that an n-gram model takes to load, from text, gzip and binary.

    python scripts/benchmarks/lm.py --ngrams 1000000 --words 50000

The model is that of a random text, of order 4. Each file is loaded in processes of its own. The
table shows the fastest of ``--repeats``, and the most memory in use at once besides that of the
interpreter. kenlm, if it is installed, loads the same ARPA file for comparison. The script needs
Linux.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

ORDER = 4
CHILD = """
import json, re, sys, time
{load}
def peak():  # in bytes; resource.getrusage would count the process that started this one too
    return 1024 * int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1])
before, started = peak(), time.perf_counter()
model = load(sys.argv[1])
print(json.dumps([time.perf_counter() - started, peak() - before]))
"""
OURS = "from asr.lm.ngram_file import read_lm as load"
THEIRS = "from kenlm import Model as load"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--ngrams",
        type=int,
        default=1_000_000,
        help="n-grams of all orders together; default: 1000000",
    )
    parser.add_argument(
        "--words", type=int, default=50_000, help="words of the model; default: 50000"
    )
    parser.add_argument(
        "--repeats", type=int, default=3, help="how often each file is loaded; default: 3"
    )
    parser.add_argument("--seed", type=int, default=1, help="determines the text; default: 1")
    options = parser.parse_args(arguments)
    table = Table("reader", "file", "file, MB", "seconds", "memory, MB")
    with tempfile.TemporaryDirectory() as folder:
        files = write_files(Path(folder), options.ngrams, options.words, options.seed)
        runs = [("this package", OURS, path) for path in files]
        if importlib.util.find_spec("kenlm"):
            runs.append(("kenlm", THEIRS, files[0]))
        for name, load, path in runs:
            results = [measure(load, path) for _ in range(options.repeats)]
            seconds, memory = min(results)
            size = f"{path.stat().st_size / 1e6:.1f}"
            table.add_row(name, path.name, size, f"{seconds:.3f}", f"{memory / 1e6:.0f}")
    Console().print(table)


def measure(load: str, path: Path) -> tuple[float, int]:
    """Load ``path`` in a fresh process, and return the seconds and the bytes of memory added."""
    command = [sys.executable, "-c", CHILD.format(load=load), str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, memory = json.loads(result.stdout.splitlines()[-1])
    return seconds, memory


def write_files(folder: Path, ngrams: int, words: int, seed: int) -> list[Path]:
    """Write a random model in the three forms, and return their paths.

    It has the n-grams of a random text, in which words of low index are frequent.
    """
    from asr.lm.arpa import write_arpa
    from asr.lm.ngram import assemble
    from asr.lm.ngram_file import write_binary

    rng = np.random.default_rng(seed)
    spelled: set[str] = set()
    while len(spelled) < words - 3:
        spelled.add("".join(rng.choice(list("aeionrstlmd"), rng.integers(2, 12))))
    text = np.minimum(words * rng.random(ngrams) ** 3, words - 1).astype(np.int32)
    # All n-grams of a part of the text come first; those of the highest order then fill the number.
    used = min(ngrams, int(0.4 * (ngrams - words)))
    grams = [np.arange(words, dtype=np.int32)[None]]
    for k in range(2, ORDER + 1):
        spans = np.lib.stride_tricks.sliding_window_view(text[:used], k)
        grams.append(np.ascontiguousarray(np.unique(spans, axis=0).T))
    lower = sum(ids.shape[1] for ids in grams[:-1])
    grams[-1] = grams[-1][:, : max(ngrams - lower, 0)]
    probs = [-7 * rng.random(ids.shape[1]) for ids in grams]
    backoffs = [-2 * rng.random(ids.shape[1]) for ids in grams[:-1]]
    model = assemble(["<unk>", "<s>", "</s>", *sorted(spelled)], grams, probs, backoffs)
    paths = [folder / name for name in ("model.arpa", "model.arpa.gz", "model.ngram")]
    write_arpa(paths[0], model)
    write_arpa(paths[1], model)
    write_binary(paths[2], model)
    return paths


if __name__ == "__main__":
    main()
