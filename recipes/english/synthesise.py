"""Speak texts of books with synthetic voices, shard by shard.

    pip install hibari-tts
    python recipes/english/synthesise.py --books books.txt.xz --read librispeech_train.txt.xz \
        --output data/english/synthetic --hibari 0:100 --kokoro 0:20

A shard is a folder of FLAC files with the manifest ``SHARD.jsonl`` beside it, and a pure function
of its number; one that is there is not made again, so the command goes on where it was stopped.
"""

import argparse
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path

import numpy as np
from audio import write_flac
from texts import Texts
from voices import SAMPLE_RATE, Hibari, Kokoro, Samples, Speaker, VoiceError

from asr.data.manifest import Utterance, write_manifest
from asr.errors import AsrError

UTTERANCES = 300
LONGEST = 20.0


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--books", type=Path, required=True, help="sentences of books, one a line")
    add("--read", type=Path, required=True, help="lines of an id and a text that people read")
    add("--output", type=Path, default=Path("data/english/synthetic"), help="the folder")
    add("--hibari", type=span, default=range(0), metavar="FIRST:END", help="shards of hibari")
    add("--kokoro", type=span, default=range(0), metavar="FIRST:END", help="shards of Kokoro")
    add("--kokoro-model", type=Path, help="Kokoro's ONNX file")
    add("--kokoro-voices", type=Path, help="the folder of the vectors of its voices")
    add("--processes", type=int, default=2, help="shards that are made at once; default: 2")
    options = parser.parse_args(arguments)
    if options.kokoro and not (options.kokoro_model and options.kokoro_voices):
        parser.error("--kokoro needs --kokoro-model and --kokoro-voices")
    kokoro = partial(Kokoro, options.kokoro_model, options.kokoro_voices)
    work = [(kokoro, number) for number in options.kokoro]
    work += [(Hibari, number) for number in options.hibari]
    try:
        with ProcessPoolExecutor(options.processes) as pool:
            futures = [
                pool.submit(make_shard, voice, number, options.books, options.read, options.output)
                for voice, number in work
            ]
            for future in futures:
                print(future.result(), flush=True)
    except (AsrError, VoiceError) as error:
        sys.exit(f"error: {error}")


def span(text: str) -> range:
    """Parse ``FIRST:END``."""
    first, end = text.split(":")
    return range(int(first), int(end))


def make_shard(
    voice: Callable[[], Speaker], number: int, books: Path, read: Path, output: Path
) -> str:
    """Make a shard if it is not there, and return a line that says so."""
    speaker = _speaker(voice)
    name = f"{speaker.name}-{number:03d}"
    manifest = output / f"{name}.jsonl"
    if manifest.exists():
        return f"{manifest}: there"
    texts = _texts(books, read)
    folder = output / name
    folder.mkdir(parents=True, exist_ok=True)
    utterances = []
    for index in range(UTTERANCES):
        rng = np.random.default_rng([number, index, speaker.name == "kokoro"])
        text = texts.draw(rng)
        samples, label = speaker(text.said, text.kind == "letters", rng)
        if len(samples) > LONGEST * SAMPLE_RATE:
            continue
        path = folder / f"{index:03d}.flac"
        write_flac(path, finished(samples, rng))
        utterances.append(
            Utterance(
                id=f"{name}-{index:03d}",
                audio=path,
                duration=len(samples) / SAMPLE_RATE,
                text=text.words,
                speaker=f"{speaker.name}-{label}",
                extra={"set": speaker.name},
            )
        )
    write_manifest(manifest, utterances)
    return f"{manifest}: {sum(item.duration for item in utterances) / 60:.1f} min"


def finished(samples: Samples, rng: np.random.Generator) -> Samples:
    """Return the samples through a microphone, which is drawn, at a level that is drawn.

    The gains of six points between 100 and 7,000 Hz are normally distributed by 3 dB.
    """
    spectrum = np.fft.rfft(samples)
    points = np.log(np.geomspace(100, 7000, 6))
    bins = np.log(np.maximum(np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE), 50))
    gains = np.interp(bins, points, rng.normal(0, 3, len(points)))
    shaped = np.fft.irfft(spectrum * 10 ** (gains / 20), len(samples))
    peak = 10 ** (rng.uniform(-18, -1) / 20)
    return (shaped * (peak / max(np.abs(shaped).max(), 1e-9))).astype(np.float32)


@cache
def _texts(books: Path, read: Path) -> Texts:
    return Texts(books, read)


@cache
def _speaker(voice: Callable[[], Speaker]) -> Speaker:
    return voice()


if __name__ == "__main__":
    main()
