"""Preparation of manifests for training: what cannot be trained on is left out and listed."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from asr.data.manifest import Utterance, fits, read_manifest, unknown_characters
from asr.errors import DataError
from asr.text import Vocabulary, normalize
from asr.training.config import Config, DataConfig
from asr.training.guards import entry, write_skipped
from asr.training.sampler import blocks
from asr.training.table import Table, open_table
from asr.training.utterances import Indices, Utterances

SHOWN = 10


@dataclass(frozen=True)
class Corpus:
    """The vocabulary and the utterances of a run; ``skipped`` has a line of ``skipped.jsonl`` for
    each utterance that is left out."""

    vocabulary: Vocabulary
    train: Utterances
    dev: list[Utterance]
    skipped: list[dict[str, Any]]


def prepare(config: Config, skipped: Path, vocabulary: Vocabulary | None = None) -> Corpus:
    """Read the manifests, and leave out of the training set what cannot be trained on.

    These are utterances over ``data.max_duration``, without text or with unknown characters as
    ``data`` says, and those whose text CTC cannot fit on the frames at the fastest speed. Unless it
    is given, the ``vocabulary`` is taken or learned from the training texts.

    Raises:
        DataError: no manifests, characters outside the vocabulary (file, line and characters are
            listed), an id twice, sub-words that cannot be learned, or too large a share left out;
            the file ``skipped`` then lists it.
    """
    if not config.data.train or not config.data.dev:
        raise DataError("data.train and data.dev must name manifests")
    tables = open_tables(config.data)
    dev = {Path(path): _read(path, config.data.unicode) for path in config.data.dev}
    utterances = Utterances.of(tables)
    vocabulary = vocabulary or _vocabulary(tables, config.data)
    problems = [
        problem
        for table in tables
        if not config.data.drop_unknown and vocabulary.unknown_characters("".join(table.characters))
        for problem in unknown_characters(table.manifest, table, vocabulary)
    ]
    named = {problem.path for problem in problems}
    problems += [
        problem
        for path, items in dev.items()
        if path not in named
        for problem in unknown_characters(path, items, vocabulary)
    ]
    if problems:
        more = f"; and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise DataError("; ".join(map(str, problems[:SHOWN])) + more)
    dropped = unfit(utterances, vocabulary, config)
    lines = [entry(utterances[place], reason) for place, reason in dropped.items()]
    kept = utterances.without(list(dropped))
    if len(dropped) > config.data.max_dropped * len(utterances) or not len(kept):
        write_skipped(skipped, lines)
        raise DataError(
            f"{len(dropped)} of {len(utterances)} training utterances are unfit, "
            f"data.max_dropped allows a share of {config.data.max_dropped}; see {skipped}"
        )
    development = distinct([item for items in dev.values() for item in items])
    return Corpus(vocabulary, kept, development, lines)


def read_vocabulary(config: Config) -> Vocabulary:
    """Return the vocabulary that the training texts give.

    Raises:
        DataError: a manifest cannot be read, or sub-words cannot be learned.
    """
    return _vocabulary(open_tables(config.data), config.data)


def open_tables(config: DataConfig) -> list[Table]:
    """Return the tables of the training manifests, which are built if need be.

    Raises:
        DataError: a manifest cannot be used.
    """
    manifests = dict.fromkeys(map(Path, config.train))
    return [open_table(path, config.cache, config.unicode) for path in manifests]


def _read(path: str, form: str) -> list[Utterance]:
    return [replace(item, text=normalize(item.text, form)) for item in read_manifest(path)]


def _vocabulary(tables: Sequence[Table], config: DataConfig) -> Vocabulary:
    if config.unit == "piece":
        from asr.training.subwords import learn_pieces

        known = set(config.characters)
        texts: Iterable[str] = chain.from_iterable(table.texts() for table in tables)
        return learn_pieces((text for text in texts if not known or set(text) <= known), config)
    characters = config.characters or chain.from_iterable(table.characters for table in tables)
    return Vocabulary.from_characters(characters, config.unicode, config.spaced)


def distinct(utterances: list[Utterance]) -> list[Utterance]:
    """Return ``utterances`` with distinct ids: what is random about an utterance depends on its id.

    Of utterances that share an id, the second gets ``#2`` after it, and so on.
    """
    seen: set[str] = set()
    result = []
    for item in utterances:
        name, number = item.id, 2
        while name in seen:
            name, number = f"{item.id}#{number}", number + 1
        seen.add(name)
        result.append(item if name == item.id else replace(item, id=name))
    return result


def unfit(utterances: Utterances, vocabulary: Vocabulary, config: Config) -> dict[int, str]:
    """Return the utterances that cannot be trained on, by their places, with the reason."""
    rate = config.features.sample_rate
    fastest = max(config.augment.speeds)

    def num_frames(seconds: float) -> int:
        return config.num_frames(int(seconds * rate / fastest))

    found = {}
    for place in _suspects(utterances, vocabulary, config).tolist():
        item = utterances[place]
        if item.duration > config.data.max_duration:
            found[place] = f"{item.duration:.2f} s is over {config.data.max_duration} s"
        elif not item.text and not config.data.keep_empty:
            found[place] = "no text"
        elif unknown := vocabulary.unknown_characters(item.text):
            characters = " ".join(map(repr, unknown))
            found[place] = f"characters {characters} outside the vocabulary"
        elif not fits(item, vocabulary, num_frames):
            found[place] = f"{len(item.text)} characters do not fit in {item.duration:.2f} s"
    return found


def _suspects(utterances: Utterances, vocabulary: Vocabulary, config: Config) -> Indices:
    """Return the places of the utterances that may be unfit: few of millions, so that the others
    need not be looked at one by one.

    A text in pieces needs at most the frames of its characters and of the space before it: what a
    piece saves is more than the blank between two equal ones.
    """
    rate, fastest = config.features.sample_rate, max(config.augment.speeds)
    before = int(vocabulary.leading_space)
    durations, frames = utterances.durations, utterances.frames
    suspected = np.zeros(len(utterances), bool)
    least = np.zeros(0, np.int64)  # the samples on which so many frames fit
    for part in blocks(len(utterances)):
        most = int(frames[part].max()) + before
        more = range(len(least), most + 1)
        least = np.append(least, [bisect_left(_MANY, n, key=config.num_frames) for n in more])
        samples = (durations[part] * rate / fastest).astype(np.int64)
        suspected[part] = samples < least[frames[part] + before]
        suspected[part] |= durations[part] > config.data.max_duration
        if not config.data.keep_empty:
            suspected[part] |= frames[part] == 0
    first = 0
    for table in utterances.tables:
        if unknown := vocabulary.unknown_characters("".join(table.characters)):
            suspected[first + table.rows_with(unknown)] = True
        first += len(table)
    return np.flatnonzero(suspected)


_MANY = range(1 << 40)
