"""A recurrent decoder with attention, which spells a text from the encodings of an utterance.

It is the speller of Chan et al. (2016), "Listen, attend and spell", section 3.2. With label y_i,
encodings h_1 … h_T, state s_i and context c_i:

    s_i = RNN(s_{i-1}, [E y_{i-1}; c_{i-1}])
    c_i = Σ_t α_it h_t,  α_i = softmax(e_i)
    P(y_i | y_1 … y_{i-1}) = softmax(O [s_i; c_i] + o)

The energies e_it are of one of three kinds:

    additive    wᵀ tanh(Q s_i + K h_t + k)             (Bahdanau et al. 2015, appendix A.1.2)
    dot         (Q s_i)ᵀ (K h_t + k) / sqrt(size)      (Luong et al. 2015, equation 8)
    location    wᵀ tanh(Q s_i + K h_t + k + U f_it)    (Chorowski et al. 2015, equations 8 and 9)

The f_it are filters over the weights α_{i-1} of the step before. Luong's product is taken of two
projections, as Chan et al. do, and divided as in Vaswani et al. (2017), section 3.2.1. States,
context and weights are zero before the first step. The end of a text, at which there is no label,
is the symbol 0, the blank of CTC: the decoder needs none. It also stands before the first label.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from asr.training.config import AttentionConfig
from asr.training.features import frame_mask
from asr.training.stack import Recurrent, RecurrentStack
from asr.training.tokens import PADDING

END = 0
"""The symbol at both ends of a text."""
FILTERS, REACH = 10, 50
"""The filters of location-aware attention, as many as Chorowski et al. have, and the frames on each
side that they see: two seconds at 40 ms each."""

States = list[tuple[Tensor, ...]]


@dataclass(frozen=True)
class Heard:
    """What all steps of a decoder have in common: the encodings (B, T, E) and their keys
    (B, T, size), which frames exist (B, T), and the weights of the recurrent layers."""

    encodings: Tensor
    keys: Tensor
    exists: Tensor
    weights: list[dict[str, Tensor]]


@dataclass(frozen=True)
class Spelled:
    """What a decoder keeps from step to step: the states of its layers, the context (B, E), and the
    weights of the frames (B, T)."""

    states: States
    context: Tensor
    weights: Tensor


class Attention(nn.Module):
    """The energies of frames, of one of the three ``kinds``.

    Shape: states (B, hidden), keys (B, T, size), weights of the step before (B, T)
    -> energies (B, T).
    """

    def __init__(self, config: AttentionConfig, encoding_size: int) -> None:
        super().__init__()
        self.kind = config.kind
        self.query = nn.Linear(config.hidden_size, config.size, bias=False)
        self.key = nn.Linear(encoding_size, config.size)
        if self.kind != "dot":
            self.energy = nn.Linear(config.size, 1, bias=False)
        if self.kind == "location":
            self.filters = nn.Conv1d(1, FILTERS, 2 * REACH + 1, padding=REACH, bias=False)
            self.location = nn.Linear(FILTERS, config.size, bias=False)

    def forward(self, state: Tensor, keys: Tensor, before: Tensor) -> Tensor:
        query: Tensor = self.query(state)
        if self.kind == "dot":
            return torch.bmm(keys, query[..., None] / query.shape[1] ** 0.5)[..., 0]
        terms = keys + query[:, None]
        if self.kind == "location":
            terms = terms + self.location(self.filters(before[:, None]).transpose(1, 2))
        energies: Tensor = self.energy(torch.tanh(terms))
        return energies[..., 0]


class AttentionDecoder(RecurrentStack):
    """Turns encodings and labels into the logits of the symbol at each place of the text.

    The layers are those of :class:`RecurrentStack`, with normalisation and dropout after each. All
    is computed in float32.

    Shape: encodings (B, T, encoding_size), frame lengths (B,), labels (B, L) -> logits
    (B, L + 1, V), the last of which is for the end if the text has L labels.
    """

    def __init__(self, config: AttentionConfig, encoding_size: int, vocabulary_size: int) -> None:
        size = config.hidden_size
        super().__init__(config.cell, size + encoding_size, size, config.layers, config.dropout)
        self.config = config
        self.embedding = nn.Embedding(vocabulary_size, size)
        self.attention = Attention(config, encoding_size)
        self.output = nn.Linear(size + encoding_size, vocabulary_size)

    def forward(
        self, encodings: Tensor, frames: Tensor, labels: Tensor, sampling: float = 0.0
    ) -> Tensor:
        """Return the logits, each from the labels before it.

        With ``sampling``, so large a share of the labels is replaced by the symbol that the decoder
        itself finds the likeliest there (scheduled sampling, Bengio et al. 2015).
        """
        with torch.autocast(encodings.device.type, enabled=False):
            heard = self.listen(encodings.float(), frames)
            spelled = self.start(heard)
            previous = torch.full_like(frames, END)
            outputs: list[Tensor] = []
            for label in [*labels.unbind(1), previous]:
                logits, spelled = self.spell(heard, spelled, previous)
                outputs.append(logits)
                previous = label
                if sampling:
                    own = torch.rand(len(label), device=label.device) < sampling
                    previous = torch.where(own, logits.detach().argmax(-1), label)
            return torch.stack(outputs, dim=1)

    def listen(self, encodings: Tensor, frames: Tensor) -> Heard:
        """Prepare what the steps have in common: (B, T, encoding_size), frame lengths (B,)."""
        exists = frame_mask(frames, encodings.shape[1]) > 0
        weights = [layer.weights() for layer in self._recurrent]
        return Heard(encodings, self.attention.key(encodings), exists, weights)

    def start(self, heard: Heard) -> Spelled:
        """Return the state before the first step."""
        encodings = heard.encodings
        states = [
            (encodings.new_zeros(1, len(encodings), layer.hidden_size),) * layer.definition.states
            for layer in self._recurrent
        ]
        return Spelled(
            states, torch.zeros_like(encodings[:, 0]), torch.zeros_like(encodings[..., 0])
        )

    def spell(self, heard: Heard, spelled: Spelled, previous: Tensor) -> tuple[Tensor, Spelled]:
        """Return the logits (B, V) of the symbol behind ``previous`` (B,), and the state then."""
        x = torch.cat([self.dropout(self.embedding(previous)), spelled.context], dim=1)
        states: States = []
        layers = zip(self._recurrent, self.norms, heard.weights, spelled.states, strict=True)
        for layer, norm, weights, before in layers:
            states.append(layer.step(x, before, weights))
            x = self.dropout(norm(states[-1][0][0]))
        energies = self.attention(x, heard.keys, spelled.weights)
        weights = energies.masked_fill(~heard.exists, -torch.inf).softmax(-1)
        context = torch.bmm(weights[:, None], heard.encodings)[:, 0]
        logits: Tensor = self.output(torch.cat([x, context], dim=1))
        return logits, Spelled(states, context, weights)

    @property
    def _recurrent(self) -> list[Recurrent]:
        return [layer for layer in self.layers if isinstance(layer, Recurrent)]


def targets_of(labels: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Return the labels of texts side by side, and what has to be predicted at each place: the
    labels, the end, and behind it :data:`PADDING`.

    Shape: labels (sum of lengths,), lengths (B,) -> labels (B, L), targets (B, L + 1).

    >>> targets_of(torch.tensor([3, 4, 5]), torch.tensor([1, 2]))[1].tolist()
    [[3, 0, -100], [4, 5, 0]]
    """
    rows = list(torch.split(labels, lengths.tolist()))
    padded = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=END)
    targets = functional.pad(padded, (0, 1), value=END)
    places = torch.arange(targets.shape[1], device=labels.device)
    return padded, targets.masked_fill(places > lengths[:, None], PADDING)


def losses_of(logits: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """Return the cross-entropy of each text with its end in nats.

    With ``smoothing``, a target shares so much of its probability with all symbols (Szegedy et al.
    2016, "Rethinking the Inception architecture for computer vision", section 7).

    Shape: logits (B, L, V), targets (B, L) -> (B,).
    """
    values: Tensor = functional.cross_entropy(
        logits.flatten(0, 1).float(),
        targets.flatten(),
        ignore_index=PADDING,
        label_smoothing=smoothing,
        reduction="none",
    )
    return values.view(targets.shape).sum(1)
