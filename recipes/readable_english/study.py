"""Measure a tagger and three baselines on whole books that were not trained on.

    python recipes/readable_english/study.py --tagger runs/readable_english/tagger.onnx

The baselines are no marks at all, a full stop at every pause over 0.5 s, and an n-gram model of
words and marks. Texts are measured as they are and with 10, 20 and 30 % of the words wrong; pauses
are drawn as in training. The script writes ``results.json``, of which ``tables.py`` makes the
tables of the README. ``--limit`` measures the first words of each part alone, for a trial.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from asr.display.readable import MEMORY
from asr.display.tagger import Tagger, read_tagger
from asr.display.written import CASES, MARKS, SENTENCE_ENDS, WrittenWord
from asr.errors import AsrError
from asr.files import sha256, to_json, write_atomically
from asr.lm.kneser_ney import estimate
from asr.lm.packed import PackedLm
from asr.recognition.segments import split
from asr.recognition.words import Word
from asr.training.seeding import rng
from asr.training.tagger.confusions import HESITATIONS, confusions
from asr.training.tagger.data import read_words
from asr.training.tagger.noise import Passage, pauses_of, with_errors

FOLDER = Path(__file__).parent
PARTS = ("dev", "test")
SHARES = (0.0, 0.1, 0.2, 0.3)
"""The shares of wrong words."""

ORDER = 4
LIVE = "tagger, live"
SECONDS = 0.3
"""The length of a word."""
BEAM, PART = 8, 150
"""The hypotheses that the n-gram model keeps after each word, and the words of a part of the text
that it is applied to."""

TOKENS = {mark: f"<{index}>" for index, mark in enumerate(MARKS) if mark}
"""The marks as words of the n-gram model."""

MIDDLES = (0.05, 0.15, 0.27, 0.47, 0.8, 1.5, 3.0)
"""A pause (s) of each class that is known."""

Tagged = tuple[Sequence[str], Sequence[str]]
"""The mark after each word, and the case of each."""

System = Callable[[list[str], list[float]], Tagged]
"""A function that reads words and the pauses (s) after them."""

Hypothesis = tuple[float, tuple[int, ...], tuple[str, ...]]
"""A log10-probability, the last ids before the next word, and the marks so far."""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tagger", type=Path, required=True, help="the file of asr text train")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("data/readable_english"),
        help="the folder of prepare.py; default: data/readable_english",
    )
    parser.add_argument(
        "--limit", type=int, metavar="N", help="the words of each part; default: all"
    )
    parser.add_argument(
        "--output", type=Path, default=FOLDER / "results.json", help="default: beside the script"
    )
    options = parser.parse_args(arguments)
    try:
        values = study(options.data, read_tagger(options.tagger), options.limit)
    except AsrError as error:
        sys.exit(f"error: {error}")
    values = {"tagger": sha256(options.tagger), **values}
    write_atomically(options.output, to_json(values, indent=1) + "\n")


def study(data: Path, tagger: Tagger, limit: int | None = None) -> dict[str, Any]:
    """Return the figures of each system on both parts, and the minutes that they took."""
    begin = time.process_time()
    texts = {part: read_words([str(data / f"{part}.txt")])[:limit] for part in PARTS}
    systems = make_systems(read_words([str(data / "train.txt")]), tagger)
    rows = {part: measure(systems, text) for part, text in texts.items()}
    return {**rows, "minutes": round((time.process_time() - begin) / 60, 1)}


def make_systems(train: list[WrittenWord], tagger: Tagger) -> dict[str, System]:
    """Return the systems that are compared, by their names."""
    capitals = usual_cases(train)
    lm = estimate((marked(sentence) for sentence in sentences(train)), ORDER).model
    return {
        "nothing": lambda words, _: ([""] * len(words), ["lower"] * len(words)),
        "full stop at pauses": stops_at_pauses,
        f"{ORDER}-gram": lambda words, _: by_n_gram(lm, words, capitals),
        "tagger": lambda words, _: tagged(tagger, words, None),
        "tagger with pauses": lambda words, pauses: tagged(tagger, words, pauses),
        LIVE: lambda words, pauses: tagged_live(tagger, words, pauses),
    }


def measure(systems: dict[str, System], test: list[WrittenWord]) -> list[dict[str, Any]]:
    """Return the figures of each system on a text with each share of wrong words; live, on the text
    as it is alone."""
    rows = []
    for share in SHARES:
        words, marks, cases = wrong(test, share)
        draw = rng(1, "pauses of the study")
        classes = pauses_of(np.array([MARKS.index(mark) for mark in marks]), draw)
        pauses = [MIDDLES[index - 1] for index in classes]
        for name, system in systems.items():
            if name == LIVE and share:
                continue
            said = system(words, pauses)
            rows.append({"system": name, "wrong": share, **measures(said, (marks, cases))})
            print(rows[-1], flush=True)
    return rows


def wrong(test: list[WrittenWord], share: float) -> tuple[list[str], list[str], list[str]]:
    """Return the words of a text with a ``share`` of them wrong, their marks and their cases."""
    words = list(dict.fromkeys([*HESITATIONS, *(word.word for word in test)]))
    rows = confusions(words, [1] * len(words), seed=2)
    every = list(dict.fromkeys([*words, *(other for row in rows for other in row)]))
    ids = {word: index for index, word in enumerate(every)}
    passage = Passage(
        np.array([ids[word.word] for word in test]),
        np.array([MARKS.index(word.mark) for word in test]),
        np.array([CASES.index(word.case) for word in test]),
    )
    table = np.array([[ids[word] for word in row] for row in rows])
    fillers = np.array([ids[word] for word in HESITATIONS])
    noisy = with_errors(passage, share, table, fillers, rng(1, "errors of the study"))
    return (
        [every[index] for index in noisy.words],
        [MARKS[index] for index in noisy.marks],
        [CASES[index] for index in noisy.cases],
    )


def stops_at_pauses(words: list[str], pauses: list[float]) -> Tagged:
    """Put a full stop at every pause over 0.5 s, and a capital after it."""
    marks = ["." if pause > 0.5 else "" for pause in pauses]
    return marks, after_stops(marks, ["lower"] * len(words))


def after_stops(marks: Sequence[str], cases: Sequence[str]) -> list[str]:
    """Return the cases with a capital at the beginning of each sentence."""
    before = [".", *marks[:-1]]
    return [
        "capital" if mark in SENTENCE_ENDS and case == "lower" else case
        for mark, case in zip(before, cases, strict=True)
    ]


def tagged(tagger: Tagger, words: list[str], pauses: list[float] | None) -> Tagged:
    tags = tagger.tag(words, pauses)
    return tags.marks, tags.cases


def tagged_live(tagger: Tagger, words: list[str], pauses: list[float]) -> Tagged:
    """Tag the words as in live audio: nothing is known of what follows a segment."""
    timed, time = [], 0.0
    for word, pause in zip(words, pauses, strict=True):
        timed.append(Word(word, round(time, 3), round(time + SECONDS, 3), 1.0))
        time += SECONDS + pause
    marks, cases, first = list[str](), list[str](), 0
    for segment in split(timed):
        begin, last = max(0, first - MEMORY), first + len(segment.words)
        tags = tagger.tag(words[begin:last], pauses[begin:last])
        marks += tags.marks[first - begin :]
        cases += tags.cases[first - begin :]
        first = last
    return marks, cases


def usual_cases(train: list[WrittenWord]) -> dict[str, str]:
    """Return the case that each word has most often within sentences, where it is not lower."""
    counts: dict[str, dict[str, int]] = {}
    mark = "."
    for word in train:
        if mark not in SENTENCE_ENDS:
            row = counts.setdefault(word.word, {})
            row[word.case] = row.get(word.case, 0) + 1
        mark = word.mark
    best = {word: max(row, key=lambda case: row[case]) for word, row in counts.items()}
    return {word: case for word, case in best.items() if case != "lower"}


def sentences(words: list[WrittenWord]) -> list[list[WrittenWord]]:
    """Divide words behind the ends of sentences, so that every part is one or two of them."""
    parts: list[list[WrittenWord]] = [[]]
    for word in words:
        parts[-1].append(word)
        if word.mark in SENTENCE_ENDS and len(parts[-1]) >= 30:
            parts.append([])
    return [part for part in parts if part]


def marked(words: list[WrittenWord]) -> str:
    """Return words and their marks as a text of the n-gram model."""
    return " ".join(
        token for word in words for token in (word.word, TOKENS.get(word.mark, "")) if token
    )


def by_n_gram(lm: PackedLm, words: list[str], capitals: dict[str, str]) -> Tagged:
    """Choose the marks with which the n-gram model likes the words best, by beam search.

    The text is cut into parts, which are searched side by side.
    """
    ids = {token: lm.encode(token)[0] for token in {*words, *TOKENS.values()}}
    parts = [words[first : first + PART] for first in range(0, len(words), PART)]
    beams: list[list[Hypothesis]] = [[(0.0, (), ())] for _ in parts]
    for place in range(PART):
        going = [index for index, part in enumerate(parts) if place < len(part)]
        # Each hypothesis takes the word, and may take a mark behind it.
        said = [
            (index, total, (*context, ids[parts[index][place]]), marks)
            for index in going
            for total, context, marks in beams[index]
        ]
        scores = last_scores(lm, [context for _, _, context, _ in said])
        said = [
            (index, total + score, context, marks)
            for (index, total, context, marks), score in zip(said, scores, strict=True)
        ]
        grown = [
            (index, total, (*context[1 - ORDER :], ids[token]), (*marks, mark))
            for index, total, context, marks in said
            for mark, token in TOKENS.items()
        ]
        scores = last_scores(lm, [context for _, _, context, _ in grown])
        candidates: dict[int, list[Hypothesis]] = {index: [] for index in going}
        for index, total, context, marks in said:
            candidates[index].append((total, context[1 - ORDER :], (*marks, "")))
        for (index, total, context, marks), score in zip(grown, scores, strict=True):
            candidates[index].append((total + score, context[1 - ORDER :], marks))
        for index, found in candidates.items():
            beams[index] = sorted(found, key=lambda item: -item[0])[:BEAM]
    chosen = [mark for beam in beams for mark in beam[0][2]]
    cases = [capitals.get(word, "lower") for word in words]
    return chosen, after_stops(chosen, cases)


def last_scores(lm: PackedLm, contexts: list[tuple[int, ...]]) -> list[float]:
    """Return the log10-probability of the last id of each context, after the others."""
    unique = list(dict.fromkeys(contexts))
    found = {
        context: float(row[-2])
        for context, row in zip(unique, lm.score(unique), strict=True)
    }  # fmt: skip
    return [found[context] for context in contexts]


def measures(said: Tagged, true: Tagged) -> dict[str, Any]:
    """Return precision, recall and F1 of each mark, and the share of right cases."""
    result: dict[str, Any] = {}
    for mark in MARKS[1:]:
        pairs = list(zip(said[0], true[0], strict=True))
        right = sum(one == other == mark for one, other in pairs)
        ours, theirs = sum(one == mark for one, _ in pairs), sum(one == mark for _, one in pairs)
        precision, recall = right / max(ours, 1), right / max(theirs, 1)
        f1 = 2 * right / max(ours + theirs, 1)
        result[mark] = [round(value, 4) for value in (precision, recall, f1)] + [theirs]
    cases = [one == other for one, other in zip(said[1], true[1], strict=True)]
    return {**result, "case": round(sum(cases) / max(len(cases), 1), 4), "words": len(cases)}


if __name__ == "__main__":
    main()
