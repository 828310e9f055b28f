"""Measure this package beside other recognisers, on the same recording in the same run.

    python scripts/benchmarks/recognisers.py --manifest data/an4/test.jsonl [--model DIR ...]
        [--peers-python PYTHON --whisper FOLDER] [--minutes 60] [--pocketsphinx-minutes 5]

The recording is made of those of the manifest, joined again and again to a WAV file. PYTHON is the
interpreter of an environment that has faster-whisper, pocketsphinx or both, and FOLDER holds a
Whisper model (see ``peer_recognisers.py``). Every row is a process of its own, whose seconds count
from its start to its end. pocketsphinx is so slow that it gets the first minutes only.

The table gives the length of the audio, the seconds, the times real time (the seconds of audio
recognised in a second), the peak memory and the word error rate. Recognisers write letters and
numbers in different ways ("G-M-E-F 39", "gmef 39", "g m e f three nine"). So each text is brought
to one form first (:func:`canonical`), in which every letter and every digit is a word.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator
from itertools import cycle
from pathlib import Path

import numpy as np
import soundfile
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Column, Table
from workload import RATE, process

from asr.audio.read import read_audio
from asr.data.manifest import Utterance, read_manifest
from asr.evaluation.scoring import word_errors
from asr.model.directory import default_model

WIDTH = 120
SCRIPT = Path(__file__).with_name("peer_recognisers.py")
ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
ORDINALS = (
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth "
    "thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth"
).split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
NUMBERS = {word: number for words in (ONES, ORDINALS) for number, word in enumerate(words)}
NUMBERS |= {word: 10 * ten for ten, word in enumerate(TENS, start=2)}
NUMBERS |= {f"{word[:-1]}ieth": 10 * ten for ten, word in enumerate(TENS, start=2)}
ZERO = "o"  # the digit, which speakers call "oh" or "zero", and the letter


def main() -> None:
    """Measure every recogniser and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--manifest", type=Path, required=True, help="recordings with texts")
    parser.add_argument(
        "--model", type=Path, nargs="+", default=[default_model()],
        help="model directories; default: the model in the package",
    )  # fmt: skip
    parser.add_argument(
        "--peers-python", metavar="PYTHON", help="compare with the recognisers of this environment"
    )
    parser.add_argument("--whisper", type=Path, help="the folder of a Whisper model")
    parser.add_argument(
        "--minutes", type=float, default=60.0, help="the length of the recording; default: 60"
    )
    parser.add_argument(
        "--pocketsphinx-minutes", type=float, default=5.0,
        help="the length of what pocketsphinx gets; default: 5",
    )  # fmt: skip
    options = parser.parse_args()
    console = Console(width=WIDTH)
    console.print(f"{os.cpu_count()} cores")
    table = Table(
        Column("recogniser", no_wrap=True),
        "minutes", "seconds", "times real time", "peak memory, MB",
        Column("word error rate", no_wrap=True), box=MARKDOWN,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        for row in rows(options, Path(name)):
            print(*row, sep=", ", file=sys.stderr)
            table.add_row(*row)
    console.print(table)


def rows(options: argparse.Namespace, folder: Path) -> Iterator[list[str]]:
    """Measure every recogniser, and yield its row of the table."""
    items = read_manifest(options.manifest)
    whole = Recording(folder / "whole.wav", items, options.minutes)
    for model in options.model:
        for decoder in ("greedy", "beam"):
            found = ours(model, decoder, whole.path)
            yield [f"{model}, {decoder}", *whole.cells(*found)]
    for peer in installed(options.peers_python):
        recording = whole
        if peer == "pocketsphinx":
            minutes = min(options.minutes, options.pocketsphinx_minutes)
            recording = Recording(folder / "part.wav", items, minutes)
        elif options.whisper is None:
            continue
        title, *found = theirs(options.peers_python, peer, recording.path, options.whisper)
        yield [title, *recording.cells(*found)]


class Recording:
    """A WAV file of the recordings of ``items``, whole ones, up to the first that ends after
    ``minutes``."""

    def __init__(self, path: Path, items: list[Utterance], minutes: float) -> None:
        self.path = path
        self.text, self.samples = "", 0
        self.words = {word for item in items for word in item.text.split()}
        audio = {item.audio: read_audio(item.audio, RATE).samples for item in items}
        with soundfile.SoundFile(path, "w", RATE, 1, subtype="PCM_16") as file:
            for item in cycle(items):
                samples = audio[item.audio]
                file.write(np.clip(samples, -1, 1))
                self.samples += len(samples)
                self.text += f"{item.text} "
                if self.samples >= 60 * minutes * RATE:
                    return

    def cells(self, seconds: float, memory: float, text: str) -> list[str]:
        """Return the cells of a row: what recognising this recording took, and how good it is."""
        length = self.samples / RATE
        errors = word_errors([canonical(self.text, self.words)], [canonical(text, self.words)])
        return [
            f"{length / 60:.0f}", f"{seconds:.1f}", f"{length / seconds:.1f}×", f"{memory:.0f}",
            f"{100 * errors.rate:.2f} % [{errors.errors} / {errors.reference}]",
        ]  # fmt: skip


def ours(model: Path, decoder: str, path: Path) -> tuple[float, float, str]:
    """Return the seconds, the peak memory (MB) and the text of ``asr transcribe``."""
    command = ["transcribe", "--decoder", decoder, "--model", str(model)]
    with tempfile.TemporaryDirectory() as folder:
        seconds, memory = process([*command, "--output-dir", folder, str(path)], 1)
        return seconds, memory, Path(folder, f"{path.stem}.txt").read_text()


def installed(python: str | None) -> list[str]:
    """Return the recognisers that an environment has."""
    if python is None:
        return []
    peers = {"faster_whisper": ["faster-whisper", "batched"], "pocketsphinx": ["pocketsphinx"]}
    test = "import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)"
    return [
        peer
        for module, names in peers.items()
        if subprocess.run([python, "-c", test, module]).returncode == 0
        for peer in names
    ]


def theirs(
    python: str, peer: str, path: Path, whisper: Path | None
) -> tuple[str, float, float, str]:
    """Return the name, the seconds, the peak memory (MB) and the text of another recogniser."""
    command = [python, str(SCRIPT), peer, str(path), "--threads", str(os.cpu_count())]
    if whisper is not None:
        command += ["--whisper", str(whisper)]
    started = time.perf_counter()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    seconds = time.perf_counter() - started
    found = json.loads(done.stdout)
    name = f"{found['peer']}, batched" if peer == "batched" else found["peer"]
    return name, seconds, found["memory"], " ".join(found["texts"])


def canonical(text: str, words: Collection[str]) -> str:
    """Return ``text`` with every letter that is spelled and every digit as a word.

    Letters with hyphens between them are spelled, and so are capitals unless they make one of
    ``words``. Numbers in words become the digits that they are written with. The letter o, "oh" and
    "zero" count as the same, "rub out" as one word.

    >>> canonical("RUBOUT G-M-E-F 39.", ["rubout"]), canonical("rubout g m e f thirty nine", [])
    ('rubout g m e f 3 9', 'rubout g m e f 3 9')
    >>> canonical("Enter 1207, June 31st", []), canonical("twelve oh seven thirty first", [])
    ('enter 1 2 o 7 june 3 1', '1 2 o 7 3 1')
    """

    def spelled(match: re.Match[str]) -> str:
        return match[0] if match[0].lower() in words else " ".join(match[0])

    text = re.sub(r"(\d)(?:st|nd|rd|th)\b", r"\1", text, flags=re.IGNORECASE)
    text = re.sub(r"[A-Z]{2,}(?![a-z])", spelled, text)
    text = re.sub(r"\d", r" \g<0> ", text.lower())
    text = text.replace("'", "").replace("rub out", "rubout")
    result: list[str] = []
    ten = False  # whether the last word was twenty, thirty, …
    for word in re.findall(r"[a-z]+|\d", text):
        number = NUMBERS.get(word)
        if number is None:
            result.append(word)
        elif ten and 0 < number < 10:
            result[-1] = str(number)
        else:
            result += str(number)
        ten = word in TENS
    return " ".join(ZERO if word in ("0", "oh") else word for word in result)


if __name__ == "__main__":
    main()
