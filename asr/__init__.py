"""Speech recognition with bidirectional GRUs: audio in, transcripts and word error rates out.

    >>> import asr
    >>> asr.score(["yes no"], ["yes"]).wer
    0.5

Names are imported when they are first used, so that ``import asr`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from asr.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from asr.evaluation.scoring import Score, score
    from asr.recognition.transcriber import Transcriber, Transcript

__all__ = ["Score", "Transcriber", "Transcript", "__version__", "load", "score", "transcribe"]

_HOMES = {
    "Score": "asr.evaluation.scoring",
    "score": "asr.evaluation.scoring",
    "Transcriber": "asr.recognition.transcriber",
    "Transcript": "asr.recognition.transcriber",
}


def load(
    model: "str | Path | None" = None, decoder: str = "greedy", **search: Any
) -> "Transcriber":
    """A :class:`Transcriber` with a model directory, or with the model inside the package.

    ``decoder="beam"`` takes ``lm``, ``lexicon``, ``hotwords`` and the settings of beam search.

    Raises:
        ModelError: the directory is not sound.
        ConfigError, DataError: what was given for beam search cannot be used.
    """
    from asr.recognition.transcriber import Transcriber

    return Transcriber(model, decoder=decoder, **search)


def transcribe(source: "str | Path | bytes", model: "str | Path | None" = None) -> "Transcript":
    """Transcribe one file; to transcribe several, :func:`load` once.

    Raises:
        AudioError: not usable as audio.
        ModelError: the model directory is not sound.
    """
    return load(model).transcribe(source)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'asr' has no attribute {name!r}")
