"""Measure the errors of word times on strings of digits whose borders are known.

    python scripts/benchmarks/times.py --archive free-spoken-digit-dataset.tar.gz

Strings of three to eight digits of one speaker are joined from recordings of the Free Spoken Digit
Dataset, with pauses of up to 0.3 s before, between and behind them. Its recordings are cut close to
the speech, though some of them less closely. So a word is taken to begin and end where its
recording first and last comes within 35 dB of its loudest 10 ms. The table shows the errors on the
official test part (indices 0 to 4), for the times of greedy search, of beam search for the ten
digits, and of forced alignment. Of the recognised words, those count that are right and stand in a
string for which as many words were recognised as were said.

The word offsets that correct these times are measured at the end of training, on development
recordings (asr.evaluation.word_times).
"""

import argparse
import dataclasses
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from asr.audio.read import read_audio
from asr.audio.resample import resample
from asr.decoding.beam import BeamSearch
from asr.evaluation import word_times
from asr.evaluation.word_times import Clip, Decoded, JoinedRecording, border_errors, spoken
from asr.model.directory import ModelInfo, default_model
from asr.model.session import AcousticSession

DIGITS = "zero one two three four five six seven eight nine".split()
RATE = 8000  # the sample rate of the recordings, in Hz
TEST_INDICES = 5  # this many recordings of each digit and speaker, the first ones, are for the test
RANGE = 35.0  # frames of speech are at most this many dB below the loudest frame of a recording
STRINGS, SEED = 400, 1
DECODERS = ("greedy", "beam", "align")


@dataclasses.dataclass(frozen=True)
class Recording:
    """A recording of one digit, at ``RATE``."""

    clip: Clip
    speaker: str
    index: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--archive", type=Path, required=True, help="the dataset as tar.gz, or unpacked"
    )
    parser.add_argument(
        "--model",
        type=Path,
        default=default_model(),
        help="a model directory; default: the model in the package",
    )
    parser.add_argument(
        "--strings", type=int, default=STRINGS, help="the number of strings; default: 400"
    )
    parser.add_argument("--seed", type=int, default=SEED, help="determines the strings; default: 1")
    options = parser.parse_args()
    recordings = read_recordings(options.archive)
    session = AcousticSession(options.model)
    info = session.info
    chosen = [item for item in recordings if item.index < TEST_INDICES]
    decoded = decode(session, make_strings(chosen, options.strings, options.seed))
    console = Console()
    console.print(
        f"{options.model}: word_offsets {list(info.word_offsets)} s; {options.strings} strings, "
        f"{sum(len(item.recording.words) for item in decoded)} words"
    )
    console.print(table(decoded, info))


def read_recordings(source: Path) -> list[Recording]:
    """Read all recordings of the archive, or of the folder in which they lie.

    They are sorted by their names, ``{digit}_{speaker}_{index}.wav``.
    """
    recordings = {}
    for path, data in unpacked(source):
        digit, speaker, index = path.stem.split("_")
        samples = read_audio(data, RATE).samples
        begin, end = spoken(samples, RATE, RANGE, RANGE)
        clip = Clip((DIGITS[int(digit)],), samples, begin / RATE, end / RATE)
        recordings[path.stem] = Recording(clip, speaker, int(index))
    return [recordings[name] for name in sorted(recordings)]


def unpacked(source: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield the paths and the contents of the WAV files of an archive or a folder."""
    if source.is_dir():
        yield from ((path, path.read_bytes()) for path in source.rglob("?_*.wav"))
        return
    with tarfile.open(source) as tar:
        for member in tar:  # in the order of the archive, which cannot be read backward
            file = tar.extractfile(member) if member.name.endswith(".wav") else None
            if file is not None:
                yield Path(member.name), file.read()


def make_strings(recordings: list[Recording], count: int, seed: int) -> list[JoinedRecording]:
    """Make ``count`` strings, of each speaker in turn; the arguments determine all of them."""
    speakers = sorted({item.speaker for item in recordings})
    return [
        make_string(
            [item for item in recordings if item.speaker == speakers[index % len(speakers)]],
            np.random.default_rng([seed, index]),
        )
        for index in range(count)
    ]


def make_string(recordings: list[Recording], rng: np.random.Generator) -> JoinedRecording:
    """Join three to eight of ``recordings``, with pauses around them."""
    said = [recordings[i].clip for i in rng.integers(len(recordings), size=rng.integers(3, 9))]
    return word_times.join(said, RATE, rng)


def decode(session: AcousticSession, strings: list[JoinedRecording]) -> list[Decoded]:
    """Decode every string with every decoder."""
    rate = session.info.sample_rate
    resampled = [
        dataclasses.replace(string, samples=resample(string.samples, RATE, rate))
        for string in strings
    ]
    beam = BeamSearch(session.info.vocabulary, lexicon=DIGITS)
    return word_times.decode(session, resampled, beam)


def table(items: list[Decoded], info: ModelInfo) -> Table:
    """Return a table of the errors in milliseconds.

    The bias is the signed median; it is also given before the word offsets correct it.
    """
    raw = dataclasses.replace(info, word_offsets=(0.0, 0.0))
    result = Table(
        "decoder", "words", "border", "median", "95 %", "≤60 ms", "≤200 ms", "bias", "before"
    )
    for decoder in DECODERS:
        errors, before = (1000 * border_errors(items, decoder, model) for model in (info, raw))
        for column, border in enumerate(("start", "end")):
            sizes = np.abs(errors[:, column])
            result.add_row(
                *((decoder, str(len(errors))) if column == 0 else ("", "")),
                border,
                f"{np.median(sizes):.0f}",
                f"{np.percentile(sizes, 95):.0f}",
                f"{100 * np.mean(sizes <= 60):.1f} %",
                f"{100 * np.mean(sizes <= 200):.1f} %",
                f"{np.median(errors[:, column]):+.0f}",
                f"{np.median(before[:, column]):+.0f}",
            )
    return result


if __name__ == "__main__":
    main()
