"""Single words that are cut at their edges, as collections of digits and commands often have them.

A model that has heard every word with what lies around it loses the word where that is missing: of
the commands of the development set 9 % were wrong as they are, and 30 % when they were cut.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from audio import SAMPLE_RATE, in_set, levelled, recorded, trimmed

from asr.audio.read import read_audio
from asr.audio.resample import resample
from asr.data.manifest import Utterance
from asr.recognition.aligner import Aligner

Samples = npt.NDArray[np.float32]

WHOLE = ("commands", "bed_cat_happy")
"""Sets whose recordings are single words."""
SPOKEN = ("kokoro", "hibari", "letters")
"""Sets of synthetic speech, some of whose utterances are single words."""
ALIGNER = Path(__file__).parents[1] / "an4" / "model"
"""The model that finds the words in recordings of AN4."""
SHORTEST = 0.15
"""Seconds below which a word that was found is taken for a mistake."""
EDGE = -25.0
"""The level at the edges of a word below its loudest part, in dB."""
MOST = 4000
"""The most words of synthetic speech."""
STRINGS = 1500
DIGITS = {*"zero oh one two three four five six seven eight nine".split()}
PAUSE = 0.3
TELEPHONE_RATE = 8000


def single_words(items: Sequence[Utterance], folder: Path) -> list[Utterance]:
    """Return words of the training recordings ``items``, and strings of digits that are joined of
    them, in the sets ``word_SET``, ``word_synthetic`` and ``joined_words``.

    Half of the recordings have the rate of a telephone.
    """
    cut = [*whole_words(items), *words_of_sentences(items), *spoken_words(items)]
    found = []
    for number, (name, item, samples) in enumerate(cut):
        rng = np.random.default_rng([number, len(cut)])
        path = folder / name / f"{number:05d}.flac"
        found.append(written(path, name, item.text, item.speaker, samples, rng))
    return [*found, *strings(cut, folder / "joined_words")]


Cut = tuple[str, Utterance, Samples]
"""The set of a word, what it is, and its samples."""


def whole_words(items: Iterable[Utterance]) -> Iterator[Cut]:
    """Yield the recordings that are single words."""
    for item in items:
        if item.extra["set"] in WHOLE:
            yield f"word_{item.extra['set']}", item, edges(item)


def spoken_words(items: Iterable[Utterance]) -> Iterator[Cut]:
    """Yield synthetic words, drawn from all voices."""
    words = [item for item in items if item.extra["set"] in SPOKEN and item.text.isalpha()]
    words = [item for item in words if len(item.text) > 1]
    for place in np.random.default_rng(0).permutation(len(words))[:MOST].tolist():
        yield "word_synthetic", words[place], edges(words[place])


def words_of_sentences(items: Iterable[Utterance]) -> Iterator[Cut]:
    """Yield the words of AN4's recordings, but for single letters."""
    aligner = Aligner(ALIGNER)
    for item in items:
        if item.extra["set"] != "an4":
            continue
        samples = read_audio(item.audio, SAMPLE_RATE).samples
        for word in aligner.align(item.audio, item.text).words:
            if len(word.text) > 1 and word.end - word.start >= SHORTEST:
                begin, end = round(word.start * SAMPLE_RATE), round(word.end * SAMPLE_RATE)
                named = Utterance(item.audio, word.end - word.start, word.text, "", item.speaker)
                yield "word_an4", named, samples[begin:end]


def edges(item: Utterance) -> Samples:
    """Return the samples of a recording from the edge to the edge of what is said."""
    return trimmed(read_audio(item.audio, SAMPLE_RATE).samples, EDGE, 0)


def strings(cut: Sequence[Cut], folder: Path) -> Iterator[Utterance]:
    """Yield strings of digits, each of one speaker."""
    digits = [word for word in cut if word[1].text in DIGITS]
    speakers: dict[str | None, list[Cut]] = defaultdict(list)
    for word in digits:
        speakers[word[1].speaker].append(word)
    for number in range(STRINGS if digits else 0):
        rng = np.random.default_rng([number, STRINGS])
        first = digits[rng.integers(len(digits))]
        own = speakers[first[1].speaker]
        chosen = rng.choice(len(own), int(rng.integers(2, 9)))  # a digit may come twice
        parts, texts = list[Samples](), list[str]()
        for place in chosen:
            _, item, samples = own[place]
            parts.append(levelled(samples, rng))
            parts.append(np.zeros(int(rng.uniform(0, PAUSE) * SAMPLE_RATE), np.float32))
            texts.append(item.text)
        joined = np.concatenate(parts)
        path, text = folder / f"{number:04d}.flac", " ".join(texts)
        yield written(path, "joined_words", text, first[1].speaker, joined, rng)


def written(
    path: Path,
    name: str,
    text: str,
    speaker: str | None,
    samples: Samples,
    rng: np.random.Generator,
) -> Utterance:
    """Write a recording, half the time by way of a telephone's rate, and return it."""
    if rng.random() < 0.5:
        slow = resample(samples, SAMPLE_RATE, TELEPHONE_RATE)
        samples = resample(slow, TELEPHONE_RATE, SAMPLE_RATE)
    return in_set(recorded(path, samples, text, f"{name}-{path.stem}", speaker), name)
