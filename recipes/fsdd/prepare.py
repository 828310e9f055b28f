"""Prepare the Free Spoken Digit Dataset: make manifests of isolated digits and strings of them.

    python recipes/fsdd/prepare.py --archive free-spoken-digit-dataset.tar.gz --output data/fsdd

By the official split, the recordings 0 to 4 of each speaker and digit are the test set
(``test.jsonl``). Here the recordings 5 to 9 are the development set, and the rest is trained on.
All six speakers are in all three sets. ``test_strings.jsonl`` has strings of four to eight digits,
which are joined from recordings of one speaker with pauses of up to 0.3 s. ``train.jsonl`` and
``dev.jsonl`` hold such strings too, made of their own recordings, beside the isolated digits. Every
run draws the same strings.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from asr.audio.read import Samples, read_audio
from asr.data.archives import have_unpacked
from asr.data.corpora import prepare_source, write_parts
from asr.data.manifest import Utterance
from asr.errors import DataError
from asr.files import write_atomically

URL = "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.tar.gz"
RATE = 8000
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
TAKES = {"test": range(5), "dev": range(5, 10), "train": range(10, 50)}
STRINGS = {"test": 200, "dev": 100, "train": 500}
LENGTHS = range(4, 9)  # the numbers of digits that a string may have
LONGEST_PAUSE = 0.3  # seconds
SEED = 1


@dataclass(frozen=True)
class Recording:
    """A recording of one digit."""

    path: Path
    digit: int
    speaker: str

    @property
    def utterance(self) -> Utterance:
        """Return the recording as a line of a manifest."""
        duration = read_audio(self.path, RATE).duration
        return Utterance(self.path, duration, DIGITS[self.digit], self.path.stem, self.speaker)


def main(arguments: list[str] | None = None) -> None:
    description = __doc__.splitlines()[0]
    prepare_source(prepare, description, "data/fsdd", "the dataset as .tar.gz", URL, arguments)


def prepare(archive: Path | str, output: Path) -> None:
    """Unpack ``archive``, a file or a URL, join digits to strings, and write the manifests.

    The archive is not checked by a checksum, because that of a tag's archive may change, but all
    recordings must be there.
    """
    have_unpacked(archive, output)
    parts: dict[str, list[Utterance]] = {}
    for part, takes in TAKES.items():
        recordings = find(output, takes)
        strings = join_strings(recordings, part, output / "strings" / part)
        digits = [item.utterance for item in recordings]
        parts |= (
            {"test": digits, "test_strings": strings}
            if part == "test"
            else {part: digits + strings}
        )
    write_parts(output, parts)


def find(output: Path, takes: range) -> list[Recording]:
    """Return the recordings ``{digit}_{speaker}_{take}.wav`` of all speakers and digits.

    Raises:
        DataError: one of them is missing.
    """
    found = {path.name: path for path in sorted(output.glob("*/recordings/*.wav"))}
    recordings = []
    for speaker in SPEAKERS:
        for digit in range(len(DIGITS)):
            for take in takes:
                name = f"{digit}_{speaker}_{take}.wav"
                if name not in found:
                    raise DataError(f"{output}: {name} is missing; needs the whole dataset")
                recordings.append(Recording(found[name], digit, speaker))
    return recordings


def join_strings(recordings: Sequence[Recording], part: str, folder: Path) -> list[Utterance]:
    """Write strings of the speakers in turn to FLAC files, and return their utterances."""
    samples = {item.path: read_audio(item.path, RATE).samples for item in recordings}
    strings = []
    for index in range(STRINGS[part]):
        rng = np.random.default_rng([SEED, tuple(TAKES).index(part), index])
        speaker = SPEAKERS[index % len(SPEAKERS)]
        own = [item for item in recordings if item.speaker == speaker]
        said = [own[place] for place in rng.integers(len(own), size=rng.choice(LENGTHS))]
        joined = join([samples[item.path] for item in said], rng)
        path = folder / f"{part}-{index:03}-{speaker}.flac"
        flac = io.BytesIO()
        soundfile.write(flac, joined, RATE, format="FLAC", subtype="PCM_16")
        write_atomically(path, flac.getvalue())
        text = " ".join(DIGITS[item.digit] for item in said)
        strings.append(Utterance(path, len(joined) / RATE, text, path.stem, speaker))
    return strings


def join(pieces: Sequence[Samples], rng: np.random.Generator) -> Samples:
    """Join recordings with pauses of digital silence before, between and after them."""
    parts: list[Samples] = []
    for piece in pieces:
        parts += [np.zeros(int(rng.uniform(0, LONGEST_PAUSE) * RATE), np.float32), piece]
    parts.append(np.zeros(int(rng.uniform(0, LONGEST_PAUSE) * RATE), np.float32))
    return np.concatenate(parts)


if __name__ == "__main__":
    main()
