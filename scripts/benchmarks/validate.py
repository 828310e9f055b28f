"""Measure the time and memory of ``asr data validate``, for many texts and for many small files.

    python scripts/benchmarks/validate.py --utterances 100000 --files 10000

The utterances have texts of 5 to 25 words, and all of them the same recording, whose header is read
for each. The files are WAV files of a tenth of a second, one for each utterance. They have just
been written, so that the speed of the disk plays no part.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from asr.model.directory import default_model

RATE = 16000
SECONDS = 0.1
WORDS = 20_000


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--utterances", type=int, default=100_000, help="how many texts there are; default: 100000"
    )
    parser.add_argument(
        "--files", type=int, default=10_000, help="how many small files there are; default: 10000"
    )
    parser.add_argument("--seed", type=int, default=1, help="determines the texts; default: 1")
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds = validate(write_texts(folder, options.utterances, rng))
        print(f"{options.utterances} utterances: {seconds:.1f} s", flush=True)
        seconds = validate(write_files(folder, options.files, rng))
        rate = options.files / seconds
        print(f"{options.files} files: {seconds:.1f} s, {rate:.0f} files a second", flush=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    print(f"{peak:.2f} GB at most")


def write_texts(folder: Path, utterances: int, rng: np.random.Generator) -> Path:
    """Write a manifest of many texts and one recording of half a minute."""
    vocabulary = ["".join(rng.choice(list("aeioulnrst"), rng.integers(2, 9))) for _ in range(WORDS)]
    soundfile.write(folder / "long.wav", np.zeros(30 * RATE, np.int16), RATE)
    path = folder / "texts.jsonl"
    with open(path, "w") as file:
        for number in range(utterances):
            words = rng.integers(WORDS, size=rng.integers(5, 26))
            text = " ".join(vocabulary[word] for word in words)
            file.write(line("long.wav", 30.0, text, number))
    return path


def write_files(folder: Path, count: int, rng: np.random.Generator) -> Path:
    """Write small files, and a manifest of them."""
    (folder / "wav").mkdir()
    samples = rng.integers(-999, 999, round(SECONDS * RATE)).astype(np.int16)
    path = folder / "files.jsonl"
    with open(path, "w") as file:
        for number in range(count):
            soundfile.write(folder / f"wav/{number}.wav", samples, RATE)
            file.write(line(f"wav/{number}.wav", SECONDS, "a", number))
    return path


def line(audio: str, duration: float, text: str, number: int) -> str:
    values = {"audio_filepath": audio, "duration": duration, "text": text, "id": str(number)}
    return json.dumps(values) + "\n"


def validate(path: Path) -> float:
    """Return the seconds of ``asr data validate --model``, which must find nothing wrong."""
    program = Path(sys.executable).with_name("asr")
    started = time.perf_counter()
    subprocess.run([program, "data", "validate", path, "--model", default_model()], check=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
