"""What two views of the same audio should agree on: the consistency term beside the CTC loss."""

import torch
from torch import Tensor


def disagreement(log_probs: Tensor, frames: Tensor) -> Tensor:
    """Symmetric Kullback-Leibler divergence of two views in nats, summed over frames.

    Each view is drawn towards the other one as it stands: no gradient flows into the target
    (Yao et al. 2024, "CR-CTC: Consistency regularization on CTC for improved speech recognition",
    equation 4).

    Shape: log_probs (2 B, T, V), the first views before the second ones; frames (2 B,) -> ().
    """
    swapped = torch.cat(log_probs.chunk(2)[::-1]).detach().float()
    divergence = (swapped.exp() * (swapped - log_probs.float())).sum(-1)
    exists = torch.arange(log_probs.shape[1], device=log_probs.device) < frames[:, None]
    return (divergence * exists).sum() / 2
