"""Beam search by a decoder with attention alone, without CTC: what rescoring is compared with.

Nothing tells such a search that all has been heard, or that something was heard twice. So a text is
worth its log-probability with its end, plus ``length_bonus`` for each symbol, plus
``coverage_weight`` for each frame that was looked at, whose weights of all steps sum to more than a
half (Chorowski & Jaitly 2017, "Towards better decoding and language model integration in sequence
to sequence models", section 3.3). It fails on recordings that are longer than those of the
training; recognition uses CTC, which has no such limit.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from asr.training.attention import END, AttentionDecoder, Heard, Spelled

LOOKED_AT = 0.5
"""The sum of a frame's weights above which it was looked at."""


@dataclass(frozen=True)
class SpelledText:
    """A text that a decoder spelled: its symbols, its log-probability with its end, the number of
    frames that were looked at, and what it is worth."""

    symbols: tuple[int, ...]
    log_probability: float
    looked_at: int
    score: float


@torch.no_grad()
def search_attention(
    decoder: AttentionDecoder,
    encodings: Tensor,
    beam_size: int = 10,
    length_bonus: float = 0.0,
    coverage_weight: float = 0.0,
    max_symbols: int | None = None,
) -> list[SpelledText]:
    """Return the best texts of an utterance, the best first; ``beam_size`` or fewer.

    In each step a symbol or the end is appended to each prefix, and the best results are kept. A
    text that has ended leaves the beam, which is smaller from then on (Sutskever et al. 2014,
    "Sequence to sequence learning with neural networks", section 3.2). Texts of ``max_symbols``, by
    default as many as there are frames, have to end.

    Shape: encodings (T, encoding_size), T > 0.

    >>> from asr.training.config import AttentionConfig
    >>> decoder = AttentionDecoder(AttentionConfig("dot"), 6, 4).eval()
    >>> texts = search_attention(decoder, torch.randn(5, 6), beam_size=3, max_symbols=2)
    >>> all(text.score <= texts[0].score and len(text.symbols) <= 2 for text in texts)
    True
    """
    limit = len(encodings) if max_symbols is None else max_symbols
    heard = decoder.listen(encodings[None], torch.tensor([len(encodings)], device=encodings.device))
    spelled = decoder.start(heard)
    prefixes: list[tuple[int, ...]] = [()]
    before, looked = encodings.new_zeros(1), torch.zeros_like(encodings[None, :, 0])
    ended: list[SpelledText] = []
    for length in range(limit + 1):
        last = torch.tensor([prefix[-1] if prefix else END for prefix in prefixes])
        logits, spelled = decoder.spell(
            _repeated(heard, len(prefixes)), spelled, last.to(encodings.device)
        )
        log_probs = before[:, None] + logits.log_softmax(-1)
        looked = looked + spelled.weights
        count = (looked > LOOKED_AT).sum(1)
        worth = log_probs + length_bonus * (length + 1) + coverage_weight * count[:, None]
        worth[:, END] -= length_bonus
        if length == limit:
            worth[:, torch.arange(worth.shape[1]) != END] = -torch.inf
        room = min(beam_size - len(ended), int((worth > -torch.inf).sum()))
        scores, places = worth.flatten().topk(room)
        rows, symbols = places // worth.shape[1], places % worth.shape[1]
        for row, symbol, score in zip(*map(Tensor.tolist, (rows, symbols, scores)), strict=True):
            if symbol == END:
                numbers = float(log_probs[row, END]), int(count[row])
                ended.append(SpelledText(prefixes[row], *numbers, score))
        going_on = symbols != END
        rows, symbols = rows[going_on], symbols[going_on]
        prefixes = [
            (*prefixes[row], symbol)
            for row, symbol in zip(rows.tolist(), symbols.tolist(), strict=True)
        ]
        if not prefixes:
            break
        before, looked = log_probs[rows, symbols], looked[rows]
        spelled = _chosen(spelled, rows)
    return sorted(ended, key=lambda text: -text.score)


def _repeated(heard: Heard, count: int) -> Heard:
    """Return what is heard of one utterance for so many prefixes."""
    return Heard(
        heard.encodings.expand(count, -1, -1),
        heard.keys.expand(count, -1, -1),
        heard.exists.expand(count, -1),
        heard.weights,
    )


def _chosen(spelled: Spelled, rows: Tensor) -> Spelled:
    """Return the states of the prefixes ``rows``, in this order."""
    states = [tuple(state[:, rows] for state in layer) for layer in spelled.states]
    return Spelled(states, spelled.context[rows], spelled.weights[rows])
