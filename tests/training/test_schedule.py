"""The learning rate rises to its peak and falls, as in torch's one-cycle schedule."""

import pytest

from asr.training.config import OptimizerConfig
from asr.training.schedule import END, START, one_cycle


def test_the_rate_rises_to_the_peak_and_falls():
    options = OptimizerConfig(learning_rate=0.1, warmup=0.2)
    rates = [one_cycle(options, step / 100) for step in range(101)]
    assert rates[20] == pytest.approx(0.1) == max(rates)
    assert rates[:21] == sorted(rates[:21])
    assert rates[20:] == sorted(rates[20:], reverse=True)
    assert rates[0] == pytest.approx(0.1 * START) and rates[-1] == pytest.approx(0.1 * END)


def test_one_cycle_equals_torch():
    import torch

    options = OptimizerConfig(learning_rate=0.1, warmup=0.2)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    steps = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.1, 101, pct_start=21 / 101, cycle_momentum=False, final_div_factor=START / END
    )
    for step in range(101):
        expected = optimizer.param_groups[0]["lr"]
        assert one_cycle(options, step / 100) == pytest.approx(expected, rel=1e-6)
        if step < 100:
            optimizer.step()
            steps.step()
