"""Scores of texts by a decoder with attention, in ONNX Runtime."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from asr.errors import DataError, ModelError
from asr.model.described_graph import DescribedGraph
from asr.model.directory import ATTENTION, ModelInfo

METADATA = "attention_decoder"
"""The key of the file's metadata that holds :data:`FIELDS` as JSON."""

SCHEMA_VERSION = 1
FIELDS = ("kind", "cell", "symbols")
Encodings = npt.NDArray[np.float32]


class AttentionScorer:
    """A decoder with attention that ``asr train`` has written; it scores texts of an utterance.

    ``data`` is the contents of its file, which are parsed when they are first needed; error
    messages call it ``name``.

    Raises:
        DataError: this is not a decoder that this version reads.
    """

    def __init__(self, data: bytes, name: str = "the decoder") -> None:
        self._graph = DescribedGraph(
            data,
            name,
            "a decoder with attention of asr train",
            METADATA,
            SCHEMA_VERSION,
            FIELDS,
            arena=False,
        )

    @property
    def kind(self) -> str:
        """How frames are scored: ``additive``, ``dot`` or ``location``."""
        return str(self._graph.description["kind"])

    @property
    def symbols(self) -> int:
        """The number of symbols V of the texts, the end among them."""
        return int(self._graph.description["symbols"])

    def score(
        self, encodings: Encodings, texts: Sequence[Sequence[int]]
    ) -> npt.NDArray[np.float64]:
        """Compute the natural log-probability (N,) of each text with its end, given the utterance.

        The texts are computed at once; the results do not depend on that.

        Args:
            encodings: (T, E) float32 of the utterance, T > 0.
            texts: the ids of each text's symbols.

        Raises:
            DataError: encodings of another width, or none.
        """
        if not texts:
            self._check(encodings)
            return np.zeros(0)
        scores, _ = self._run(encodings, texts)
        return np.asarray(scores, np.float64)

    def weights(self, encodings: Encodings, text: Sequence[int]) -> npt.NDArray[np.float32]:
        """Compute where the decoder looks for each symbol of a text, and for its end: the weights
        (L + 1, T) of the frames, of which each row sums to one.

        ``encodings`` and errors are those of :meth:`score`, ``text`` the ids of L symbols.
        """
        _, (weights,) = self._run(encodings, [text])
        found: npt.NDArray[np.float32] = weights
        return found

    def _run(self, encodings: Encodings, texts: Sequence[Sequence[int]]) -> tuple[Any, Any]:
        self._check(encodings)
        lengths = np.array([len(text) for text in texts], np.int64)
        labels = np.zeros((len(texts), int(lengths.max())), np.int64)
        for row, text in zip(labels, texts, strict=True):
            row[: len(text)] = text
        feed = {"encodings": encodings, "labels": labels, "lengths": lengths}
        scores, weights = self._graph.session.run(["scores", "weights"], feed)
        return scores, weights

    def _check(self, encodings: Encodings) -> None:
        size = self._graph.session.get_inputs()[0].shape[1]
        if encodings.ndim != 2 or encodings.shape[1] != size or not len(encodings):
            raise DataError(
                f"encodings have the shape {encodings.shape}, need (frames, {size}) and a frame"
            )


def read_scorer(folder: str | Path, info: ModelInfo) -> AttentionScorer | None:
    """Read the decoder of a model directory, None if it has none.

    Raises:
        ModelError: it is not a decoder of this model.
    """
    if ATTENTION not in info.files:
        return None
    path = Path(folder) / ATTENTION
    scorer = AttentionScorer(path.read_bytes(), str(path))
    try:
        symbols = scorer.symbols
    except DataError as error:
        raise ModelError(str(error)) from error
    if symbols != len(info.vocabulary):
        raise ModelError(
            f"{path}: spells with {symbols} symbols, the vocabulary of the model has "
            f"{len(info.vocabulary)}"
        )
    return scorer
