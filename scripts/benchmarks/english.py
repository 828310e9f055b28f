"""Measure a model of English beside other recognisers, on the same recordings one by one.

    python scripts/benchmarks/english.py --set NAME=MANIFEST … --output FILE.json [--model DIR]
        [--peers-python PYTHON [--whisper NAME=FOLDER …] [--pocketsphinx]]

Every recogniser hears every recording by itself. The model recognises by greedy search and, if its
directory names another decoder, by that one. PYTHON is the interpreter of an environment that has
faster-whisper, pocketsphinx or both, and FOLDER holds a Whisper model (``peer_recognisers.py``).

Recognisers write numbers, spelled names and titles in different ways, so each text is brought to
one form first (:func:`written_out`). The file has, for each set and recogniser, the word errors
with their interval over speakers, the times real time once the model is loaded, and each text.
"""

import argparse
import json
import os
import platform
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from recognisers import SCRIPT, canonical
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table
from workload import RATE

import asr
from asr.audio.read import read_audio
from asr.data.manifest import Utterance, read_manifest
from asr.evaluation.interval import wer_interval
from asr.evaluation.results import count_values, rate_with_counts
from asr.evaluation.scoring import count_each, word_errors
from asr.files import sha256, write_atomically
from asr.model.directory import default_model, read_model

TITLES = {"mr": "mister", "mrs": "missus", "dr": "doctor", "mt": "mount"}


def main(arguments: list[str] | None = None) -> None:
    """Measure every recogniser on every set, write the file and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--set", action="append", required=True, metavar="NAME=MANIFEST", type=pair, dest="sets")
    add("--model", type=Path, default=default_model(), help="default: the model in the package")
    add("--peers-python", metavar="PYTHON", help="an environment with other recognisers")
    add("--whisper", action="append", default=[], metavar="NAME=FOLDER", type=pair,
        help="the folder of a Whisper model")  # fmt: skip
    add("--pocketsphinx", action="store_true", help="compare with pocketsphinx")
    add("--output", type=Path, required=True, help="the JSON file to write")
    options = parser.parse_args(arguments)
    if (options.whisper or options.pocketsphinx) and not options.peers_python:
        parser.error("--whisper and --pocketsphinx need --peers-python")
    sets = {name: read_manifest(path) for name, path in options.sets}
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, items in sets.items():
            paths = write_waves(items, Path(folder) / name)
            found[name] = {}
            for recogniser, texts, seconds in recognise(options, paths):
                found[name][recogniser] = judged(items, texts, seconds)
                shown = rate_with_counts(found[name][recogniser]["wer"])
                print(name, recogniser, shown, sep=", ", file=sys.stderr)
    info = read_model(options.model)
    values = {
        "command": shlex.join(["python", *sys.argv]),
        "model": info.hash,
        "minutes": info.provenance.get("minutes"),
        "manifests": {
            name: {"path": str(path), "sha256": sha256(path)} for name, path in options.sets
        },
        "hardware": f"{platform.machine()}, {os.cpu_count()} CPU cores",
        "sets": found,
    }
    write_atomically(options.output, json.dumps(values, indent=1) + "\n")
    Console(width=120).print(table(found))


def pair(text: str) -> tuple[str, Path]:
    """Parse ``NAME=PATH``."""
    name, equals, path = text.partition("=")
    if not name or not equals or not path:
        raise argparse.ArgumentTypeError(f"{text!r}: needs NAME=PATH")
    return name, Path(path)


def write_waves(items: Sequence[Utterance], folder: Path) -> list[Path]:
    """Write the recordings as WAV files of 16 kHz, which every recogniser reads."""
    folder.mkdir()
    paths = []
    for number, item in enumerate(items):
        path = folder / f"{number:05d}.wav"
        soundfile.write(path, np.clip(read_audio(item.source, RATE).samples, -1, 1), RATE, "PCM_16")
        paths.append(path)
    return paths


def recognise(
    options: argparse.Namespace, paths: Sequence[Path]
) -> list[tuple[str, list[str], float]]:
    """Return the name, the texts and the seconds of each recogniser."""
    decoders = dict.fromkeys(["greedy", read_model(options.model).decoder])
    found = [(f"this model, {name}", *ours(options.model, name, paths)) for name in decoders]
    for name, folder in options.whisper:
        command = ["faster-whisper", "--whisper", str(folder), "--threads", str(os.cpu_count())]
        found.append((f"Whisper {name}", *theirs(options.peers_python, command, paths)))
    if options.pocketsphinx:
        found.append(("pocketsphinx", *theirs(options.peers_python, ["pocketsphinx"], paths)))
    return found


def ours(model: Path, decoder: str, paths: Sequence[Path]) -> tuple[list[str], float]:
    """Return the texts of a model, and the seconds that they took once it was loaded."""
    transcriber = asr.load(model, decoder=decoder, display=False)
    transcriber.transcribe(paths[0])
    started = time.perf_counter()
    texts = [transcriber.transcribe(path).text for path in paths]
    return texts, time.perf_counter() - started


def theirs(python: str, command: list[str], paths: Sequence[Path]) -> tuple[list[str], float]:
    """Return the texts of another recogniser, and its seconds likewise."""
    done = subprocess.run(
        [python, str(SCRIPT), *command, *map(str, paths)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    values = json.loads(done.stdout)
    return values["texts"], values["seconds"]


def judged(items: Sequence[Utterance], texts: Sequence[str], seconds: float) -> dict[str, Any]:
    """Return what a recogniser's texts of a set are worth."""
    words = {word for item in items for word in item.text.split()}
    references = [written_out(item.text, words) for item in items]
    hypotheses = [written_out(text, words) for text in texts]
    counts = count_each(references, hypotheses)
    interval = wer_interval(counts, [item.speaker for item in items])
    return {
        "wer": count_values(word_errors(references, hypotheses)),
        "wer_interval": None if interval is None else vars(interval),
        "utterances": len(items),
        "speakers": len({item.speaker for item in items}),
        "times_real_time": round(sum(item.duration for item in items) / seconds, 1),
        "hypotheses": {item.id: text for item, text in zip(items, texts, strict=True)},
    }


def written_out(text: str, words: set[str]) -> str:
    """Return a text in the form of :func:`recognisers.canonical`, with titles as words.

    >>> written_out("Mr. Holmes, it's 25.", set())
    'mister holmes its 2 5'
    """
    text = re.sub(r"\b[A-Za-z]+\b", lambda match: TITLES.get(match[0].lower(), match[0]), text)
    return canonical(text, words)


def table(sets: dict[str, dict[str, Any]]) -> Table:
    """Return a table of the error rates and speeds."""
    shown = Table("set", "recogniser", "WER", "times real time", box=MARKDOWN)
    for name, recognisers in sets.items():
        for recogniser, found in recognisers.items():
            speed = f"{found['times_real_time']:g}×"
            shown.add_row(name, recogniser, rate_with_counts(found["wer"]), speed)
    return shown


if __name__ == "__main__":
    main()
