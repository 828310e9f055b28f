"""Measure n-gram models: size of the file, loading, memory, and the time of a lookup.

    python scripts/benchmarks/lm.py                                      # a random text
    python scripts/benchmarks/lm.py --text books.txt --prune 0,0,1       # a text of yours

A model is estimated from a text, a fiftieth of which is kept for the lookups: the probabilities of
all its words and ends of sentences, each after those before it. Each file is loaded in processes of
its own; the table shows the fastest of ``--repeats``, and the most memory in use at once beside
what the interpreter takes. Times are those of the processor, so that other work on the machine
matters less. kenlm loads the same ARPA file, where it is installed, and binary files where its
program ``build_binary`` is on the PATH; its lookups include the search of the words. Linux.
"""

import argparse
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

CHILD = """
import json, re, sys, time
{imports}
def peak():  # bytes; resource.getrusage would count the process that started this one too
    return 1024 * int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1])
texts = open(sys.argv[2]).read().splitlines()
before, started = peak(), time.process_time()
model = load(sys.argv[1])
loaded, memory = time.process_time() - started, peak() - before
{prepare}
seconds = []
for _ in range(3):
    started = time.process_time()
    total = lookup()
    seconds.append(time.process_time() - started)
count = sum(len(text.split()) + 1 for text in texts)
print(json.dumps([loaded, memory, min(seconds) / count, 10 ** (-total / count)]))
"""
OURS = {
    "imports": "import numpy as np\n"
    "from asr.lm.ngram_file import read_lm as load\nfrom asr.native import library",
    "prepare": """
ids = np.array([id for text in texts for id in (-1, *model.encode(text), model.word_id("</s>"))])
ids = ids.astype(np.int32)
scores, held, start = np.empty(len(ids)), np.empty(len(ids), np.uint8), model.state([])
def lookup():
    library.lm_score(model.native, start, ids, len(ids), scores, held)
    return scores.sum()
""",
}
THEIRS = {
    "imports": "from kenlm import Model as load",
    "prepare": "def lookup():\n    return sum(map(model.score, texts))",
}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text", type=Path, help="plain text, a sentence on each line")
    parser.add_argument("--order", type=int, default=4)
    parser.add_argument("--prune", default="0", help="as in asr lm build")
    parser.add_argument("--words", type=int, default=300_000, help="words of the random text")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        texts = read(options.text) if options.text else random_texts(options.words, options.seed)
        prune = [int(count) for count in options.prune.split(",")]
        counts = write_files(Path(folder), texts, options.order, prune)
        title = ", ".join(f"{count:,} {k}-grams" for k, count in enumerate(counts, start=1))
        table = Table("file", "MB", "load, s", "memory, MB", "lookup, µs", "perplexity")
        for reader, code, path in runs(Path(folder)):
            results = [measure(code, path) for _ in range(options.repeats)]
            load, memory, lookup, perplexity = map(min, zip(*results, strict=True))
            numbers = [f"{load:.3f}", f"{memory / 1e6:.0f}", f"{1e6 * lookup:.2f}"]
            size = f"{path.stat().st_size / 1e6:.1f}"
            table.add_row(f"{reader}{path.name}", size, *numbers, f"{perplexity:.2f}")
    Console().print(title, table, sep="\n")


def read(path: Path) -> list[str]:
    """Return the lines of a file, shuffled, since neighbours are alike."""
    from asr.data.texts import read_texts

    texts = read_texts(path)
    np.random.default_rng(1).shuffle(texts)
    return texts


def random_texts(words: int, seed: int) -> list[str]:
    """Return sentences of about so many words in all, few of them frequent and most of them rare.

    Phrases come again, so that longer n-grams are found, too.
    """
    rng = np.random.default_rng(seed)
    spelled = ["".join(rng.choice(list("aeionrstlmd"), rng.integers(2, 12))) for _ in range(20_000)]
    text = rng.zipf(1.3, words) % len(spelled)
    for begin, source in rng.integers(0, words - 8, (words // 10, 2)):
        text[begin : begin + 8] = text[source : source + 8]
    ends = np.sort(rng.choice(words, words // 12, replace=False))
    return [" ".join(spelled[id] for id in part) for part in np.split(text, ends) if len(part)]


def write_files(folder: Path, texts: list[str], order: int, prune: list[int]) -> tuple[int, ...]:
    """Write a model in all forms, and the text for the lookups; return the numbers of n-grams."""
    from asr.lm.arpa import write_arpa
    from asr.lm.kneser_ney import estimate
    from asr.lm.ngram_file import write_binary
    from asr.lm.packing import pack

    held_out = len(texts) // 50
    ngrams = estimate(texts[held_out:], order, prune=prune).ngrams
    (folder / "test.txt").write_text("\n".join(texts[:held_out]))
    write_arpa(folder / "model.arpa", ngrams)
    for bits in (32, 8):
        write_binary(folder / f"{bits}-bit.ngram", pack(ngrams, bits))
    return ngrams.counts


def runs(folder: Path) -> list[tuple[str, dict[str, str], Path]]:
    """Return each reader with its code and a file."""
    arpa = folder / "model.arpa"
    names = ("model.arpa", "32-bit.ngram", "8-bit.ngram")
    found = [("", OURS, folder / name) for name in names]
    if importlib.util.find_spec("kenlm"):
        found.append(("kenlm: ", THEIRS, arpa))
        program = shutil.which("build_binary")
        for name, options in (("trie", ()), ("8-bit.trie", ("-q", "8", "-b", "8"))):
            if program:
                command = [program, *options, "trie", arpa, folder / name]
                subprocess.run(command, check=True, capture_output=True)
                found.append(("kenlm: ", THEIRS, folder / name))
    return found


def measure(code: dict[str, str], path: Path) -> list[float]:
    """Return the seconds and bytes that loading takes in a fresh process, the seconds of a lookup,
    and the perplexity."""
    command = [sys.executable, "-c", CHILD.format(**code), str(path), str(path.parent / "test.txt")]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    values: list[float] = json.loads(result.stdout.splitlines()[-1])
    return values


if __name__ == "__main__":
    main()
