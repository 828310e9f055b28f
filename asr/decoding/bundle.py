"""The language-model bundle: the files of a model directory for beam search.

lm.json     the weights and beam settings (:class:`asr.decoding.config.DecodingConfig`) with their
            provenance
lm.ngram    the language model, binary
lm.words    the closed lexicon, one word a line
lm.onnx     a recurrent language model, with which the best texts can be rescored

All are optional; ``asr lm tune`` writes them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asr.config import from_mapping
from asr.decoding.attention import AttentionScorer, read_scorer
from asr.decoding.config import DecodingConfig
from asr.decoding.lexicon import read_lexicon
from asr.errors import ConfigError, DataError, ModelError
from asr.files import parse_json, to_json
from asr.lm.ngram_file import read_lm
from asr.lm.packed import PackedLm
from asr.lm.recurrent_lm import RecurrentLm, read_recurrent_lm
from asr.model.calibration import Calibrator
from asr.model.directory import ATTENTION, ModelInfo, read_model, update_model

if TYPE_CHECKING:
    from asr.decoding.beam import BeamSearch

SETTINGS, LM, WORDS, RESCORE_LM = "lm.json", "lm.ngram", "lm.words", "lm.onnx"
DEFAULT_BOOST = 3.0
"""The boost of a hot word that is given without one: a natural logarithm, which makes the word
twenty times as likely."""

NONE = "none"
"""This word in place of a file means that the one in the model directory is not used."""


@dataclass(frozen=True)
class Bundle:
    """A language-model bundle: the settings and language models of a model directory for beam
    search.

    ``options`` are the settings, ``lm`` is the n-gram language model. ``lexicon`` lists the only
    words that may come out; without one, any word may. ``rescore_lm`` is used on request only.
    ``provenance`` says how the settings were chosen.
    """

    options: DecodingConfig = field(default_factory=DecodingConfig)
    lm: PackedLm | None = None
    lexicon: tuple[str, ...] | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
    rescore_lm: RecurrentLm | None = None


def read_bundle(folder: str | Path, info: ModelInfo) -> Bundle:
    """Read the bundle of a model directory that :func:`asr.model.directory.read_model` has checked.

    ``info`` is the description of the directory. If it has no bundle, the result is empty.

    >>> from asr.model import default_model, read_model
    >>> bundle = read_bundle(default_model(), read_model(default_model()))
    >>> bundle.lm is None, bundle.lexicon[:3]
    (True, ('a', 'and', 'apostrophe'))

    Raises:
        ModelError, DataError: a file of the bundle cannot be used.
    """
    folder = Path(folder)
    if SETTINGS not in info.files:
        return Bundle()
    try:
        values = parse_json((folder / SETTINGS).read_text(encoding="utf-8"), names=None)
        options = from_mapping(DecodingConfig, values["options"], "options")
        provenance = dict(values["provenance"])
    except (ValueError, KeyError, TypeError, AttributeError, ConfigError, DataError) as error:
        raise ModelError(f"{folder / SETTINGS}: not the settings of a decoder ({error})") from error
    return Bundle(
        options=options,
        lm=read_lm(folder / LM) if LM in info.files else None,
        lexicon=tuple(read_lexicon(folder / WORDS)) if WORDS in info.files else None,
        rescore_lm=_read_rescore_lm(folder, info),
        provenance=provenance,
    )


def _read_rescore_lm(folder: Path, info: ModelInfo) -> RecurrentLm | None:
    if RESCORE_LM not in info.files:
        return None
    return RecurrentLm((folder / RESCORE_LM).read_bytes(), str(folder / RESCORE_LM))


def write_bundle(
    folder: str | Path,
    bundle: Bundle,
    calibrator: Calibrator | None = None,
    by_default: bool = False,
    attention: Calibrator | None = None,
) -> ModelInfo:
    """Put ``bundle`` into a model directory in place of the one that is there.

    ``calibrator`` is that of the words that beam search gives with this bundle. Without one, their
    confidences stay as they are, since the calibrator of another bundle would not fit;
    ``attention`` is that of the words after a decoder with attention has scored the texts. With
    ``by_default`` the model recognises by beam search from now on, unless another decoder is asked
    for.

    Raises:
        ModelError: the directory is not sound.
        OutputError: it cannot be written.
    """
    info = read_model(folder)
    calibrators = {**info.calibrators}
    for name, fitted in (("beam", calibrator), ("attention", attention)):
        calibrators.pop(name, None)
        if fitted is not None:
            calibrators[name] = fitted
    return update_model(
        folder,
        bundle_files(bundle),
        remove=(SETTINGS, LM, WORDS, RESCORE_LM),
        calibrators=calibrators,
        decoder="beam" if by_default else info.decoder,
    )


def bundle_files(bundle: Bundle) -> dict[str, bytes]:
    """Return the files of a bundle, by their names in a model directory.

    >>> bundle_files(Bundle(lexicon=("go", "stop")))["lm.words"]
    b'go\\nstop\\n'
    """
    values = {"options": asdict(bundle.options), "provenance": bundle.provenance}
    files = {SETTINGS: (to_json(values, indent=1) + "\n").encode()}
    if bundle.lm is not None:
        files[LM] = bundle.lm.block.tobytes()
    if bundle.lexicon is not None:
        files[WORDS] = "".join(f"{word}\n" for word in bundle.lexicon).encode()
    if bundle.rescore_lm is not None:
        files[RESCORE_LM] = bundle.rescore_lm.data
    return files


def open_bundle(
    folder: str | Path,
    info: ModelInfo,
    lm: str | Path | PackedLm | None = None,
    lexicon: str | Path | Iterable[str] | None = None,
    rescore_lm: str | Path | RecurrentLm | None = None,
) -> Bundle:
    """Read the bundle of a model directory, with its parts replaced by those that are given.

    ``lm``, ``lexicon`` and ``rescore_lm`` are a file, the object itself, or ``"none"``. With
    another language model, the lexicon of the directory no longer limits the words.

    Raises:
        ModelError, DataError: what was given cannot be used.
    """
    bundle = read_bundle(folder, info)
    if lm is not None:
        own = lm if isinstance(lm, PackedLm) else None if str(lm) == NONE else read_lm(lm)
        bundle = replace(bundle, lm=own, lexicon=None)
    if lexicon is not None:
        if isinstance(lexicon, str | Path):
            lexicon = None if str(lexicon) == NONE else read_lexicon(lexicon)
        bundle = replace(bundle, lexicon=None if lexicon is None else tuple(lexicon))
    if rescore_lm is not None:
        if not isinstance(rescore_lm, RecurrentLm):
            rescore_lm = None if str(rescore_lm) == NONE else read_recurrent_lm(rescore_lm)
        bundle = replace(bundle, rescore_lm=rescore_lm)
    return bundle


def open_scorer(folder: str | Path, info: ModelInfo) -> AttentionScorer:
    """Read the decoder with attention of a model directory.

    Raises:
        ConfigError: it has none.
        ModelError: it is not a decoder of this model.
    """
    scorer = read_scorer(folder, info)
    if scorer is None:
        raise ConfigError(
            f"{folder}: has no decoder with attention ({ATTENTION}) to score texts with; train a "
            "model with attention.kind, or leave --attention out"
        )
    return scorer


def beam_search(
    folder: str | Path,
    info: ModelInfo,
    lm: str | Path | PackedLm | None = None,
    lexicon: str | Path | Iterable[str] | None = None,
    hotwords: Mapping[str, float] | None = None,
    rescore: bool = False,
    rescore_lm: str | Path | RecurrentLm | None = None,
    attention: bool = False,
    **options: Any,
) -> "BeamSearch":
    """Make the beam search of a model directory.

    ``lm``, ``lexicon`` and ``rescore_lm`` are those of :func:`open_bundle`; ``options`` are fields
    of :class:`asr.decoding.config.DecodingConfig` that replace those of the directory;
    ``hotwords`` maps words to boosts. With ``rescore``, the best texts are scored again with the
    recurrent language model of the directory; a ``rescore_lm`` that is given is always used. With
    ``attention``, the model's decoder scores the best texts after that.

    Raises:
        ModelError, DataError, ConfigError: what was given cannot be used.
    """
    from asr.decoding.beam import BeamSearch

    bundle = open_bundle(folder, info, lm, lexicon, rescore_lm)
    if rescore and bundle.rescore_lm is None:
        raise ConfigError(
            f"{folder}: has no recurrent language model ({RESCORE_LM}) to rescore with; give one "
            "with --rescore-lm FILE, or put it there with asr lm tune --rescore-lm FILE"
        )
    return BeamSearch(
        info.vocabulary,
        lm=bundle.lm,
        lexicon=bundle.lexicon,
        hotwords=hotwords,
        rescore_lm=bundle.rescore_lm if rescore or rescore_lm is not None else None,
        attention=open_scorer(folder, info) if attention else None,
        **(asdict(bundle.options) | options),
    )


def parse_hotwords(values: Iterable[str]) -> dict[str, float]:
    """Parse hot words: ``WORD:BOOST``, or ``WORD`` with the boost ``DEFAULT_BOOST``.

    >>> parse_hotwords(["kai:4", "six"])
    {'kai': 4.0, 'six': 3.0}

    Raises:
        ConfigError: a boost is not a number.
    """
    boosts = {}
    for value in values:
        word, colon, boost = value.rpartition(":")
        try:
            boosts[word if colon else value] = float(boost) if colon else DEFAULT_BOOST
        except ValueError as error:
            raise ConfigError(
                f"hot word {value!r}: needs WORD:BOOST with a number, such as kai:3"
            ) from error
    return boosts
