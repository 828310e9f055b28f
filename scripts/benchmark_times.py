"""How far off are word times? Strings of digits whose borders are known.

    python scripts/benchmark_times.py --archive free-spoken-digit-dataset.tar.gz [--write]

Strings of three to eight digits of one speaker are joined from recordings of the Free AnyWord Digit
Dataset, with pauses of up to 0.3 s before, between and behind them. Its recordings are cut close to
the speech, some less close: a word begins and ends where its recording first and last comes within
35 dB of its loudest 10 ms. The table is of the official test part (indices 0 to 4): the times of
greedy search, of beam search for the ten digits, and of forced alignment. Of what is recognised
those words count that are right, in strings for which as many words come out as were said.

--write measures the model's ``word_offsets`` on the training part first, for words of all three,
and stores them in the model directory.
"""

import argparse
import dataclasses
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from asr.audio.read import Samples, read_audio, resample
from asr.decoding.beam import BeamSearch
from asr.decoding.greedy import greedy
from asr.decoding.hypothesis import Hypothesis
from asr.model.directory import ModelInfo, default_model, read_files, write_model
from asr.model.session import AcousticSession
from asr.recognition.aligner import align_tokens
from asr.recognition.words import to_words

DIGITS = "zero one two three four five six seven eight nine".split()
RATE = 8000  # of the recordings, Hz
TEST_INDICES = 5  # of each digit and speaker
LONGEST_PAUSE = 0.3  # s
RANGE = 35.0  # dB below a recording's loudest frame
FRAME = RATE // 100
STRINGS, SEED = 400, 1
DECODERS = ("greedy", "beam", "align")
STEPS = np.arange(-0.1, 0.1501, 0.005)  # offsets that are tried, s


@dataclasses.dataclass(frozen=True)
class Recording:
    """One digit: samples (n,) at ``RATE``, spoken from sample ``begin`` to ``end`` (exclusive)."""

    word: str
    speaker: str
    index: int
    samples: Samples
    begin: int
    end: int


@dataclasses.dataclass(frozen=True)
class DigitString:
    """Samples (n,) at ``RATE``, and words with their start and end in seconds."""

    samples: Samples
    words: tuple[str, ...]
    borders: tuple[tuple[float, float], ...]


@dataclasses.dataclass(frozen=True)
class Decoded:
    """A string of ``duration`` seconds as each of ``DECODERS`` has it."""

    string: DigitString
    hypotheses: dict[str, Hypothesis]
    duration: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--archive", type=Path, required=True, help="the dataset as tar.gz, or unpacked"
    )
    parser.add_argument("--model", type=Path, default=default_model(), help="a model directory")
    parser.add_argument("--strings", type=int, default=STRINGS, help="of each part (default: 400)")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--write", action="store_true", help="measure and store word_offsets")
    options = parser.parse_args()
    recordings = read_recordings(options.archive)
    if options.write:
        write_offsets(options.model, recordings, options.strings, options.seed)
    session = AcousticSession(options.model)
    info = session.info
    chosen = [item for item in recordings if item.index < TEST_INDICES]
    decoded = decode(session, make_strings(chosen, options.strings, options.seed))
    console = Console()
    console.print(
        f"{options.model}: word_offsets {list(info.word_offsets)} s; {options.strings} strings, "
        f"{sum(len(item.string.words) for item in decoded)} words"
    )
    console.print(table(decoded, info))


def write_offsets(
    model: Path, recordings: Iterable[Recording], strings: int = STRINGS, seed: int = SEED
) -> None:
    """Measure the ``word_offsets`` of a model directory on the training part, and store them."""
    session = AcousticSession(model)
    info = session.info
    chosen = [item for item in recordings if item.index >= TEST_INDICES]
    training = decode(session, make_strings(chosen, strings, seed))
    info = dataclasses.replace(info, word_offsets=measure_offsets(training, info))
    write_model(model, info, read_files(model, info))


def read_recordings(source: Path) -> list[Recording]:
    """All recordings of the archive, or of the folder in which they lie, sorted by their names
    ``{digit}_{speaker}_{index}.wav``."""
    recordings = {}
    for path, data in unpacked(source):
        digit, speaker, index = path.stem.split("_")
        samples = read_audio(data, RATE).samples
        begin, end = spoken(samples)
        recordings[path.stem] = Recording(
            DIGITS[int(digit)], speaker, int(index), samples, begin, end
        )
    return [recordings[name] for name in sorted(recordings)]


def unpacked(source: Path) -> Iterator[tuple[Path, bytes]]:
    """The WAV files of an archive or a folder."""
    if source.is_dir():
        yield from ((path, path.read_bytes()) for path in source.rglob("?_*.wav"))
        return
    with tarfile.open(source) as tar:
        for member in tar:  # in the archive's order: going back means unpacking it from the start
            file = tar.extractfile(member) if member.name.endswith(".wav") else None
            if file is not None:
                yield Path(member.name), file.read()


def spoken(samples: Samples) -> tuple[int, int]:
    """First and last sample (exclusive) of the frames within ``RANGE`` of the loudest one."""
    starts = np.arange(0, len(samples), FRAME)
    powers = np.add.reduceat(samples.astype(np.float64) ** 2, starts)
    loud = np.flatnonzero(powers > powers.max() * 10 ** (-RANGE / 10))
    return int(starts[loud[0]]), min(int(starts[loud[-1]]) + FRAME, len(samples))


def make_strings(recordings: list[Recording], count: int, seed: int) -> list[DigitString]:
    """``count`` strings, of each speaker in turn; a pure function of the arguments."""
    speakers = sorted({item.speaker for item in recordings})
    return [
        join(
            [item for item in recordings if item.speaker == speakers[index % len(speakers)]],
            np.random.default_rng([seed, index]),
        )
        for index in range(count)
    ]


def join(recordings: list[Recording], rng: np.random.Generator) -> DigitString:
    """Three to eight of ``recordings`` with pauses around them."""

    def pause() -> Samples:
        return np.zeros(int(rng.uniform(0, LONGEST_PAUSE) * RATE), np.float32)

    said = [recordings[i] for i in rng.integers(len(recordings), size=rng.integers(3, 9))]
    pieces, borders = [pause()], []
    for item in said:
        position = sum(map(len, pieces))
        borders.append(((position + item.begin) / RATE, (position + item.end) / RATE))
        pieces += [item.samples, pause()]
    return DigitString(np.concatenate(pieces), tuple(item.word for item in said), tuple(borders))


def decode(session: AcousticSession, strings: list[DigitString]) -> list[Decoded]:
    """Every string by every decoder."""
    vocabulary, rate = session.info.vocabulary, session.info.sample_rate
    beam = BeamSearch(vocabulary, lexicon=DIGITS)
    decoded = []
    for string in strings:
        samples = resample(string.samples, RATE, rate)
        (log_probs,) = session.log_probs([samples])
        tokens = vocabulary.encode(" ".join(string.words))
        hypotheses = {
            "greedy": greedy(log_probs, vocabulary.blank_id),
            "beam": beam(log_probs),
            "align": align_tokens(log_probs, tokens, vocabulary.blank_id),
        }
        decoded.append(Decoded(string, hypotheses, len(samples) / rate))
    return decoded


def word_errors(items: Iterable[Decoded], decoder: str, info: ModelInfo) -> np.ndarray:
    """Start and end errors (words, 2) in seconds, late ones positive, of the words that count."""
    errors = []
    for item in items:
        words = to_words(item.hypotheses[decoder], info, item.duration)
        if len(words) != len(item.string.words):
            continue
        for word, said, (start, end) in zip(
            words, item.string.words, item.string.borders, strict=True
        ):
            if word.text == said:
                errors.append((word.start - start, word.end - end))
    return np.array(errors).reshape(-1, 2)


def measure_offsets(items: list[Decoded], info: ModelInfo) -> tuple[float, float]:
    """The offsets with which the median of the errors of all decoders' words is nearest to 0."""

    def bias(offsets: tuple[float, float], column: int) -> float:
        trial = dataclasses.replace(info, word_offsets=offsets)
        errors = [word_errors(items, decoder, trial)[:, column] for decoder in DECODERS]
        return abs(float(np.median(np.concatenate(errors))))

    offsets = [round(float(step), 3) for step in STEPS]
    start = min(offsets, key=lambda offset: bias((offset, 0.0), 0))
    return start, min(offsets, key=lambda offset: bias((start, offset), 1))


def table(items: list[Decoded], info: ModelInfo) -> Table:
    """Errors in milliseconds; the bias, a signed median, also before the offsets correct it."""
    raw = dataclasses.replace(info, word_offsets=(0.0, 0.0))
    result = Table(
        "decoder", "words", "border", "median", "95 %", "≤60 ms", "≤200 ms", "bias", "before"
    )
    for decoder in DECODERS:
        errors, before = (1000 * word_errors(items, decoder, model) for model in (info, raw))
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
