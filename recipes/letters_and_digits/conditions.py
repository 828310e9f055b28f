"""Write copies of a manifest's recordings: in noise, at 8 kHz, in a telephone's band, and as MP3.

    python recipes/letters_and_digits/conditions.py --manifest data/an4/test.jsonl \\
        --talkers data/an4/train.jsonl --output data/conditions/an4_test

For each of :data:`CONDITIONS`, the script writes the recordings to ``CONDITION/`` and their
manifest ``CONDITION.jsonl``. The first, third, fifth … recording gets pink noise, the others get
babble of six speakers. The noise of a recording depends on nothing but ``SEED`` and the place of
the recording in the manifest, so that it is the same noise at all levels.
"""

import argparse
import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile

from asr.audio.probe import probe
from asr.audio.read import MAX_READ_SECONDS, Samples, read_audio
from asr.audio.resample import resample
from asr.data.manifest import Utterance, read_manifest, write_manifest
from asr.errors import AsrError, DataError
from asr.files import write_atomically
from asr.training.augment import TELEPHONE_RATE, add_noise, babble, coloured_noise
from asr.training.seeding import rng

SEED = 1
TALKERS = 6
PEAK = 0.99  # a recording that noise would make louder than this gets this peak
BAND = (300.0, 3400.0)  # Hz
MP3_RATE, MP3_LEVEL = 16000, 128 / 152  # levels 0 to 1 are 160 to 8 kbit/s; this is 32 kbit/s

Recording = tuple[Samples, int]
"""Samples (n,) and their rate in Hz."""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--manifest", type=Path, required=True, help="the manifest of the recordings to be copied"
    )
    parser.add_argument(
        "--talkers", type=Path, required=True, help="a manifest of speech to make babble of"
    )
    parser.add_argument(
        "--conditions",
        nargs="+",
        choices=CONDITIONS,
        default=[*CONDITIONS],
        help="the conditions of the copies; default: all",
    )
    parser.add_argument("--output", type=Path, required=True, help="the folder to write to")
    options = parser.parse_args(arguments)
    try:
        items = read_manifest(options.manifest)
        talkers = Talkers(read_manifest(options.talkers))
        for condition in options.conditions:
            print(degrade(items, condition, talkers, options.output))
    except AsrError as error:
        sys.exit(f"error: {error}")


class Talkers:
    """The speakers that babble is made of, each with his utterances.

    Raises:
        DataError: there are fewer speakers than :data:`TALKERS`.
    """

    def __init__(self, utterances: Sequence[Utterance]) -> None:
        self.of: dict[str, list[Utterance]] = {}
        for item in utterances:
            if item.speaker is not None and item.text:
                self.of.setdefault(item.speaker, []).append(item)
        if len(self.of) < TALKERS:
            raise DataError(f"babble needs {TALKERS} speakers, but the talkers are {len(self.of)}")

    def draw(self, random: np.random.Generator) -> list[Utterance]:
        """Draw :data:`TALKERS` speakers, and an utterance of each."""
        names = random.choice(sorted(self.of), TALKERS, replace=False)
        return [self.of[name][random.integers(len(self.of[name]))] for name in names]

    def babble(self, count: int, rate: int, random: np.random.Generator) -> Samples:
        """Return ``count`` samples at ``rate`` Hz in which drawn speakers all talk at once."""
        drawn = self.draw(random)
        return babble([read_audio(item.audio, rate).samples for item in drawn], count, random)


def degrade(items: Sequence[Utterance], condition: str, talkers: Talkers, folder: Path) -> Path:
    """Write the copies of ``items`` in ``condition`` to ``folder``, and return their manifest.

    Raises:
        AudioError: a recording cannot be read.
    """
    copies = []
    for place, item in enumerate(items):
        samples, rate = CONDITIONS[condition](read(item.audio), place, talkers)
        coded = io.BytesIO()
        if condition == "mp3":
            path = folder / condition / f"{item.id}.mp3"
            constant = {"bitrate_mode": "CONSTANT", "compression_level": MP3_LEVEL}
            soundfile.write(coded, samples, rate, "MPEG_LAYER_III", format="MP3", **constant)
        else:
            path = folder / condition / f"{item.id}.flac"
            soundfile.write(coded, samples, rate, "PCM_16", format="FLAC")
        write_atomically(path, coded.getvalue())
        copies.append(Utterance(path, len(samples) / rate, item.text, item.id, item.speaker))
    manifest = folder / f"{condition}.jsonl"
    write_manifest(manifest, copies)
    return manifest


def read(path: Path) -> Recording:
    """Read a recording at its own rate."""
    rate = probe(path, MAX_READ_SECONDS).rate
    return read_audio(path, rate).samples, rate


def noisy(snr: float) -> Callable[[Recording, int, Talkers], Recording]:
    """Return the condition whose noise lies ``snr`` dB below the speech.

    :func:`asr.training.augment.speech_power` measures the level of the speech.
    """

    def degraded(recording: Recording, place: int, talkers: Talkers) -> Recording:
        samples, rate = recording
        mixed = add_noise(samples, noise_for(place, len(samples), rate, talkers), snr, rate)
        return mixed * np.float32(min(1.0, PEAK / np.abs(mixed).max())), rate

    return degraded


def noise_for(place: int, count: int, rate: int, talkers: Talkers) -> Samples:
    """Return the noise (count,) of the recording at ``place`` of its manifest."""
    random = rng(SEED, place)
    if place % 2:
        return talkers.babble(count, rate, random)
    return coloured_noise(random, count, slope=1.0)


def narrow(recording: Recording, place: int, talkers: Talkers) -> Recording:
    """Return the recording at the rate of a telephone; one that has this rate stays as it is."""
    samples, rate = recording
    return resample(samples, rate, TELEPHONE_RATE).clip(-1, 1), TELEPHONE_RATE


def telephone(recording: Recording, place: int, talkers: Talkers) -> Recording:
    """Return the recording at the rate of a telephone, and of its band only :data:`BAND`."""
    samples, rate = narrow(recording, place, talkers)
    band = scipy.signal.butter(6, BAND, "bandpass", fs=rate, output="sos")
    return scipy.signal.sosfilt(band, samples).clip(-1, 1).astype(np.float32), rate


def mp3(recording: Recording, place: int, talkers: Talkers) -> Recording:
    """Return the recording at the rate at which :data:`MP3_LEVEL` stands for 32 kbit/s.

    :func:`degrade` encodes it.
    """
    samples, rate = recording
    return resample(samples, rate, MP3_RATE).clip(-1, 1), MP3_RATE


CONDITIONS: dict[str, Callable[[Recording, int, Talkers], Recording]] = {
    "snr20": noisy(20.0),
    "snr10": noisy(10.0),
    "snr5": noisy(5.0),
    "8khz": narrow,
    "telephone": telephone,
    "mp3": mp3,
}


if __name__ == "__main__":
    main()
