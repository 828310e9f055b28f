"""Configuration: frozen dataclasses, strict TOML, ``section.key=value`` overrides.

A key that no dataclass knows is an error that lists the known ones; every value is checked once,
here. Paths are relative to the current directory.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_origin, get_type_hints

from asr.errors import ConfigError

T = TypeVar("T")

CELLS = ("rnn", "lstm", "gru")
FRONTS = ("stack", "conv")
SCHEDULES = ("one_cycle", "warmup")
NOISES = ("white", "pink", "babble", "files")
CODECS = ("mulaw", "mp3", "opus")
PRECISIONS = ("32", "bf16", "16")
UNITS = ("character", "piece")
UNICODE_FORMS = ("NFC", "NFKC")


def require(condition: bool, message: str) -> None:
    """Raise a ConfigError with ``message`` unless the condition holds."""
    if not condition:
        raise ConfigError(message)


@dataclass(frozen=True)
class FeatureConfig:
    """Log-mel features. Lengths are in samples, frequencies in Hz."""

    sample_rate: int = 16000
    window_length: int = 400
    hop_length: int = 160
    n_fft: int = 512
    num_mels: int = 80
    f_min: float = 20.0
    f_max: float = 8000.0
    log_floor: float = 1e-8

    def __post_init__(self) -> None:
        require(self.sample_rate > 0, f"features.sample_rate is {self.sample_rate}, needs > 0")
        require(
            0 < self.hop_length <= self.window_length <= self.n_fft,
            f"features need 0 < hop_length <= window_length <= n_fft, got {self.hop_length}, "
            f"{self.window_length}, {self.n_fft}",
        )
        require(self.window_length % 2 == 0, "features.window_length must be even")
        require(self.num_mels > 0, f"features.num_mels is {self.num_mels}, needs > 0")
        require(
            0 <= self.f_min < self.f_max <= self.sample_rate / 2,
            f"features need 0 <= f_min < f_max <= sample_rate / 2, got {self.f_min}, {self.f_max}",
        )
        require(self.log_floor > 0, f"features.log_floor is {self.log_floor}, needs > 0")

    def num_frames(self, samples: int) -> int:
        """Feature frames of ``samples`` samples: one centred on every ``hop_length``-th sample."""
        return samples // self.hop_length + 1 if samples > 0 else 0


@dataclass(frozen=True)
class EncoderConfig:
    """The acoustic encoder: a time-reducing front, recurrent layers, a linear output.

    ``front = "stack"`` joins ``reduction`` neighbouring frames; ``"conv"`` halves time and
    frequency with 3 x 3 convolutions of ``channels`` maps until time is reduced by ``reduction``.
    ``padding`` frames of silence (the mean feature) at both ends give short words room for
    their labels.
    """

    cell: str = "gru"
    bidirectional: bool = True
    layers: int = 3
    hidden_size: int = 256
    dropout: float = 0.3
    front: str = "conv"
    reduction: int = 4
    channels: int = 32
    padding: int = 2

    def __post_init__(self) -> None:
        require(self.cell in CELLS, f"encoder.cell is {self.cell!r}, needs one of {CELLS}")
        require(self.front in FRONTS, f"encoder.front is {self.front!r}, needs one of {FRONTS}")
        for name in ("layers", "hidden_size", "reduction", "channels"):
            require(getattr(self, name) > 0, f"encoder.{name} is {getattr(self, name)}, needs > 0")
        require(0 <= self.dropout < 1, f"encoder.dropout is {self.dropout}, needs 0 <= x < 1")
        require(self.padding >= 0, f"encoder.padding is {self.padding}, needs >= 0")
        if self.front == "conv":
            require(
                self.reduction in (2, 4, 8),
                f"encoder.reduction is {self.reduction}; the conv front takes 2, 4 or 8",
            )

    def num_frames(self, feature_frames: int) -> int:
        """Output frames of ``feature_frames`` feature frames, the padding included."""
        if feature_frames <= 0:
            return 0
        return -(-feature_frames // self.reduction) + 2 * self.padding


@dataclass(frozen=True)
class DataConfig:
    """Manifests, how their texts are spelled, and what is left out of them.

    Texts are put into the normal form ``unicode`` and spelled in characters, or with ``unit =
    "piece"`` in ``pieces`` sub-words, which are learned from the training text. ``spaced = false``
    where nothing separates words, as in Japanese: errors are counted in characters.

    ``characters`` empty: those of the training text. Texts with other characters end the run before
    it begins, unless ``drop_unknown``; utterances without text are left out, unless ``keep_empty``
    (recordings in which nobody speaks). More than a share ``max_dropped`` left out ends the run.
    Decoded audio is kept in the folder ``cache``, up to ``cache_gigabytes``.
    """

    train: tuple[str, ...] = ()
    dev: tuple[str, ...] = ()
    unicode: str = "NFC"
    unit: str = "character"
    pieces: int = 500
    spaced: bool = True
    characters: str = ""
    drop_unknown: bool = False
    keep_empty: bool = False
    max_duration: float = 30.0
    max_dropped: float = 0.1
    cache: str = "runs/cache"
    cache_gigabytes: float = 20.0

    def __post_init__(self) -> None:
        require(
            self.unicode in UNICODE_FORMS,
            f"data.unicode is {self.unicode!r}, needs one of {UNICODE_FORMS}",
        )
        require(self.unit in UNITS, f"data.unit is {self.unit!r}, needs one of {UNITS}")
        require(self.pieces > 0, f"data.pieces is {self.pieces}, needs > 0")
        require(self.max_duration > 0, "data.max_duration (s) must be > 0")
        require(0 <= self.max_dropped <= 1, "data.max_dropped is a share between 0 and 1")
        require(self.cache_gigabytes >= 0, "data.cache_gigabytes must be >= 0")


def _check_range(name: str, values: tuple[float, float], low: float, high: float) -> None:
    require(
        len(values) == 2 and low <= values[0] <= values[1] <= high,
        f"{name} is {list(values)}, needs [lowest, highest] between {low:g} and {high:g}",
    )


def _check_probability(name: str, value: float) -> None:
    require(0 <= value <= 1, f"{name} is {value}, needs a probability, 0 <= x <= 1")


@dataclass(frozen=True)
class GainConfig:
    """Loudness, in dB."""

    probability: float = 0.0
    decibels: tuple[float, float] = (-12.0, 6.0)

    def __post_init__(self) -> None:
        _check_probability("augment.gain.probability", self.probability)
        _check_range("augment.gain.decibels", self.decibels, -60, 60)


@dataclass(frozen=True)
class SilenceConfig:
    """Silence before and after the speech, ``seconds`` in all: with even odds digital silence or
    faint noise. A recording is normalised as a whole, so words should not be alone in all of it."""

    probability: float = 0.0
    seconds: tuple[float, float] = (0.0, 2.0)

    def __post_init__(self) -> None:
        _check_probability("augment.silence.probability", self.probability)
        _check_range("augment.silence.seconds", self.seconds, 0, 60)

    @property
    def longest(self) -> float:
        """Seconds that it adds at most."""
        return self.seconds[1] if self.probability else 0.0


@dataclass(frozen=True)
class NoiseConfig:
    """Additive noise, ``snr`` dB below the speech. ``babble`` is ``talkers`` training speakers at
    once; ``files`` are the recordings of ``manifest``."""

    probability: float = 0.0
    snr: tuple[float, float] = (5.0, 25.0)
    kinds: tuple[str, ...] = ("white", "pink", "babble")
    talkers: int = 6
    manifest: str = ""

    def __post_init__(self) -> None:
        _check_probability("augment.noise.probability", self.probability)
        _check_range("augment.noise.snr", self.snr, -20, 100)
        require(
            len(self.kinds) > 0 and set(self.kinds) <= set(NOISES),
            f"augment.noise.kinds is {list(self.kinds)}, needs some of {NOISES}",
        )
        require(self.talkers > 0, "augment.noise.talkers must be > 0")
        require(
            ("files" in self.kinds) == bool(self.manifest),
            'augment.noise needs both: "files" among its kinds, and their manifest',
        )


@dataclass(frozen=True)
class ReverbConfig:
    """Rooms: ``seconds`` is the reverberation time (T60)."""

    probability: float = 0.0
    seconds: tuple[float, float] = (0.1, 0.6)

    def __post_init__(self) -> None:
        _check_probability("augment.reverb.probability", self.probability)
        _check_range("augment.reverb.seconds", self.seconds, 0.05, 2)


@dataclass(frozen=True)
class TelephoneConfig:
    """The band of a telephone: 8 kHz, and with even odds nothing below ``low_cut`` Hz."""

    probability: float = 0.0
    low_cut: float = 300.0

    def __post_init__(self) -> None:
        _check_probability("augment.telephone.probability", self.probability)
        require(0 < self.low_cut < 3400, "augment.telephone.low_cut (Hz) is between 0 and 3400")


@dataclass(frozen=True)
class CodecConfig:
    """Audio that went through one of ``kinds`` of codec."""

    probability: float = 0.0
    kinds: tuple[str, ...] = CODECS

    def __post_init__(self) -> None:
        _check_probability("augment.codec.probability", self.probability)
        require(
            len(self.kinds) > 0 and set(self.kinds) <= set(CODECS),
            f"augment.codec.kinds is {list(self.kinds)}, needs some of {CODECS}",
        )


@dataclass(frozen=True)
class AugmentConfig:
    """Augmentation of training audio; validation is never augmented.

    ``speeds``: factors drawn uniformly per utterance; widths of masks are the largest drawn,
    in mel bins and in feature frames (at most ``time_share`` of the utterance). The sections
    each apply to an utterance with their ``probability``, in the order in which they stand here.
    """

    speeds: tuple[float, ...] = (0.9, 1.0, 1.1)
    frequency_masks: int = 2
    frequency_width: int = 16
    time_masks: int = 2
    time_width: int = 20
    time_share: float = 0.1
    silence: SilenceConfig = field(default_factory=SilenceConfig)
    reverb: ReverbConfig = field(default_factory=ReverbConfig)
    noise: NoiseConfig = field(default_factory=NoiseConfig)
    telephone: TelephoneConfig = field(default_factory=TelephoneConfig)
    codec: CodecConfig = field(default_factory=CodecConfig)
    gain: GainConfig = field(default_factory=GainConfig)

    def __post_init__(self) -> None:
        require(len(self.speeds) > 0, "augment.speeds needs at least one factor, e.g. [1.0]")
        require(
            all(0.5 <= speed <= 2 for speed in self.speeds),
            f"augment.speeds is {list(self.speeds)}, needs factors between 0.5 and 2",
        )
        for name in ("frequency_masks", "frequency_width", "time_masks", "time_width"):
            value = getattr(self, name)
            require(value >= 0, f"augment.{name} is {value}, needs >= 0")
        require(0 <= self.time_share <= 1, "augment.time_share is a share between 0 and 1")


@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW. ``one_cycle`` rises for ``warmup`` (a share of all steps) and anneals to zero;
    ``warmup`` rises for that share and falls with the inverse square root of the step."""

    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    schedule: str = "one_cycle"
    warmup: float = 0.15
    gradient_clip: float = 5.0

    def __post_init__(self) -> None:
        require(self.learning_rate > 0, "optimizer.learning_rate must be > 0")
        require(self.weight_decay >= 0, "optimizer.weight_decay must be >= 0")
        require(
            self.schedule in SCHEDULES,
            f"optimizer.schedule is {self.schedule!r}, needs one of {SCHEDULES}",
        )
        require(0 < self.warmup < 1, "optimizer.warmup is a share of all steps, 0 < x < 1")
        require(self.gradient_clip > 0, "optimizer.gradient_clip must be > 0")


@dataclass(frozen=True)
class EngineConfig:
    """A run of whatever network.

    A step takes ``accumulate`` micro-batches on each of ``devices`` × ``nodes``. ``patience``:
    epochs without a lower dev WER, or perplexity, after which training ends (0: never).
    ``average``: the exported weights are the mean of those of so many epochs, the best on the
    development set. ``checkpoint_steps``: a checkpoint after so many steps, besides that of every
    epoch (0: none). ``max_skipped``: steps in a row without a finite gradient that end the run.
    ``workers``: processes that prepare data; 0 is best where training is on the CPU.
    """

    epochs: int = 60
    accumulate: int = 1
    patience: int = 0
    average: int = 1
    checkpoint_steps: int = 0
    max_skipped: int = 10
    accelerator: str = "auto"
    devices: int = 1
    nodes: int = 1
    precision: str = "32"
    deterministic: bool = False
    workers: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "accumulate", "average", "max_skipped", "devices", "nodes"):
            require(getattr(self, name) > 0, f"training.{name} is {getattr(self, name)}, needs > 0")
        for name in ("patience", "checkpoint_steps", "workers"):
            require(
                getattr(self, name) >= 0, f"training.{name} is {getattr(self, name)}, needs >= 0"
            )
        require(
            self.precision in PRECISIONS,
            f"training.precision is {self.precision!r}, needs one of {PRECISIONS}",
        )


@dataclass(frozen=True)
class TrainingConfig(EngineConfig):
    """The run itself: :class:`EngineConfig`, and what acoustic models have besides.

    A micro-batch is at most ``batch_seconds`` of audio, padding included. ``consistency``: the
    weight of the agreement between two masked views of each utterance, e.g. 0.2 (0: one view).
    ``init_from``: a model directory whose weights are the starting point.
    """

    batch_seconds: float = 48.0
    consistency: float = 0.0
    init_from: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.batch_seconds > 0, "training.batch_seconds must be > 0")
        require(self.consistency >= 0, "training.consistency must be >= 0")


@dataclass(frozen=True)
class DecodingConfig:
    """Beam search. Scores and thresholds are natural logarithms.

    ``beam_size`` prefixes are kept, none further than ``beam_threshold`` below the best. A frame
    offers at most ``max_tokens`` tokens, none further than ``token_threshold`` below its best; a
    frame whose blank has more than the probability ``blank_skip`` offers none (1: never skip).
    A text is worth its acoustic score + ``lm_weight`` x its language model score + ``word_bonus``
    a word + ``unknown_score`` a word that the language model doesn't know. In rescoring, for the
    ``rescore_count`` best texts, the share ``rescore_share`` of the language model score is that
    of the recurrent model, and the weight of both is ``rescore_weight`` in place of ``lm_weight``.
    """

    beam_size: int = 64
    beam_threshold: float = 16.0
    max_tokens: int = 40
    token_threshold: float = 10.0
    blank_skip: float = 0.9995
    lm_weight: float = 0.6
    word_bonus: float = 0.0
    unknown_score: float = -5.0
    rescore_count: int = 100
    rescore_weight: float = 0.6
    rescore_share: float = 0.5

    def __post_init__(self) -> None:
        for name in ("beam_size", "max_tokens", "rescore_count"):
            value = getattr(self, name)
            require(1 <= value <= 65536, f"decoding.{name} is {value}, needs 1 to 65536")
        for name in ("beam_threshold", "token_threshold", "lm_weight", "rescore_weight"):
            value = getattr(self, name)
            require(value >= 0, f"decoding.{name} is {value}, needs >= 0")
        require(
            0 < self.blank_skip <= 1, f"decoding.blank_skip is {self.blank_skip}, needs 0 < x <= 1"
        )
        require(
            0 <= self.rescore_share <= 1,
            f"decoding.rescore_share is {self.rescore_share}, needs 0 <= x <= 1",
        )
        for name in ("lm_weight", "rescore_weight", "word_bonus", "unknown_score"):
            value = getattr(self, name)
            require(
                abs(value) <= 100, f"decoding.{name} is {value}, needs a number from -100 to 100"
            )


@dataclass(frozen=True)
class RunConfig:
    """What every training run has; ``name`` is the folder under ``runs/``."""

    name: str = "run"
    seed: int = 1

    def __post_init__(self) -> None:
        require(self.seed >= 0, f"seed is {self.seed}, needs >= 0")
        require(
            self.name not in ("", ".", "..") and "/" not in self.name,
            f"name is {self.name!r}, needs a plain folder name",
        )


@dataclass(frozen=True)
class Config(RunConfig):
    """All of one training run of an acoustic model."""

    data: DataConfig = field(default_factory=DataConfig)
    features: FeatureConfig = field(default_factory=FeatureConfig)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        longest = self.data.max_duration / min(self.augment.speeds) + self.augment.silence.longest
        require(
            longest <= self.training.batch_seconds,
            f"training.batch_seconds is {self.training.batch_seconds:g}, but one utterance of "
            f"data.max_duration at the slowest of augment.speeds and with the longest "
            f"augment.silence takes {longest:g} s",
        )

    def num_frames(self, samples: int) -> int:
        """Output frames of the encoder for ``samples`` samples."""
        return self.encoder.num_frames(self.features.num_frames(samples))


def from_mapping(cls: type[T], values: Mapping[str, Any], where: str = "") -> T:
    """Build the dataclass ``cls`` from nested mappings.

    Raises:
        ConfigError: an unknown key, a wrong type or a value out of range; the message names
            the key and lists the known ones.
    """
    hints = get_type_hints(cls)
    known = [f.name for f in fields(cls)]  # type: ignore[arg-type]
    arguments = {}
    for key, value in values.items():
        name = f"{where}.{key}" if where else key
        if key not in known:
            raise ConfigError(f"unknown key {name}; known here: {', '.join(known)}")
        arguments[key] = _convert(hints[key], value, name)
    return cls(**arguments)


def _convert(kind: Any, value: Any, name: str) -> Any:
    if is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise ConfigError(f"{name} is a section, got {value!r}")
        return from_mapping(kind, value, name)  # type: ignore[arg-type]
    if get_origin(kind) is tuple:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise ConfigError(f"{name} needs a list, got {value!r}")
        return tuple(_convert(kind.__args__[0], item, name) for item in value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not kind:
        raise ConfigError(f"{name} needs {kind.__name__}, got {value!r}")
    return value


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """The configuration of an acoustic model: :func:`read_values`.

    Raises:
        ConfigError: the file is missing, is not TOML, or fails the checks of this module.
    """
    return from_mapping(Config, read_values(path, overrides))


def read_values(path: str | Path | None, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """A TOML file, if one is given, with ``section.key=value`` overrides, whose values are TOML
    (a value that is not TOML is taken as a string).

    Raises:
        ConfigError: the file is missing or not TOML, or an override has no key.
    """
    try:
        values = tomllib.loads(Path(path).read_text(encoding="utf-8")) if path else {}
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    for override in overrides:
        _apply(values, override)
    return values


def _apply(values: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set {override!r}: needs section.key=value")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    *sections, last = key.strip().split(".")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise ConfigError(f"--set {override!r}: {section} is not a section")
    values[last] = value


def to_mapping(config: Any) -> dict[str, Any]:
    """The inverse of :func:`from_mapping`: plain dictionaries, lists and scalars."""
    plain: dict[str, Any] = {}
    for item in fields(config):
        value = getattr(config, item.name)
        if is_dataclass(value):
            plain[item.name] = to_mapping(value)
        else:
            plain[item.name] = list(value) if isinstance(value, tuple) else value
    return plain
