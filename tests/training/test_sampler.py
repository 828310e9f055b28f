"""Batches hold every utterance once within their budget, and all ranks agree on them."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.training import sampler as sampling
from asr.training.config import SilenceConfig
from asr.training.sampler import JITTER, BucketBatchSampler, PooledBatchSampler, stable_order
from asr.training.seeding import rng

SPEEDS = (0.9, 1.0, 1.1)


@given(
    st.lists(st.floats(0.1, 8), min_size=1, max_size=60),
    st.floats(9, 40),
    st.integers(0, 3),
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from([0.0, 0.5]),
)
def test_every_epoch_holds_every_utterance_once(
    durations, seconds, epoch, ranks, accumulate, quiet
):
    silence = SilenceConfig(quiet, (0.5, 2.0))
    seconds += silence.longest
    samplers = [
        BucketBatchSampler(
            durations,
            seconds,
            SPEEDS,
            1,
            epoch,
            accumulate=accumulate,
            rank=rank,
            ranks=ranks,
            silence=silence,
        )
        for rank in range(ranks)
    ]
    dealt = [list(sampler) for sampler in samplers]
    assert {len(micros) for micros in dealt} == {len(samplers[0])}
    assert len(samplers[0]) % accumulate == 0
    seen = []
    for position, micros in enumerate(zip(*dealt, strict=True)):
        for micro in micros:
            assert (micro.epoch, micro.index) == (epoch, position)
            drawn = zip(micro.indices, micro.speeds, micro.silences, strict=True)
            lengths = [durations[i] / speed + silence for i, speed, silence in drawn]
            assert len(lengths) * max(lengths, default=0) <= seconds
            seen += micro.indices
    assert sorted(seen) == list(range(len(durations)))
    for step in range(0, len(samplers[0]), accumulate):
        parts = [micro for micros in dealt for micro in micros[step : step + accumulate]]
        assert {micro.utterances for micro in parts} == {sum(len(m.indices) for m in parts)}


def test_silence_is_drawn_with_its_probability_and_leaves_the_speeds():
    durations = [2.0] * 1000
    silence = SilenceConfig(0.4, (0.5, 2.0))
    first, other = (
        BucketBatchSampler(durations, 48, SPEEDS, seed=1, silence=silence, epoch=e) for e in (0, 1)
    )
    drawn = first.silences[first.silences > 0]
    assert 350 <= len(drawn) <= 450 and 0.5 <= drawn.min() < 0.6 and 1.9 < drawn.max() <= 2
    assert not np.array_equal(first.silences, other.silences)
    without = BucketBatchSampler(durations, 48, SPEEDS, seed=1)
    assert np.array_equal(first.speeds, without.speeds) and not without.silences.any()


def test_ranks_and_micro_batches_share_out_the_same_steps():
    """Two ranks get in a step the utterances that two micro-batches of one rank hold."""
    durations = list(np.random.default_rng(0).uniform(1, 10, 200))
    whole = list(BucketBatchSampler(durations, 60, SPEEDS, seed=1))
    halves = [
        list(BucketBatchSampler(durations, 30, SPEEDS, seed=1, rank=rank, ranks=2))
        for rank in range(2)
    ]
    micros = list(BucketBatchSampler(durations, 30, SPEEDS, seed=1, accumulate=2))
    for i in range(10):
        ours = sorted(halves[0][i].indices + halves[1][i].indices)
        assert ours == sorted(micros[2 * i].indices + micros[2 * i + 1].indices)
        assert abs(len(halves[0][i].indices) - len(halves[1][i].indices)) <= 1
        speeds = dict(zip(whole[i].indices, whole[i].speeds, strict=True))
        assert len(speeds) == len(whole[i].indices)


def test_a_start_leaves_out_the_beginning_and_nothing_else():
    """An epoch that starts later lacks the micro-batches before its start alone."""
    durations = list(np.random.default_rng(0).uniform(1, 10, 100))
    whole = BucketBatchSampler(durations, 30, SPEEDS, seed=1, epoch=3, accumulate=2)
    rest = BucketBatchSampler(durations, 30, SPEEDS, seed=1, epoch=3, accumulate=2, start=5)
    assert len(rest) == len(whole)
    assert list(rest) == list(whole)[5:]


@pytest.mark.parametrize("speeds", [(1.0,), (0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15)])
def test_batches_differ_between_epochs_and_hold_little_padding(speeds):
    durations = np.random.default_rng(0).gamma(4, 0.7, 1000).clip(0.5, 8)  # these are like AN4's
    first = BucketBatchSampler(durations, 48, speeds, seed=1)
    assert list(first) != list(BucketBatchSampler(durations, 48, speeds, seed=1, epoch=1))
    assert list(first) != list(BucketBatchSampler(durations, 48, speeds, seed=2))
    assert 0 < first.padding < 0.05


def test_padding_is_that_of_the_parts():
    """The share of padding is that of the micro-batches, not of the whole step."""
    sampler = BucketBatchSampler([4.0, 2.0, 3.0], 100)
    assert sampler.padding == pytest.approx(1 - 9 / 12)
    assert BucketBatchSampler([4.0, 2.0, 3.0], 100, ranks=3).padding == pytest.approx(0)


def plainly(durations, seconds, speeds, seed, epoch, parts, silence):
    """Return the steps of an epoch, each with the indices, speeds and silences of its utterances,
    as arrays of all of them at once give them."""
    draw, quiet = rng(seed, epoch, "speeds"), rng(seed, epoch, "silences")
    count = len(durations)
    speed = np.asarray(speeds)[draw.integers(len(speeds), size=count)]
    silent = quiet.random(count) < silence.probability
    silences = np.where(silent, quiet.uniform(*silence.seconds, count), 0.0)
    lengths = np.asarray(durations) / speed + silences
    order = np.argsort(-lengths * draw.uniform(1 - JITTER, 1 + JITTER, count), kind="stable")
    steps, first = [], 0
    while first < count:
        longest = lengths[order[first]]
        for _ in range(2):
            size = max(1, int(seconds / longest))
            longest = max(longest, lengths[order[first : first + size * parts]].max())
        steps.append(order[first : first + size * parts])
        first += size * parts
    shuffled = rng(seed, epoch, "steps").permutation(len(steps))
    return [
        (steps[i].tolist(), speed[steps[i]].tolist(), silences[steps[i]].tolist()) for i in shuffled
    ]


@pytest.mark.parametrize("block", [7, 1000, 1 << 20])
@pytest.mark.parametrize("quiet", [0.0, 0.5])
def test_the_order_does_not_depend_on_how_it_is_computed(monkeypatch, block, quiet):
    monkeypatch.setattr(sampling, "BLOCK", block)
    durations = np.random.default_rng(3).gamma(4, 0.7, 3000).clip(0.5, 8).round(2)
    silence = SilenceConfig(quiet, (0.5, 2.0))
    sampler = BucketBatchSampler(durations, 30, SPEEDS, 5, 2, ranks=2, silence=silence)
    expected = plainly(durations, 30, SPEEDS, 5, 2, 2, silence)
    other = BucketBatchSampler(durations, 30, SPEEDS, 5, 2, ranks=2, rank=1, silence=silence)
    for step, first, second in zip(expected, sampler, other, strict=True):
        for wanted, ours, theirs in zip(
            step,
            (first.indices, first.speeds, first.silences),
            (second.indices, second.speeds, second.silences),
            strict=True,
        ):
            assert (wanted[::2], wanted[1::2]) == (ours, theirs)


@given(st.lists(st.sampled_from([-2.5, -1.0, 0.0, 1.0, 1.0 / 3]), max_size=60), st.integers(1, 9))
def test_keys_are_sorted_in_parts_as_at_once(keys, block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "BLOCK", block)
        order = stable_order(np.array(keys, float))
    assert order.tolist() == np.argsort(np.array(keys, float), kind="stable").tolist()


def test_pools_hold_every_utterance_once_and_few_tar_files_at_a_time():
    rng = np.random.default_rng(0)
    durations, tars = rng.uniform(1, 8, 500), rng.integers(10, size=500).astype(np.int32)
    chosen = np.sort(rng.integers(500, size=400))
    read = []

    def pooled(rank, epoch=3, start=0, chosen=None):
        make = partial(
            BucketBatchSampler, durations, 30, SPEEDS, 5, epoch, accumulate=2, rank=rank, ranks=2
        )
        return PooledBatchSampler(make, tars, 3, 5, epoch, start, chosen, read.extend)

    dealt = [list(pooled(rank)) for rank in range(2)]
    assert len(dealt[0]) == len(dealt[1]) == len(pooled(0))
    assert [micro.index for micro in dealt[0]] == list(range(len(dealt[0])))
    assert sorted(i for micros in dealt for micro in micros for i in micro.indices) == [*range(500)]
    pools = [pool.tolist() for pool in pooled(0).pools]
    order = []
    for micro in dealt[0]:
        (number,) = {n for i in micro.indices for n, pool in enumerate(pools) if tars[i] in pool}
        order.append(number)
    assert order == sorted(order) and set(order) == set(range(4))
    assert read[:6] == pools[0] + pools[1]
    assert list(pooled(0, start=17)) == dealt[0][17:]
    assert list(pooled(0, epoch=4)) != dealt[0]
    some = [i for rank in range(2) for m in pooled(rank, chosen=chosen) for i in m.indices]
    assert sorted(some) == chosen.tolist()
