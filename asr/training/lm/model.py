"""The network of a recurrent language model."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from asr.training.lm.config import NetworkConfig
from asr.training.stack import RecurrentStack

RANGE = 0.1
"""The largest absolute value of embeddings before training."""


class RecurrentLmModel(RecurrentStack):
    """Turns word ids into scores of the next word.

    The embeddings are the output's weights too (Press and Wolf 2017).

    Shape: tokens (B, T), lengths (B,) -> logits (B, T, V), of no meaning behind each length.
    """

    def __init__(self, config: NetworkConfig, vocabulary_size: int) -> None:
        size = config.hidden_size
        super().__init__(config.cell, size, size, config.layers, config.dropout)
        self.embedding = nn.Parameter(torch.empty(vocabulary_size, size).uniform_(-RANGE, RANGE))
        self.bias = nn.Parameter(torch.zeros(vocabulary_size))

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        x = self.dropout(functional.embedding(tokens, self.embedding))
        return functional.linear(self.recur(x, lengths), self.embedding, self.bias)
