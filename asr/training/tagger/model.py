"""The network of the tagger."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from asr.display.features import PADDING_ID
from asr.display.pauses import CLASSES
from asr.display.written import CASES, MARKS
from asr.training.stack import RecurrentStack
from asr.training.tagger.config import TaggerNetworkConfig

RANGE = 0.1
"""The largest absolute value of embeddings before training."""


class TaggerModel(RecurrentStack):
    """Turns the embedding rows of words, and the pauses after them, into scores of what follows
    each word and how it is written.

    Shape: features (B, T, WIDTH), pauses (B, T), lengths (B,) -> logits of marks (B, T, marks) and
    of cases (B, T, cases), of no meaning behind each length.
    """

    def __init__(self, config: TaggerNetworkConfig, rows: int) -> None:
        size = config.embedding
        super().__init__(
            config.cell, size, config.hidden_size, config.layers, config.dropout, bidirectional=True
        )
        self.embedding = nn.Parameter(torch.empty(rows, size).uniform_(-RANGE, RANGE))
        self.norm = nn.LayerNorm(size)
        self.pauses = nn.Parameter(torch.zeros(CLASSES, size))
        self.output = nn.Linear(self.output_size, len(MARKS) + len(CASES))

    def forward(self, features: Tensor, pauses: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        words = functional.embedding_bag(
            features.flatten(0, 1), self.embedding, mode="sum", padding_idx=PADDING_ID
        )
        x = self.norm(words.view(*pauses.shape, -1)) + functional.embedding(pauses, self.pauses)
        logits = self.output(self.recur(self.dropout(x), lengths))
        return logits[..., : len(MARKS)], logits[..., len(MARKS) :]
