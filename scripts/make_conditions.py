"""A test set once more: in noise and through a telephone, the same on every run.

    python scripts/make_conditions.py --manifest data/an4/test.jsonl \\
        --talkers data/an4/train.jsonl --output data/conditions/an4

Writes ``test-20db.jsonl``, ``test-10db.jsonl``, ``test-5db.jsonl`` (that much quieter than the
speech is pink noise in every other utterance, in the rest the babble of six speakers of
``--talkers``), ``test-8khz.jsonl`` (sampled at 8 kHz) and ``test-telephone.jsonl`` (300 to 3400 Hz,
µ-law at 8 kHz). Each utterance has the same noise at every level.
"""

import argparse
import io
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile

from asr.audio import Samples, read_audio
from asr.errors import AsrError, DataError
from asr.files import write_atomically
from asr.manifest import Utterance, read_manifest, write_manifest
from asr.training.augment import TELEPHONE_RATE, babble
from asr.training.noise import add_noise, coloured_noise

RATE = 16000
TALKERS = 6
TELEPHONE_BAND = (300, 3400)  # Hz
SEED = 1

Talkers = dict[str, list[Utterance]]
Condition = Callable[[Utterance, int, Talkers], tuple[Samples, int, str]]
"""An utterance, its place and the talkers, to samples, their rate and a subtype of WAV."""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--talkers", type=Path, required=True, help="manifest with speakers")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        talkers = read_talkers(options.talkers)
        for name in CONDITIONS:
            make(options.manifest, name, talkers, options.output)
    except AsrError as error:
        sys.exit(f"error: {error}")


def read_talkers(manifest: Path) -> Talkers:
    """The utterances of each speaker.

    Raises:
        DataError: too few speakers.
    """
    talkers: Talkers = {}
    for item in read_manifest(manifest):
        talkers.setdefault(item.speaker or "", []).append(item)
    if len(talkers) < TALKERS + 1:
        raise DataError(f"{manifest}: {len(talkers)} speakers, babble needs {TALKERS} others")
    return talkers


def make(manifest: Path, name: str, talkers: Talkers, output: Path) -> None:
    """Write the audio and the manifest of condition ``name``."""
    made = []
    for place, item in enumerate(read_manifest(manifest)):
        samples, rate, subtype = CONDITIONS[name](item, place, talkers)
        samples = samples / max(1.0, float(np.abs(samples).max()))
        path = output / "audio" / f"{manifest.stem}-{name}" / f"{place:04}.wav"
        wav = io.BytesIO()
        soundfile.write(wav, samples, rate, subtype, format="WAV")
        write_atomically(path, wav.getvalue())
        made.append(replace(item, audio=path, duration=len(samples) / rate, id=f"{item.id}-{name}"))
    path = output / f"{manifest.stem}-{name}.jsonl"
    write_manifest(path, made)
    print(f"{path}: {len(made)} utterances")


def noisy(snr: float) -> Condition:
    """In noise ``snr`` dB below the speech."""

    def condition(item: Utterance, place: int, talkers: Talkers) -> tuple[Samples, int, str]:
        samples = read_audio(item.audio, RATE).samples
        rng = np.random.default_rng([SEED, place])
        if place % 2:
            others = sorted(talkers.keys() - {item.speaker})
            noise = babble(
                [one(talkers[str(who)], rng) for who in pick(others, rng)], len(samples), rng
            )
        else:
            noise = coloured_noise(rng, len(samples), slope=1.0)
        return add_noise(samples, noise, snr, RATE), RATE, "PCM_16"

    return condition


def pick(speakers: Sequence[str], rng: np.random.Generator) -> list[str]:
    """Six different ones."""
    return [str(name) for name in rng.choice(speakers, TALKERS, replace=False)]


def one(utterances: Sequence[Utterance], rng: np.random.Generator) -> Samples:
    """One of a speaker's recordings."""
    return read_audio(utterances[int(rng.integers(len(utterances)))].audio, RATE).samples


def at_8khz(item: Utterance, place: int, talkers: Talkers) -> tuple[Samples, int, str]:
    """Sampled at 8 kHz."""
    return read_audio(item.audio, TELEPHONE_RATE).samples, TELEPHONE_RATE, "PCM_16"


def telephone(item: Utterance, place: int, talkers: Talkers) -> tuple[Samples, int, str]:
    """The band of a telephone and its µ-law at 8 kHz."""
    narrow = read_audio(item.audio, TELEPHONE_RATE).samples
    return through_telephone(narrow), TELEPHONE_RATE, "ULAW"


def through_telephone(samples: Samples) -> Samples:
    """``samples`` (n,) at 8 kHz within the band of a telephone."""
    band = scipy.signal.butter(4, TELEPHONE_BAND, "bandpass", fs=TELEPHONE_RATE, output="sos")
    filtered: Samples = scipy.signal.sosfilt(band, samples).astype(np.float32)
    return filtered


CONDITIONS: dict[str, Condition] = {
    "20db": noisy(20),
    "10db": noisy(10),
    "5db": noisy(5),
    "8khz": at_8khz,
    "telephone": telephone,
}


if __name__ == "__main__":
    main()
