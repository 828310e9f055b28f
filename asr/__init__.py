"""Speech recognition with bidirectional GRUs: audio in, transcripts and word error rates out.

    >>> import asr
    >>> asr.transcribe("samples/flite-slt-spelled-name.wav").text
    'p e t e r s o n'

Functions and classes load what they need when they are first used, so that ``import asr`` costs
nothing. Everything that goes wrong because of an input is an :class:`AsrError`, whose message is
one line for the user.
"""

import os
from importlib import import_module

from asr.version import __version__

# Since release 1.32, ONNX Runtime keeps an identifier of the machine and a data base of events in
# the home folder, and sends them, unless this is set before anything imports it: this package, or
# torch and others in a training. A value that is set already stays.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

TYPE_CHECKING = False  # as in typing, whose import would take longer than that of this module
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    import numpy as np
    import numpy.typing as npt

    from asr.errors import AsrError
    from asr.evaluation.comparison import Difference
    from asr.evaluation.evaluate import Evaluation
    from asr.evaluation.interval import Interval
    from asr.evaluation.results import Results
    from asr.evaluation.scoring import ErrorCounts, Score, score
    from asr.model.directory import ModelInfo
    from asr.recognition.aligner import AlignedToken, Aligner, Alignment
    from asr.recognition.live import Final, LiveTranscription, Partial
    from asr.recognition.segments import Segment
    from asr.recognition.transcriber import Transcriber
    from asr.recognition.transcript import Transcript, TranscriptStream
    from asr.recognition.words import Word

__all__ = [
    "AlignedToken",
    "Aligner",
    "Alignment",
    "AsrError",
    "Difference",
    "ErrorCounts",
    "Evaluation",
    "Final",
    "Interval",
    "LiveTranscription",
    "ModelInfo",
    "Partial",
    "Results",
    "Score",
    "Segment",
    "Transcriber",
    "Transcript",
    "TranscriptStream",
    "Word",
    "__version__",
    "align",
    "compare",
    "evaluate",
    "fit",
    "load",
    "score",
    "transcribe",
]

_HOMES = {
    "asr.errors": ("AsrError",),
    "asr.evaluation.comparison": ("Difference",),
    "asr.evaluation.evaluate": ("Evaluation",),
    "asr.evaluation.interval": ("Interval",),
    "asr.evaluation.results": ("Results",),
    "asr.evaluation.scoring": ("ErrorCounts", "Score", "score"),
    "asr.model.directory": ("ModelInfo",),
    "asr.recognition.aligner": ("AlignedToken", "Aligner", "Alignment"),
    "asr.recognition.live": ("Final", "LiveTranscription", "Partial"),
    "asr.recognition.segments": ("Segment",),
    "asr.recognition.transcriber": ("Transcriber",),
    "asr.recognition.transcript": ("Transcript", "TranscriptStream"),
    "asr.recognition.words": ("Word",),
}


def load(
    model: "str | Path | None" = None,
    *,
    decoder: "str | None" = None,
    device: str = "cpu",
    threads: int = 0,
    display: bool = True,
    **search: "Any",
) -> "Transcriber":
    """Load a model once, to transcribe many recordings with it.

    Args:
        model: a model directory; without one, the model in the package.
        decoder: ``"greedy"`` or ``"beam"``; by default ``"beam"`` if one of its options is given,
            else the decoder that the model directory names.
        device: ``"cpu"``, or ``"cuda"``: the same weights in torch (extra ``train``).
        threads: threads of the network on the CPU, 0 for one a core.
        display: whether transcripts have their readable form too, with punctuation, capitals and
            figures, if the model has a tagger.
        search: options of beam search, see :func:`asr.decoding.bundle.beam_search`: ``lm``,
            ``lexicon``, ``hotwords``, ``beam_size``, ``lm_weight``, …

    Raises:
        ModelError: the directory is not a sound model.
        ConfigError: an unknown decoder, device or option, or an extra that is not installed.
        DataError: a language model, lexicon or hot word that cannot be used.

    >>> model = load()
    >>> result = model.transcribe("samples/flite-slt-spelled-name.wav")
    >>> result.text, len(result.words), round(result.duration, 2)
    ('p e t e r s o n', 8, 2.46)
    >>> [segment.text for segment in result.segments]
    ['p e t e r s o n']
    """
    from asr.recognition.transcriber import Transcriber

    session = None
    if device != "cpu":
        from asr.errors import needs_extra
        from asr.model.directory import default_model

        with needs_extra(f"device {device!r} needs", "train"):
            from asr.training.inference import TorchSession

            session = TorchSession(model or default_model(), device)
    return Transcriber(
        model, threads=threads, decoder=decoder, session=session, display=display, **search
    )


def transcribe(
    audio: "str | Path | bytes | npt.NDArray[np.floating]",
    model: "str | Path | None" = None,
    **options: "Any",
) -> "Transcript":
    """Transcribe one recording of any length; to transcribe several, :func:`load` once.

    Args:
        audio: a file, the bytes of one, ``"-"`` for standard input, or mono samples (n,) between
            -1 and 1 at the model's sample rate.
        model: a model directory; without one, the model in the package.
        options: those of :func:`load`.

    Returns:
        A :class:`Transcript`: ``text``, its readable form ``display``, ``segments`` and ``words``
        with times in seconds and confidences between 0 and 1, ``duration`` in seconds,
        ``warnings``.

    Raises:
        AudioError: ``audio`` is not usable as audio.
        ModelError, ConfigError, DataError: as :func:`load`.

    >>> transcribe("samples/flite-rms-short-answer.wav").text
    'yes repeat'
    """
    return load(model, **options).transcribe(audio)


def align(audio: "str | Path | bytes", text: str, model: "str | Path | None" = None) -> "Alignment":
    """Find when each word of a known text is said; :class:`Aligner` loads once.

    Args:
        audio: a file of any length, the bytes of one, or ``"-"`` for standard input.
        text: what is said in it, spelled as the model spells: numbers in words.
        model: a model directory; without one, the model in the package.

    Returns:
        An :class:`Alignment`: ``words`` and ``tokens`` with times in seconds, ``score``, the
        natural logarithm of the probability of the path.

    Raises:
        AudioError: ``audio`` is not usable as audio.
        DataError: no text, a word that the model cannot spell, or more text than fits in the audio.
        ModelError: the directory is not a sound model.
        ConfigError: the extra is not installed.

    >>> [word.text for word in align("samples/flite-rms-short-answer.wav", "yes repeat").words]
    ['yes', 'repeat']
    """
    from asr.recognition.aligner import Aligner

    return Aligner(model).align(audio, text)


def evaluate(
    manifest: "str | Path",
    model: "str | Path | Transcriber | None" = None,
    *,
    output_dir: "str | Path | None" = None,
    training_manifests: "Sequence[str | Path]" = (),
    batch_size: int = 16,
    **options: "Any",
) -> "Evaluation":
    """Transcribe every utterance of a manifest and score it; none is left out.

    Args:
        manifest: JSON Lines with ``audio_filepath``, ``duration`` and ``text``.
        model: a model directory or what :func:`load` gave; without one, the model in the package.
        output_dir: where ``report.html``, ``results.json`` and files for sclite are written.
        training_manifests: what the model was trained on: texts that are not in it are scored by
            themselves, and what the test shares with it is counted.
        batch_size: recordings in a batch; it changes the speed, never a text.
        options: those of :func:`load`, for a model directory.

    Returns:
        An :class:`Evaluation`: ``score`` with word and character errors, the ``interval`` of the
        word error rate, ``utterances`` with their ``transcripts``.

    Raises:
        DataError: the manifest or a recording in it cannot be used.
        OutputError: ``output_dir`` cannot be written.
        ModelError, ConfigError: as :func:`load`.

    >>> print(evaluate("samples/manifest.jsonl").score.words)
    0.00 % [0 / 53: 0 ins, 0 del, 0 sub]
    """
    from asr.evaluation.evaluate import evaluate as evaluate_manifest
    from asr.recognition.transcriber import Transcriber

    if isinstance(model, Transcriber):
        if options:
            from asr.errors import ConfigError

            raise ConfigError(f"{', '.join(options)}: needs a model directory, not a loaded model")
    else:
        model = load(model, **{"display": False, **options})
    evaluation = evaluate_manifest(manifest, model, training_manifests, batch_size)
    if output_dir is not None:
        from asr.report.page import write_evaluation

        write_evaluation(output_dir, evaluation, model)
    return evaluation


def compare(
    first: "str | Path | Results | Evaluation", second: "str | Path | Results | Evaluation"
) -> "Difference":
    """Compare two evaluations of the same utterances: is the second one better?

    Args:
        first: what :func:`evaluate` returned, or a ``results.json``, or its folder.
        second: likewise, of the other recogniser.

    Returns:
        A :class:`Difference`: the ``rate`` of the second less that of the first, as a fraction, its
        95 % interval from ``low`` to ``high``, ``matched_pairs``, and a ``verdict()`` in words.

    Raises:
        DataError: a file that cannot be read, other utterances or references, or too few of them.

    >>> one = evaluate("samples/manifest.jsonl")
    >>> compare(one, one).verdict()
    'no difference is shown'
    """
    from asr.evaluation.comparison import compare_results
    from asr.evaluation.evaluate import as_results

    return compare_results(as_results(first), as_results(second))


def fit(
    config: "str | Path",
    overrides: "Sequence[str]" = (),
    *,
    resume: bool = False,
    golden: "Sequence[str | Path]" = (),
    resume_anyway: bool = False,
    resume_if_begun: bool = False,
) -> "Path":
    """Train an acoustic model (extra ``train``), and return its model directory.

    Args:
        config: a TOML file such as ``recipes/an4/config.toml``; the run is kept in ``runs/NAME``.
        overrides: ``section.key=value`` for keys of the file, such as ``"training.epochs=3"``.
        resume: go on with the run from its last checkpoint.
        golden: recordings that the model directory shall hold as golden clips; without any it holds
            synthetic signals, and nobody's voice.
        resume_anyway: go on with it even though manifests, texts, recordings or the vocabulary have
            changed.
        resume_if_begun: go on with it if it has a checkpoint, else begin it.

    Raises:
        AudioError: a golden clip is not usable as audio.
        ConfigError: an unknown key or a value out of range, a folder that holds another run,
            nothing to resume, or an extra that is not installed.
        DataError: a manifest or recordings that cannot be trained on, or that have changed since a
            run to resume began.
        TrainingError: the numbers of the run are beyond repair.

    >>> fit("recipes/an4/config.toml", ["training.epochs=0"])
    Traceback (most recent call last):
    asr.errors.ConfigError: training.epochs is 0, needs > 0 (epochs to train for)
    """
    from asr.training.environment import tune_libraries

    tune_libraries()
    from asr.errors import needs_extra
    from asr.training.config import load_config

    configuration = load_config(config, overrides)
    with needs_extra("training needs", "train"):
        from asr.training.engine import has_begun
        from asr.training.fit import fit as fit_model
    resume = resume or resume_anyway or (resume_if_begun and has_begun(configuration))
    return fit_model(configuration, resume=resume, golden=golden, anyway=resume_anyway)


def __getattr__(name: str) -> "Any":
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module 'asr' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
