"""Muon: steps along the nearest orthogonal matrix of the momentum.

Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks"; the size of a step as
in Liu et al. 2025, "Muon is scalable for LLM training", section 2.2, so that the learning rate and
the decay of AdamW suit both.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from asr.training.products import factor_type
from asr.training.stack import Recurrent

MOMENTUM = 0.95
STEPS = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic that brings singular values towards one (Jordan et al. 2024)."""
RMS = 0.2
"""The root mean square of an entry of AdamW's steps, as Liu et al. measured it."""


class Muon(torch.optim.AdamW):
    """Muon for the weights of recurrent layers, AdamW for all other parameters.

    A recurrent layer's weight holds one matrix for each gate; each is stepped by itself.

    >>> from asr.training.stack import RecurrentStack
    >>> optimizer = Muon(RecurrentStack("gru", 8, 4, 1, 0.0), 1e-3, 0.01)
    >>> [len(group["params"]) for group in optimizer.param_groups]
    [4, 2]
    """

    def __init__(
        self, module: nn.Module, learning_rate: float, weight_decay: float, fused: bool = False
    ) -> None:
        gates = {
            id(weight): layer.definition.gates
            for layer in module.modules()
            if isinstance(layer, Recurrent)
            for weight in layer.parameters()
            if weight.ndim == 2
        }
        others = [weight for weight in module.parameters() if id(weight) not in gates]
        groups: list[dict[str, Any]] = [{"params": others, "gates": 0}]
        for number in sorted(set(gates.values())):
            weights = [item for item in module.parameters() if gates.get(id(item)) == number]
            groups.append({"params": weights, "gates": number})
        super().__init__(groups, lr=learning_rate, weight_decay=weight_decay, fused=fused)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Step all parameters that have a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        gradients: dict[Tensor, Tensor | None] = {}
        for group in self.param_groups:
            if group["gates"]:
                stepped = [weight for weight in group["params"] if weight.grad is not None]
                gradients |= {weight: weight.grad for weight in stepped}
                self._step_matrices(stepped, group)
        # AdamW leaves parameters without a gradient as they are.
        for weight in gradients:
            weight.grad = None
        super().step()
        for weight, gradient in gradients.items():
            weight.grad = gradient
        return loss

    def _step_matrices(self, weights: Iterable[Tensor], group: dict[str, Any]) -> None:
        shapes: dict[torch.Size, list[tuple[Tensor, Tensor]]] = {}
        for weight in weights:
            state = self.state[weight]
            if not state:
                state["step"] = torch.zeros(())  # AdamW looks for it when a state is loaded
                state["momentum"] = torch.zeros_like(weight)
            gradient = weight.grad
            assert gradient is not None
            state["momentum"].lerp_(gradient, 1 - MOMENTUM)
            direction = gradient.lerp(state["momentum"], MOMENTUM)  # Nesterov's
            weight.mul_(1 - group["lr"] * group["weight_decay"])
            matrices = direction.view(group["gates"], -1, direction.shape[1])
            shapes.setdefault(matrices.shape, []).append((weight, matrices))
        for shape, pairs in shapes.items():
            joined = torch.cat([matrices for _, matrices in pairs])
            steps = orthogonal(joined.to(_precision(joined))).to(joined.dtype)
            size = group["lr"] * RMS * max(shape[1:]) ** 0.5
            for (weight, _), step in zip(pairs, steps.view(-1, *shape), strict=True):
                weight.sub_(step.reshape(weight.shape), alpha=size)


def orthogonal(matrices: Tensor) -> Tensor:
    """Return matrices with the singular vectors of ``matrices`` and singular values near one.

    Newton and Schulz's iteration with the coefficients of Jordan et al. (2024): the values end
    between about 0.7 and 1.2.

    Shape: (N, rows, columns) -> (N, rows, columns).

    >>> values = torch.linalg.svdvals(orthogonal(torch.randn(2, 8, 20)))
    >>> bool((values > 0.5).all() and (values < 1.5).all())
    True
    """
    wide = matrices.shape[1] <= matrices.shape[2]
    x = matrices if wide else matrices.mT
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(STEPS):
        square = x @ x.mT
        polynomial = torch.baddbmm(square, square, square, beta=b, alpha=c)
        x = torch.baddbmm(x, polynomial, x, beta=a)
    found: Tensor = x if wide else x.mT
    return found


def _precision(matrices: Tensor) -> torch.dtype:
    """Return the precision to iterate in: bfloat16, as Jordan et al. do, where factors of products
    may be rounded so and the processor gains by it."""
    coarse = torch.get_float32_matmul_precision() == "medium"
    if matrices.device.type == "cuda" and coarse:
        return torch.bfloat16
    return factor_type(matrices)
