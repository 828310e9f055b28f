"""Recurrent language models in ONNX Runtime, which score sentences or predict them step by step."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from asr.errors import DataError
from asr.lm.ngram import END, SPACE, UNKNOWN, split_units
from asr.model.described_graph import DescribedGraph

METADATA = "language_model"
"""The key of the file's metadata that holds :data:`FIELDS` as JSON."""

SCHEMA_VERSION = 1
FIELDS = ("unit", "words", "provenance")
BATCH_VALUES = 2**23
"""The most log-probabilities that are computed at once; they take 32 MB."""

Floats = npt.NDArray[np.float32]
States = npt.NDArray[np.float32]
"""The states (S, B, H) that the layers carry from word to word, for each of B sentences."""


class RecurrentLm:
    """A recurrent language model that ``asr lm train`` has written.

    It predicts words or characters one after another, each from all that came before in the
    sentence, at both ends of which ``</s>`` stands.

    ``data`` is the contents of its file, which are parsed when they are first needed; error
    messages call it ``name``.

    Raises:
        DataError: this is not a language model that this version reads.
    """

    def __init__(self, data: bytes, name: str = "the language model") -> None:
        self.data = data
        self._graph = DescribedGraph(
            data, name, "a recurrent language model of asr lm train", METADATA, SCHEMA_VERSION,
            FIELDS,
        )  # fmt: skip

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words (V,) by their ids."""
        return tuple(self._graph.description["words"])

    @property
    def unit(self) -> str:
        """The unit of the model: ``word``, or ``token`` for characters and ``<space>``."""
        return str(self._graph.description["unit"])

    @property
    def provenance(self) -> dict[str, Any]:
        """The facts of its training."""
        return dict(self._graph.description["provenance"])

    @cached_property
    def _no_states(self) -> States:
        count, _, size = self._graph.session.get_inputs()[2].shape
        return np.zeros((count, 1, size), np.float32)

    @cached_property
    def ids(self) -> dict[str, int]:
        """The id of each word."""
        return {word: index for index, word in enumerate(self.words)}

    @property
    def unknown_id(self) -> int:
        """The id that words outside the model share."""
        return self.ids[UNKNOWN]

    @property
    def end_id(self) -> int:
        """The id of both ends of a sentence."""
        return self.ids[END]

    def encode(self, text: str) -> list[int]:
        """Return the ids of the units of a normalised text."""
        return [self.ids.get(unit, self.unknown_id) for unit in split_units(text, self.unit)]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ``ids``."""
        units = (self.words[index] for index in ids)
        if self.unit == "word":
            return " ".join(units)
        return "".join(" " if unit == SPACE else unit for unit in units)

    def run(
        self, tokens: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], states: States
    ) -> tuple[Floats, States]:
        """Compute the natural log-probabilities (B, T, V) of the units that follow each of
        ``tokens`` (B, T), and the states (S, B, H) after the last of them.

        ``lengths`` (B,) are the numbers of tokens of the sentences; what stands behind is ignored.
        """
        feed = {"tokens": tokens, "lengths": lengths, "states": states}
        log_probs, after = self._graph.session.run(["log_probs", "next_states"], feed)
        return log_probs, after

    def start(self, context: Sequence[int] = (), count: int = 1) -> tuple[Floats, States]:
        """Compute the log-probabilities (count, V) of the first unit of a sentence, or of that
        which follows the ids of ``context``, and the states (S, count, H); all rows are the same.
        """
        tokens = np.array([[self.end_id, *context]])
        log_probs, states = self.run(tokens, np.array([tokens.shape[1]]), self._no_states)
        return np.repeat(log_probs[:, -1], count, 0), np.repeat(states, count, 1)

    def step(self, ids: Sequence[int] | Any, states: States) -> tuple[Floats, States]:
        """Compute the log-probabilities (B, V) of the units that follow ``ids`` (B,), and the
        states after them."""
        tokens = np.asarray(ids, np.int64)[:, None]
        log_probs, states = self.run(tokens, np.ones(len(tokens), np.int64), states)
        return log_probs[:, 0], states

    def score(self, sentences: Sequence[Sequence[int]]) -> list[npt.NDArray[np.float64]]:
        """Compute the log10-probabilities (units + 1,) of the units of each sentence and of its
        end.

        Sentences of similar length are computed at once; the results do not depend on that.
        """
        results: list[Any] = [None] * len(sentences)
        for batch in self._batches(sentences):
            rows = [sentences[index] for index in batch]
            lengths = np.array([len(row) + 1 for row in rows])
            tokens = np.full((len(rows), lengths.max()), self.end_id)
            for line, row in zip(tokens, rows, strict=True):
                line[1 : len(row) + 1] = row
            states = np.repeat(self._no_states, len(rows), 1)
            log_probs, _ = self.run(tokens, lengths, states)
            for index, row, values in zip(batch, rows, log_probs, strict=True):
                chosen = values[np.arange(len(row) + 1), [*row, self.end_id]]
                results[index] = chosen.astype(np.float64) / np.log(10)
        return results

    def _batches(self, sentences: Sequence[Sequence[int]]) -> Iterable[list[int]]:
        limit = BATCH_VALUES // len(self.words)
        batch: list[int] = []
        for index in sorted(range(len(sentences)), key=lambda i: len(sentences[i])):
            if batch and (len(batch) + 1) * (len(sentences[index]) + 1) > limit:
                yield batch
                batch = []
            batch.append(index)
        if batch:
            yield batch

    def score_texts(
        self, texts: Sequence[str], history: str = "", ends: bool = True
    ) -> npt.NDArray[np.float64]:
        """Compute the natural log-probabilities (N,) of normalised texts.

        Beginnings that several texts share are computed once. ``history`` are the words of the same
        sentence before all of them; ``ends`` is true if the sentence ends with them. The space
        between the history and a text is not counted.
        """
        before = self.encode(history)
        if before and self.unit == "token":
            before.append(self.ids.get(SPACE, self.unknown_id))
        rows = [self.encode(text) for text in texts]
        if ends:
            rows = [[*row, self.end_id] for row in rows]
        totals = np.zeros(len(rows))
        log_probs, states = self.start(before) if before else self._beginning
        place = [0] * len(rows)  # the place of each text's beginning among the distinct ones
        going = [index for index, row in enumerate(rows) if row]
        depth = 0
        while going:
            words = [rows[index][depth] for index in going]
            parents = [place[index] for index in going]
            totals[going] += log_probs[parents, words]
            depth += 1
            # The distinct beginnings that are one word longer, of the texts that go on.
            children: dict[tuple[int, int], int] = {}
            after = []
            for index, parent, word in zip(going, parents, words, strict=True):
                if len(rows[index]) > depth:
                    place[index] = children.setdefault((parent, word), len(children))
                    after.append(index)
            going = after
            if going:
                origins, steps = zip(*children, strict=True)
                log_probs, states = self.step(steps, states[:, origins])
        return totals

    @cached_property
    def _beginning(self) -> tuple[Floats, States]:
        return self.start()


def read_recurrent_lm(path: str | Path) -> RecurrentLm:
    """Read a recurrent language model that ``asr lm train`` has written.

    Raises:
        DataError: the file cannot be read, or is something else.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    model = RecurrentLm(data, str(path))
    assert model.words  # reading them here reports a faulty file now
    return model
