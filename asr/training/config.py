"""The configuration of an acoustic model's training; ``Config()`` is all defaults.

Paths are relative to the current directory. The sections ``features`` and ``encoder`` are those
of :mod:`asr.model.config`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from asr.config import Section, from_mapping, option, read_values, require
from asr.model.config import EncoderConfig, FeatureConfig
from asr.text import UNICODE_FORMS
from asr.training.cells import check_cell

UNITS = ("character", "piece")
NOISES = ("white", "pink", "babble", "files")
CODECS = {"mulaw": ("WAV", "ULAW"), "mp3": ("MP3", "MPEG_LAYER_III"), "opus": ("OGG", "OPUS")}
"""Formats and subtypes of libsndfile by name."""

PRECISIONS = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}
"""Lightning's names for the precisions."""

REDUCTIONS = (2, 4, 8)
SCHEDULES = ("one_cycle", "wsd")
ALGORITHMS = ("adamw", "muon")
ATTENTION = ("additive", "dot", "location")


@dataclass(frozen=True)
class DataConfig(Section, name="data"):
    """Manifests, how their texts are spelled, and what is left out of them.

    Texts are put into the normal form ``unicode`` and spelled in characters, or with ``unit =
    "piece"`` in ``pieces`` sub-words, which are learned from the training text. ``spaced = false``
    where nothing separates words, as in Japanese: errors are counted in characters.

    Texts with characters outside the vocabulary end the run before it begins, unless
    ``drop_unknown`` leaves them out; so does a larger share than ``max_dropped`` left out.

    The field ``set`` of a manifest's lines names the set that an utterance belongs to. ``mix`` is
    the TOML file of a :class:`asr.training.mix.Mix`, which may change while a run is stopped.
    """

    train: tuple[str, ...] = option((), "manifests to train on")
    dev: tuple[str, ...] = option((), "manifests of other speakers, to choose the epoch by")
    unicode: str = option("NFC", "normal form of the texts", choices=UNICODE_FORMS)
    unit: str = option("character", "what texts are spelled in", choices=UNITS)
    pieces: int = option(500, "sub-words that are learned", above=0)
    spaced: bool = option(True, "spaces separate words")
    characters: str = option("", "characters of the vocabulary; empty: those of the training texts")
    drop_unknown: bool = option(False, "leave out texts with other characters")
    keep_empty: bool = option(False, "keep utterances without text, in which nobody speaks")
    max_duration: float = option(30.0, "seconds that an utterance may last", above=0)
    max_dropped: float = option(
        0.1, "share of the utterances that may be left out", at_least=0, at_most=1
    )
    cache: str = option("runs/cache", "folder of decoded audio")
    cache_gigabytes: float = option(20.0, "size that the cache may grow to", at_least=0)
    tars_at_once: int = option(
        0,
        "tar files that an epoch reads from at a time, if recordings lie in some; 0: all",
        at_least=0,
    )
    mix: str = option("", "file that says how much of which set an epoch takes; empty: all of all")
    dev_sets: bool = option(
        False, "choose the epoch by the mean error rate of the sets in the development manifests"
    )


PROBABILITY = "probability that an utterance is changed in this way"


@dataclass(frozen=True)
class SilenceConfig(Section, name="augment.silence"):
    """Silence before and after the speech: with even odds digital silence or faint noise.

    A short recording is normalised as a whole, so words should not be alone in all of it.
    """

    probability: float = option(0.0, PROBABILITY, at_least=0, at_most=1)
    seconds: tuple[float, float] = option(
        (0.0, 2.0), "seconds of silence in all", at_least=0, at_most=60, interval=True
    )

    @property
    def longest(self) -> float:
        """The most seconds that it adds to an utterance."""
        return self.seconds[1] if self.probability else 0.0


@dataclass(frozen=True)
class ReverbConfig(Section, name="augment.reverb"):
    """Simulated rooms."""

    probability: float = option(0.0, PROBABILITY, at_least=0, at_most=1)
    seconds: tuple[float, float] = option(
        (0.1, 0.6), "reverberation time (T60) in seconds", at_least=0.05, at_most=2, interval=True
    )


@dataclass(frozen=True)
class NoiseConfig(Section, name="augment.noise", retired={"talkers": 6}):
    """Additive noise. ``babble`` is several training speakers at once; ``files`` are the recordings
    of ``manifest``. A kind that is named twice is drawn twice as often."""

    probability: float = option(0.0, PROBABILITY, at_least=0, at_most=1)
    snr: tuple[float, float] = option(
        (5.0, 25.0), "dB of the speech above the noise", at_least=-20, at_most=100, interval=True
    )
    kinds: tuple[str, ...] = option(
        ("white", "pink", "babble"), "kinds of noise that are drawn from", choices=NOISES
    )
    manifest: str = option("", "recordings of noise, for the kind files")

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            ("files" in self.kinds) == bool(self.manifest),
            'augment.noise needs both: "files" among its kinds, and their manifest',
        )


@dataclass(frozen=True)
class TelephoneConfig(Section, name="augment.telephone", retired={"low_cut": 300.0}):
    """The band of a telephone: 8 kHz, and with even odds nothing below 300 Hz."""

    probability: float = option(0.0, PROBABILITY, at_least=0, at_most=1)


@dataclass(frozen=True)
class CodecConfig(Section, name="augment.codec"):
    """Lossy coding and decoding."""

    probability: float = option(0.0, PROBABILITY, at_least=0, at_most=1)
    kinds: tuple[str, ...] = option(
        tuple(CODECS), "codecs that are drawn from", choices=tuple(CODECS)
    )


@dataclass(frozen=True)
class GainConfig(Section, name="augment.gain"):
    """Another loudness."""

    probability: float = option(0.0, PROBABILITY, at_least=0, at_most=1)
    decibels: tuple[float, float] = option(
        (-12.0, 6.0), "dB that are added", at_least=-60, at_most=60, interval=True
    )


@dataclass(frozen=True)
class AugmentConfig(Section, name="augment"):
    """Augmentation of training audio; validation is never augmented.

    Speeds are drawn uniformly for each utterance, and so are the widths of masks, from none to the
    widest. Each of the sections applies to an utterance with its ``probability``, in the order in
    which they stand here. ``warps`` stretch the frequency axis, as other vocal tracts do
    (:mod:`asr.training.warping`); one is drawn uniformly for each utterance.
    """

    speeds: tuple[float, ...] = option(
        (0.9, 1.0, 1.1), "factors of speed, as in [1.0]", at_least=0.5, at_most=2
    )
    warps: tuple[float, ...] = option(
        (1.0,), "factors of all frequencies, as in [0.9, 1.0, 1.1]", at_least=0.5, at_most=2
    )
    frequency_masks: int = option(2, "masks of mel bins in an utterance", at_least=0)
    frequency_width: int = option(16, "mel bins of the widest mask", at_least=0)
    time_masks: int = option(2, "masks of frames in an utterance", at_least=0)
    time_width: int = option(20, "feature frames of the widest mask", at_least=0)
    time_share: float = option(
        0.1, "share of an utterance that a mask of frames may cover", at_least=0, at_most=1
    )
    silence: SilenceConfig = field(default_factory=SilenceConfig)
    reverb: ReverbConfig = field(default_factory=ReverbConfig)
    noise: NoiseConfig = field(default_factory=NoiseConfig)
    telephone: TelephoneConfig = field(default_factory=TelephoneConfig)
    codec: CodecConfig = field(default_factory=CodecConfig)
    gain: GainConfig = field(default_factory=GainConfig)


@dataclass(frozen=True)
class AttentionConfig(Section, name="attention"):
    """A recurrent decoder with attention (:mod:`asr.training.attention`), which is trained with the
    encoder: both share the loss (Watanabe et al. 2017, "Hybrid CTC/attention architecture for
    end-to-end speech recognition", equation 14). Recognition can score texts with it.

    ``kind`` is how a frame is scored; without one there is no decoder.
    """

    kind: str = option("", "how frames are scored; empty: no decoder", choices=("", *ATTENTION))
    cell: str = option("gru", "recurrent cell, a module of asr.training.cells")
    layers: int = option(1, "recurrent layers", at_least=1, at_most=2)
    hidden_size: int = option(256, "units of each layer, and of the symbols' embeddings", above=0)
    size: int = option(256, "units in which states and frames are compared", above=0)
    dropout: float = option(0.3, "share of the outputs dropped after a layer", at_least=0, below=1)
    weight: float = option(
        0.3, "share of the decoder's loss in the loss; CTC has the rest", above=0, below=1
    )
    label_smoothing: float = option(
        0.1, "share of a target that all symbols have in common", at_least=0, below=1
    )
    scheduled_sampling: float = option(
        0.0, "share of the steps that follow the decoder's own symbol", at_least=0, at_most=1
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_cell("attention.cell", self.cell)


@dataclass(frozen=True)
class OptimizerConfig(Section, name="optimizer"):
    """How the weights are stepped, and the course of the learning rate.

    ``muon`` steps the matrices of recurrent layers by Muon and all else by AdamW
    (:mod:`asr.training.muon`); its learning rate and decay mean the same.

    With ``one_cycle`` the rate rises for ``warmup`` and anneals to zero at the last epoch; with
    ``wsd`` (warm-up, stable, decay) it rises and stays, so that the length of a run need not be
    known at its beginning: the file ``plan`` ends it (:mod:`asr.training.schedule`).
    """

    algorithm: str = option("adamw", "how the weights are stepped", choices=ALGORITHMS)
    learning_rate: float = option(1e-3, "highest learning rate", above=0)
    weight_decay: float = option(0.01, "decay of the weights", at_least=0)
    warmup: float = option(0.15, "share of all steps in which the rate rises", above=0, below=1)
    gradient_clip: float = option(5.0, "largest norm of the gradient", above=0)
    schedule: str = option("one_cycle", "course of the learning rate", choices=SCHEDULES)
    plan: str = option("", "file, read before every epoch, that says when the rate of wsd falls")

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            not self.plan or self.schedule == "wsd",
            f'optimizer.plan is {self.plan!r}, which needs optimizer.schedule = "wsd"',
        )


@dataclass(frozen=True)
class EngineConfig(Section, name="training"):
    """The options of a run, whatever network it trains.

    A step takes ``accumulate`` micro-batches on each of ``devices`` × ``nodes``. The criterion of
    ``patience`` and ``average`` is the error rate or the perplexity of the development set.
    """

    epochs: int = option(60, "epochs to train for", above=0)
    accumulate: int = option(1, "micro-batches to a step, on each device", above=0)
    patience: int = option(
        0, "epochs without a better one after which training ends; 0: never", at_least=0
    )
    average: int = option(1, "best epochs whose mean of weights is exported", above=0)
    checkpoint_steps: int = option(
        0, "steps between checkpoints within an epoch; 0: none", at_least=0
    )
    keep_every: int = option(
        0, "epochs after each of which the weights are kept, besides the best; 0: none", at_least=0
    )
    max_skipped: int = option(
        10, "steps in a row without a finite gradient that end the run", above=0
    )
    accelerator: str = option("auto", "Lightning's name of the hardware, such as cpu")
    devices: int = option(1, "processes or GPUs on each machine", above=0)
    nodes: int = option(1, "machines", above=0)
    precision: str = option("32", "bits of numbers; others need a GPU", choices=tuple(PRECISIONS))
    deterministic: bool = option(False, "the same result on every run on a GPU too; slower")
    workers: int = option(
        0, "processes that prepare data; 0 is best where training is on the CPU", at_least=0
    )


@dataclass(frozen=True)
class TrainingConfig(EngineConfig):
    """The options of an acoustic model's run: those of every run, and some of its own."""

    batch_seconds: float = option(
        48.0, "seconds of audio to a micro-batch, padding included", above=0
    )
    consistency: float = option(
        0.0,
        "weight of the agreement between two masked views of each utterance; 0: one view",
        at_least=0,
    )
    intermediate: float = option(
        0.0,
        "share in the loss that a CTC loss of the lower layers of a pyramid has",
        at_least=0,
        below=1,
    )
    half: bool = option(
        False, "store the large weights of the model in half precision: half the megabytes"
    )
    init_from: str = option("", "model directory whose weights are the starting point")


@dataclass(frozen=True)
class RunConfig(Section):
    """The options that every training run has."""

    name: str = option("run", "folder of the run under runs/")
    seed: int = option(1, "seed of all that is random", at_least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            self.name not in ("", ".", "..") and "/" not in self.name,
            f"name is {self.name!r}, needs a plain folder name",
        )


@dataclass(frozen=True)
class Config(RunConfig):
    """All options of an acoustic model's training run.

    >>> Config().encoder.cell
    'gru'
    >>> Config(encoder=EncoderConfig(reduction=3))
    Traceback (most recent call last):
    asr.errors.ConfigError: encoder.reduction is 3; the convolutions of the encoder take 2, 4 or 8
    """

    data: DataConfig = field(default_factory=DataConfig)
    features: FeatureConfig = field(default_factory=FeatureConfig)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    attention: AttentionConfig = field(default_factory=AttentionConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_cell("encoder.cell", self.encoder.cell)
        require(
            self.encoder.reduction in REDUCTIONS,
            f"encoder.reduction is {self.encoder.reduction}; the convolutions of the encoder take "
            "2, 4 or 8",
        )
        require(
            not self.training.intermediate or self.encoder.pyramid > 0,
            f"training.intermediate is {self.training.intermediate:g}, which needs encoder.pyramid",
        )
        longest = self.data.max_duration / min(self.augment.speeds) + self.augment.silence.longest
        require(
            longest <= self.training.batch_seconds,
            f"training.batch_seconds is {self.training.batch_seconds:g}, but one utterance of "
            f"data.max_duration at the slowest of augment.speeds and with the longest "
            f"augment.silence takes {longest:g} s",
        )

    def num_frames(self, samples: int) -> int:
        """Return the output frames of the encoder for ``samples`` samples."""
        return self.encoder.num_frames(self.features.num_frames(samples))


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Read the configuration of an acoustic model's training from a TOML file.

    ``overrides`` are of the form ``section.key=value``, as :func:`asr.config.read_values` takes
    them.

    Raises:
        ConfigError: the file is missing or not TOML, a key is unknown, or a value is not allowed.
    """
    return from_mapping(Config, read_values(path, overrides))
