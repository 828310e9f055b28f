"""The learning rate rises and falls in one cycle, as in torch, or stays until a plan ends it."""

import pytest

from asr.errors import ConfigError
from asr.training.config import OptimizerConfig
from asr.training.schedule import (
    END,
    START,
    Plan,
    one_cycle,
    read_plan,
    warmup_stable_decay,
)


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


def test_the_rate_stays_until_the_plan_lets_it_fall():
    options = OptimizerConfig(learning_rate=0.1, warmup=0.1, schedule="wsd")

    def rates(plan, epochs=range(101)):
        return [warmup_stable_decay(options, plan, epoch, 100) for epoch in epochs]

    stable = rates(Plan())
    assert stable[0] == pytest.approx(0.1 * START) and stable[5] == pytest.approx(0.052)
    assert stable[10:] == pytest.approx([0.1] * 91)
    assert rates(Plan(rate=0.5)) == pytest.approx([rate / 2 for rate in stable])
    falling = rates(Plan(decay_from=40, decay_epochs=16))
    assert falling[:41] == stable[:41]
    assert falling[40:57] == pytest.approx([0.1 * (1 - (n / 16) ** 0.5) for n in range(17)])
    assert set(falling[57:]) == {0.0}


def test_a_plan_is_read_strictly(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text("")
    assert read_plan(path) == Plan() and Plan().end is None
    path.write_text("decay_from = 30\ndecay_epochs = 6\nrate = 0.5")
    assert read_plan(path) == Plan(0.5, 30, 6) and read_plan(path).end == 36
    path.write_text("decay = 3")
    with pytest.raises(ConfigError, match=r"unknown key decay; known here: rate, decay_from"):
        read_plan(path)
    with pytest.raises(ConfigError, match="cannot read"):
        read_plan(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match=r"optimizer.plan is 'p', which needs optimizer.schedule"):
        OptimizerConfig(plan="p")
