"""The acoustic model: log-mel features, convolutions, recurrent layers, CTC outputs."""

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from asr.model.config import EncoderConfig, FeatureConfig
from asr.training.features import LogMel, frame_mask, normalize
from asr.training.products import factor_type
from asr.training.pyramid import PairStack
from asr.training.stack import RecurrentStack


class ConvFront(nn.Module):
    """Halves time and frequency with 3 x 3 convolutions and ReLU, masked after each.

    Two-dimensional convolutions before recurrent layers as in Amodei et al. (2016), section 3.5.

    Shape: (B, T, num_mels), lengths (B,) -> (B, ceil(T / reduction), channels * mels left), (B,).
    """

    output_size: int

    def __init__(self, config: EncoderConfig, num_mels: int) -> None:
        super().__init__()
        halvings = config.reduction.bit_length() - 1
        self.convolutions = nn.ModuleList(
            nn.Conv2d(1 if i == 0 else config.channels, config.channels, 3, stride=2, padding=1)
            for i in range(halvings)
        )
        # In this order of the weights, convolutions take little more than half the time on CPUs.
        self.convolutions.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        for _ in range(halvings):
            num_mels = -(-num_mels // 2)
        self.output_size = config.channels * num_mels

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        factors = factor_type(x)
        x, given = x[:, None].to(factors), x.dtype
        for convolution in self.convolutions:
            lengths = _ceil_divide(lengths, 2)
            weights = {name: value.to(factors) for name, value in convolution.named_parameters()}
            x = functional.relu(functional_call(convolution, weights, x))
            x = x * frame_mask(lengths, x.shape[2])[:, None, :, None].to(factors)
        return x.transpose(1, 2).flatten(2).to(given), lengths


class Encoder(RecurrentStack):
    """Turns normalised features into log-probabilities.

    In a pyramid its own layers take every frame, and ``top`` has those that take pairs of them.

    Shape: features (B, T, num_mels), zero behind each length; lengths (B,)
    -> log_probs (B, frames, V), frame lengths (B,).
    """

    def __init__(self, config: EncoderConfig, num_mels: int, vocabulary_size: int) -> None:
        front = ConvFront(config, num_mels)
        super().__init__(
            config.cell,
            front.output_size,
            config.hidden_size,
            config.pyramid or config.layers,
            config.dropout,
            config.bidirectional,
        )
        self.config = config
        self.front = front
        self.output = nn.Linear(self.output_size, vocabulary_size)
        self.encoding_size = self.output_size
        self.top: PairStack | None = None
        if config.pyramid:
            self.top = PairStack(config, self.output_size, vocabulary_size)
            self.encoding_size = self.top.output_size

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        log_probs, _, lengths = self.encode(features, lengths)
        return log_probs, lengths

    def encode(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the log-probabilities, the encodings and the frame lengths.

        The encodings are what a decoder attends to: the outputs of the last recurrent layer. In a
        pyramid that is the last one of the top, which alone has heard all that the network hears
        (as in Chan et al. 2016); both frames of a pair have its output, so that there is an
        encoding for each row of the log-probabilities and both can be cut at the same frames.

        Shape: (B, T, num_mels), (B,) -> (B, frames, V), (B, frames, encoding_size), (B,).
        """
        hidden, lengths = self.below(features, lengths)
        return *self.outputs(hidden, lengths), lengths

    def below(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Apply the front, and the layers that take every frame.

        Shape: (B, T, num_mels), (B,) -> (B, frames, output_size), frame lengths (B,).
        """
        x, lengths = self.front(features, lengths)
        padding = self.config.padding
        x = functional.pad(x, (0, 0, padding, padding))
        lengths = lengths + 2 * padding
        return self.recur(x, lengths), lengths

    def outputs(self, hidden: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Apply the layers that take pairs of frames, if there are any, and the outputs; return the
        log-probabilities and the encodings.

        Shape: (B, frames, output_size), frame lengths (B,) -> (B, frames, V),
        (B, frames, encoding_size).
        """
        logits: Tensor = self.output(hidden)
        encodings = hidden
        if self.top is not None:
            above, encodings = self.top.outputs(hidden, lengths)
            logits = logits + above
        return logits.log_softmax(-1), encodings


class AcousticModel(nn.Module):
    """Turns waveforms into log-probabilities, exactly as the exported graph does.

    Shape: waveforms (B, samples), zero behind each length; lengths (B,) > 0
    -> log_probs (B, frames, V), frame lengths (B,).
    """

    def __init__(
        self, features: FeatureConfig, encoder: EncoderConfig, vocabulary_size: int
    ) -> None:
        super().__init__()
        self.log_mel = LogMel(features)
        self.encoder = Encoder(encoder, features.num_mels, vocabulary_size)

    def features(
        self,
        waveforms: Tensor,
        lengths: Tensor,
        filters: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return normalised features (B, T, num_mels) in float32, and their lengths (B,).

        ``filters`` as in :class:`asr.training.features.LogMel`.
        """
        with torch.autocast(waveforms.device.type, enabled=False):
            log_mel, frame_lengths = self.log_mel(waveforms, lengths, filters)
            return normalize(log_mel, frame_lengths, self.log_mel.config), frame_lengths

    def forward(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        log_probs, frame_lengths = self.encoder(*self.features(waveforms, lengths))
        return log_probs, frame_lengths

    def encode(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the log-probabilities, the encodings (:meth:`Encoder.encode`) and the frame
        lengths."""
        return self.encoder.encode(*self.features(waveforms, lengths))


def _ceil_divide(lengths: Tensor, divisor: int) -> Tensor:
    return torch.div(lengths + divisor - 1, divisor, rounding_mode="floor")
