"""Preparation of manifests for training: what cannot be trained on is left out and listed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from asr.data.manifest import Utterance, fits, read_manifest, unknown_characters
from asr.errors import DataError
from asr.text import Vocabulary, normalize
from asr.training.config import Config, DataConfig
from asr.training.guards import entry, write_skipped

SHOWN = 10


@dataclass(frozen=True)
class Corpus:
    """The vocabulary and the utterances of a run; ``skipped`` has a line of ``skipped.jsonl`` for
    each utterance that is left out."""

    vocabulary: Vocabulary
    train: list[Utterance]
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
    train, dev = (
        {Path(path): _read(path, config.data.unicode) for path in paths}
        for paths in (config.data.train, config.data.dev)
    )
    utterances = distinct([item for items in train.values() for item in items])
    vocabulary = vocabulary or _vocabulary([item.text for item in utterances], config.data)
    manifests = dev if config.data.drop_unknown else train | dev
    problems = [
        problem
        for path, items in manifests.items()
        for problem in unknown_characters(path, items, vocabulary)
    ]
    if problems:
        more = f"; and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise DataError("; ".join(map(str, problems[:SHOWN])) + more)
    kept, dropped = drop_unfit(utterances, vocabulary, config)
    lines = [entry(*pair) for pair in dropped]
    if len(dropped) > config.data.max_dropped * len(utterances) or not kept:
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
    items = [item for path in config.data.train for item in _read(path, config.data.unicode)]
    return _vocabulary([item.text for item in items], config.data)


def _read(path: str, form: str) -> list[Utterance]:
    return [replace(item, text=normalize(item.text, form)) for item in read_manifest(path)]


def _vocabulary(texts: Sequence[str], config: DataConfig) -> Vocabulary:
    if config.unit == "piece":
        from asr.training.subwords import learn_pieces

        known = set(config.characters)
        return learn_pieces([text for text in texts if not known or set(text) <= known], config)
    characters = config.characters or "".join(texts)
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


def drop_unfit(
    utterances: Sequence[Utterance], vocabulary: Vocabulary, config: Config
) -> tuple[list[Utterance], list[tuple[Utterance, str]]]:
    """Split ``utterances`` into those to train on, and the others with the reason."""
    rate = config.features.sample_rate
    fastest = max(config.augment.speeds)

    def num_frames(seconds: float) -> int:
        return config.num_frames(int(seconds * rate / fastest))

    kept, dropped = [], []
    for item in utterances:
        if item.duration > config.data.max_duration:
            dropped.append((item, f"{item.duration:.2f} s is over {config.data.max_duration} s"))
        elif not item.text and not config.data.keep_empty:
            dropped.append((item, "no text"))
        elif unknown := vocabulary.unknown_characters(item.text):
            characters = " ".join(map(repr, unknown))
            dropped.append((item, f"characters {characters} outside the vocabulary"))
        elif not fits(item, vocabulary, num_frames):
            reason = f"{len(item.text)} characters do not fit in {item.duration:.2f} s"
            dropped.append((item, reason))
        else:
            kept.append(item)
    return kept, dropped
