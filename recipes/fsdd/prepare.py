"""Free Spoken Digit Dataset: from its archive to manifests, isolated digits and strings of them.

    python recipes/fsdd/prepare.py --archive free-spoken-digit-dataset.tar.gz --output data/fsdd

The official split: of each speaker and digit the recordings 0 to 4 are the test set
(``test.jsonl``); here 5 to 9 are the development set, the rest is trained on. All six speakers are
in all three. ``test_strings.jsonl`` has strings of four to eight digits, joined from recordings of
one speaker with pauses of up to 0.3 s; such strings, of their own recordings, are in
``train.jsonl`` and ``dev.jsonl`` beside the isolated digits. They are drawn alike in every run.
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
LENGTHS = range(4, 9)  # digits of a string
LONGEST_PAUSE = 0.3  # seconds
SEED = 1


@dataclass(frozen=True)
class Recording:
    """One digit."""

    path: Path
    digit: int
    speaker: str

    @property
    def utterance(self) -> Utterance:
        """Return a recording as a line of a manifest."""
        duration = read_audio(self.path, RATE).duration
        return Utterance(self.path, duration, DIGITS[self.digit], self.path.stem, self.speaker)


def main(arguments: list[str] | None = None) -> None:
    description = __doc__.splitlines()[0]
    prepare_source(prepare, description, "data/fsdd", "the dataset as .tar.gz", URL, arguments)


def prepare(archive: Path | str, output: Path) -> None:
    """Unpack, join and list the corpus, of which ``archive`` is a file or a URL. It is whole if all
    recordings are there: an archive of a tag has no checksum that stays."""
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
    """The recordings ``{digit}_{speaker}_{take}.wav`` of all speakers and digits.

    Raises:
        DataError: one is missing.
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
    """Strings of the speakers in turn, as FLAC files."""
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
