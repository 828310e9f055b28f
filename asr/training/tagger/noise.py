"""Errors as of a recogniser, and pauses as of a speaker, put into passages of written text."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asr.display.pauses import CLASSES
from asr.display.written import CASES, MARKS, SENTENCE_ENDS
from asr.training.tagger.config import NoiseConfig

ENDS = np.array([mark in SENTENCE_ENDS for mark in MARKS])
"""True for the marks that end a sentence."""

REPLACED, LEFT_OUT = 0.6, 0.8
"""Shares of the errors: words replaced; words replaced or left out; the rest are hesitations."""

PAUSES = np.array(
    [
        [0.88, 0.07, 0.03, 0.01, 0.006, 0.003, 0.001],  # none
        [0.30, 0.15, 0.22, 0.20, 0.09, 0.03, 0.01],  # ,
        [0.06, 0.04, 0.12, 0.33, 0.30, 0.11, 0.04],  # .
        [0.08, 0.06, 0.16, 0.34, 0.25, 0.08, 0.03],  # ?
        [0.10, 0.08, 0.20, 0.32, 0.21, 0.07, 0.02],  # !
        [0.10, 0.08, 0.20, 0.33, 0.21, 0.06, 0.02],  # ;
        [0.15, 0.10, 0.22, 0.29, 0.17, 0.05, 0.02],  # :
        [0.20, 0.12, 0.23, 0.25, 0.14, 0.05, 0.01],  # –
    ]
)
"""For each mark, how often a pause of each known class follows the word before it.

The rows of no mark and of the comma follow what was measured: 756 gaps and 40 between the words of
LibriSpeech utterances whose books are known, aligned by CTC. The others are estimates: only 10 full
stops and 9 other marks stood within these utterances."""

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Passage:
    """The ids of words (n,), and for each word the indices of its mark and case."""

    words: Ids
    marks: Ids
    cases: Ids

    def __len__(self) -> int:
        return len(self.words)


def with_errors(
    passage: Passage,
    share: float,
    confusions: Ids,
    hesitations: Ids,
    draw: np.random.Generator,
) -> Passage:
    """Return a passage in which a ``share`` of the words has errors.

    ``confusions`` (V, n) are the ids of what may stand in place of each word. A mark after a word
    that is left out moves to the word before, and the capital of a sentence's first word to the
    next. One word is kept at least.
    """
    count = len(passage)
    marks, cases = passage.marks.copy(), passage.cases.copy()
    wrong = draw.random(count) < share
    kind = draw.random(count)
    columns = draw.integers(confusions.shape[1], size=count)
    replaced = wrong & (kind < REPLACED)
    words = np.where(replaced, confusions[passage.words, columns], passage.words)
    kept = ~(wrong & (kind >= REPLACED) & (kind < LEFT_OUT))
    kept[int(draw.integers(count))] = True
    begins = np.concatenate([[True], ENDS[marks[:-1]]])
    capital = CASES.index("capital")
    for index in np.flatnonzero(~kept):
        before = np.flatnonzero(kept[:index])
        if len(before) and marks[index] and not marks[before[-1]]:
            marks[before[-1]] = marks[index]
        if begins[index] and index + 1 < count:
            begins[index + 1] = True
            cases[index + 1] = max(cases[index + 1], capital)
    places = np.flatnonzero(wrong & (kind >= LEFT_OUT) & kept & ~begins)
    places = (np.cumsum(kept) - 1)[places]
    fillers = hesitations[draw.integers(len(hesitations), size=len(places))]
    return Passage(
        np.insert(words[kept], places, fillers),
        np.insert(marks[kept], places, 0),
        np.insert(cases[kept], places, 0),
    )


def pauses_of(marks: Ids, draw: np.random.Generator) -> Ids:
    """Draw the class of the pause after each word, as it follows the word's mark."""
    chances = np.cumsum(PAUSES / PAUSES.sum(1, keepdims=True), axis=1)
    classes: Ids = (draw.random((len(marks), 1)) > chances[marks]).sum(1)
    return np.minimum(classes + 1, CLASSES - 1)


def noisy(
    passage: Passage,
    config: NoiseConfig,
    confusions: Ids,
    hesitations: Ids,
    draw: np.random.Generator,
) -> tuple[Passage, Ids]:
    """Return a passage as it is trained on, and the classes of its pauses, which may be unknown."""
    if draw.random() < config.probability:
        share = draw.uniform(0, config.errors)
        passage = with_errors(passage, share, confusions, hesitations, draw)
    if draw.random() < config.pauses:
        return passage, pauses_of(passage.marks, draw)
    return passage, np.zeros(len(passage), np.int64)
