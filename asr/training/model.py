"""The acoustic model: log-mel features, a time-reducing front, recurrent layers, CTC outputs."""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from asr.config import EncoderConfig, FeatureConfig
from asr.training.features import LogMel, frame_mask, normalize
from asr.training.recurrence import recurrent_layer

CELLS: dict[str, type[nn.RNN | nn.LSTM | nn.GRU]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class Recurrent(nn.Module):
    r"""One recurrent layer over sequences of unequal length, one or both directions.

    With input :math:`x_t`, state :math:`h_t`, logistic :math:`\sigma` and elementwise product
    :math:`\odot` the cells are

    ``rnn`` (Elman 1990):
        h_t = tanh(W x_t + b + U h_{t-1} + c)

    ``lstm`` (Hochreiter & Schmidhuber 1997; forget gate of Gers et al. 2000):
        i, f, o = σ(W_* x_t + b_* + U_* h_{t-1} + c_*);  g = tanh(W_g x_t + b_g + U_g h_{t-1} + c_g)
        s_t = f ⊙ s_{t-1} + i ⊙ g;  h_t = o ⊙ tanh(s_t)

    ``gru`` (Cho et al. 2014; reset gate after the product, as in cuDNN and ONNX's
    ``linear_before_reset = 1``):
        r, z = σ(W_* x_t + b_* + U_* h_{t-1} + c_*)
        n = tanh(W_n x_t + b_n + r ⊙ (U_n h_{t-1} + c_n));  h_t = (1 - z) ⊙ n + z ⊙ h_{t-1}

    The backward direction (Schuster & Paliwal 1997) starts at each sequence's own last frame.

    Shape: x (B, T, input), lengths (B,) -> (B, T, hidden * directions), zero behind each length.
    """

    output_size: int

    def __init__(self, cell: str, input_size: int, hidden_size: int, bidirectional: bool) -> None:
        super().__init__()
        self.cell = CELLS[cell](
            input_size, hidden_size, batch_first=True, bidirectional=bidirectional
        )
        self.output_size = hidden_size * (2 if bidirectional else 1)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        if x.device.type == "cpu" and torch.is_grad_enabled():
            return recurrent_layer(self.cell, x, lengths)
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        output, _ = self.cell(packed)
        padded, _ = pad_packed_sequence(output, batch_first=True, total_length=x.shape[1])
        return padded


class StackFront(nn.Module):
    """Joins ``reduction`` neighbouring frames into one.

    Shape: (B, T, num_mels), lengths (B,) -> (B, ceil(T / reduction), reduction * num_mels), (B,).
    """

    output_size: int

    def __init__(self, config: EncoderConfig, num_mels: int) -> None:
        super().__init__()
        self.reduction = config.reduction
        self.output_size = num_mels * config.reduction

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        batch, frames, _ = x.shape
        x = functional.pad(x, (0, 0, 0, -frames % self.reduction))
        return x.reshape(batch, -1, self.output_size), _ceil_divide(lengths, self.reduction)


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
        for _ in range(halvings):
            num_mels = -(-num_mels // 2)
        self.output_size = config.channels * num_mels

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x = x[:, None]
        for convolution in self.convolutions:
            lengths = _ceil_divide(lengths, 2)
            x = functional.relu(convolution(x))
            x = x * frame_mask(lengths, x.shape[2])[:, None, :, None]
        return x.transpose(1, 2).flatten(2), lengths


FRONTS: dict[str, type[StackFront | ConvFront]] = {"stack": StackFront, "conv": ConvFront}


class Encoder(nn.Module):
    """Normalised features to log-probabilities.

    Each recurrent layer is followed by layer normalisation (Ba et al. 2016) and dropout.

    Shape: features (B, T, num_mels), zero behind each length; lengths (B,)
    -> log_probs (B, frames, V), frame lengths (B,).
    """

    def __init__(self, config: EncoderConfig, num_mels: int, vocabulary_size: int) -> None:
        super().__init__()
        self.config = config
        front: StackFront | ConvFront = FRONTS[config.front](config, num_mels)
        self.front: nn.Module = front
        self.layers = nn.ModuleList()
        self.norms = nn.ModuleList()
        size: int = front.output_size
        for _ in range(config.layers):
            layer = Recurrent(config.cell, size, config.hidden_size, config.bidirectional)
            size = layer.output_size
            self.layers.append(layer)
            self.norms.append(nn.LayerNorm(size))
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(size, vocabulary_size)

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x, lengths = self.front(features, lengths)
        padding = self.config.padding
        x = functional.pad(x, (0, 0, padding, padding))
        lengths = lengths + 2 * padding
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = self.dropout(norm(layer(x, lengths)))
        return self.output(x).log_softmax(-1), lengths


class AcousticModel(nn.Module):
    """Waveforms to log-probabilities: what the exported graph computes, node for node.

    ``statistics`` (B or 1, 2, num_mels) as in :func:`asr.training.features.normalize`.

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
        self, waveforms: Tensor, lengths: Tensor, statistics: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Normalised log-mel features (B, T, num_mels) and their lengths (B,), in float32."""
        with torch.autocast(waveforms.device.type, enabled=False):
            log_mel, frame_lengths = self.log_mel(waveforms, lengths)
            return normalize(log_mel, frame_lengths, statistics)[0], frame_lengths

    def forward(
        self, waveforms: Tensor, lengths: Tensor, statistics: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        log_probs, frame_lengths = self.encoder(*self.features(waveforms, lengths, statistics))
        return log_probs, frame_lengths


def _ceil_divide(lengths: Tensor, divisor: int) -> Tensor:
    return torch.div(lengths + divisor - 1, divisor, rounding_mode="floor")
