"""The configuration that a model directory records: its features and its encoder."""

from dataclasses import dataclass

from asr.config import Section, option, require


@dataclass(frozen=True)
class FeatureConfig(Section, name="features"):
    """The configuration of log-mel features; lengths are in samples, frequencies in Hz."""

    sample_rate: int = option(16000, "sample rate of the audio in Hz", above=0)
    window_length: int = option(400, "samples that a frame sees", above=0)
    hop_length: int = option(160, "samples from one frame to the next", above=0)
    n_fft: int = option(512, "points of the Fourier transform", above=0)
    num_mels: int = option(80, "mel filters", above=0)
    f_min: float = option(20.0, "lowest frequency of the filters in Hz", at_least=0)
    f_max: float = option(8000.0, "highest frequency of the filters in Hz", above=0)
    log_floor: float = option(1e-8, "energy below which the logarithm is cut off", above=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            self.hop_length <= self.window_length <= self.n_fft,
            f"features need 0 < hop_length <= window_length <= n_fft, got {self.hop_length}, "
            f"{self.window_length}, {self.n_fft}",
        )
        require(
            self.window_length % 2 == 0,
            f"features.window_length is {self.window_length}, needs an even number",
        )
        require(
            self.f_min < self.f_max <= self.sample_rate / 2,
            f"features need 0 <= f_min < f_max <= sample_rate / 2, got {self.f_min}, {self.f_max}",
        )

    def num_frames(self, samples: int) -> int:
        """Return the number of feature frames of ``samples`` samples, one for each ``hop_length``.

        >>> FeatureConfig().num_frames(16000)
        101
        """
        return samples // self.hop_length + 1 if samples > 0 else 0


@dataclass(frozen=True)
class EncoderConfig(Section, name="encoder", retired={"front": "conv"}):
    """The configuration of the acoustic encoder: convolutions, recurrent layers, a linear output.

    The convolutions (3 x 3, ``channels`` maps) halve time and frequency until time is reduced by
    ``reduction``. ``padding`` frames of silence (the mean feature) at both ends give short words
    room for their labels. In a ``pyramid`` only the lower layers take every frame; the others, each
    of ``top_size``, take pairs of frames, and what they give for both is added to the output. A
    model directory may name any cell and any reduction; those that can be trained are checked by
    :class:`asr.training.config.Config`.
    """

    cell: str = option("gru", "recurrent cell, a module of asr.training.cells")
    bidirectional: bool = option(True, "read each utterance backwards too")
    layers: int = option(3, "recurrent layers", above=0)
    hidden_size: int = option(256, "units of each layer and direction", above=0)
    dropout: float = option(0.3, "share of the outputs dropped after a layer", at_least=0, below=1)
    reduction: int = option(4, "feature frames to an output frame", above=0)
    channels: int = option(32, "maps of each convolution", above=0)
    padding: int = option(2, "frames of silence added at each end", at_least=0)
    pyramid: int = option(0, "layers that take every frame; 0: all of them", at_least=0)
    top_size: int = option(0, "units of each layer above those; 0: hidden_size", at_least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            self.pyramid < self.layers,
            f"encoder.pyramid is {self.pyramid}, needs fewer than encoder.layers ({self.layers})",
        )
        require(
            not self.top_size or self.pyramid > 0,
            f"encoder.top_size is {self.top_size}, which needs encoder.pyramid",
        )

    @property
    def joined(self) -> int:
        """The output frames that the upper layers take at once."""
        return 2 if self.pyramid else 1

    def num_frames(self, feature_frames: int) -> int:
        """Return the number of output frames of ``feature_frames``, the padding included.

        >>> EncoderConfig(reduction=4, padding=2).num_frames(101)
        30
        """
        if feature_frames <= 0:
            return 0
        return -(-feature_frames // self.reduction) + 2 * self.padding
