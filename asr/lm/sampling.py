"""Sampling: texts that are drawn from a recurrent language model."""

import numpy as np
import numpy.typing as npt

from asr.errors import DataError
from asr.lm.recurrent_lm import RecurrentLm


def sample_texts(
    model: RecurrentLm,
    prompt: str = "",
    temperature: float = 1.0,
    count: int = 1,
    max_tokens: int = 100,
    seed: int = 1,
) -> list[str]:
    """Draw ``count`` texts that begin with the normalised ``prompt`` and are at most ``max_tokens``
    words or characters longer than it.

    Each unit is drawn with its probability to the power of ``1 / temperature``; at temperature 0
    it is the most probable one. ``<unk>`` is never drawn.

    Raises:
        DataError: the prompt holds words that the model does not know.
    """
    context = model.encode(prompt)
    if model.unknown_id in context:
        known = model.decode(context[: context.index(model.unknown_id)])
        if known:
            problem = f"after {known!r}, the prompt {prompt!r} has a word or character that"
        else:
            problem = f"the prompt {prompt!r} begins with a word or character that"
        raise DataError(f"{problem} the model does not know; use those of its training text")
    rng = np.random.default_rng(seed)
    log_probs, states = model.start(context, count)
    drawn: list[list[int]] = [[] for _ in range(count)]
    going = list(range(count))
    for _ in range(max_tokens):
        ids = _draw(log_probs, temperature, model.unknown_id, rng)
        alive = ids != model.end_id
        going = [text for text, goes_on in zip(going, alive, strict=True) if goes_on]
        if not going:
            break
        ids = ids[alive]
        for text, id in zip(going, ids.tolist(), strict=True):
            drawn[text].append(id)
        log_probs, states = model.step(ids, states[:, alive])
    return [model.decode([*context, *ids]) for ids in drawn]


def _draw(
    log_probs: npt.NDArray[np.float32], temperature: float, unknown: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Draw an id (B,) from each row of ``log_probs`` (B, V)."""
    scores = log_probs.astype(np.float64)
    scores[:, unknown] = -np.inf
    if temperature > 0:
        # The largest of log-probabilities with Gumbel noise is a draw (Gumbel 1954).
        scores = scores / temperature + rng.gumbel(size=scores.shape)
    ids: npt.NDArray[np.int64] = scores.argmax(1)
    return ids
