"""Recurrent layers, one on the other: what acoustic and language models have in common."""

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

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


class RecurrentStack(nn.Module):
    """Recurrent layers, each followed by layer normalisation (Ba et al. 2016) and dropout.

    Shape: x (B, T, input), lengths (B,) -> (B, T, output_size), of no meaning behind each length.
    """

    output_size: int

    def __init__(
        self,
        cell: str,
        input_size: int,
        hidden_size: int,
        layers: int,
        dropout: float,
        bidirectional: bool = False,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        self.norms = nn.ModuleList()
        size = input_size
        for _ in range(layers):
            layer = Recurrent(cell, size, hidden_size, bidirectional)
            size = layer.output_size
            self.layers.append(layer)
            self.norms.append(nn.LayerNorm(size))
        self.dropout = nn.Dropout(dropout)
        self.output_size = size

    def recur(self, x: Tensor, lengths: Tensor) -> Tensor:
        """All layers."""
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = self.dropout(norm(layer(x, lengths)))
        return x
