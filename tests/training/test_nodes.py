"""Training on several nodes equals training on one, and goes on with others when a node dies."""

import json
import signal
import subprocess
import time
from dataclasses import replace

import nodes
import pytest
import soundfile
from conftest import ROOT
from runs import log_rows, write_toml
from waiting import wait_for

from asr.data.manifest import Utterance, write_manifest
from asr.model.config import EncoderConfig
from asr.training import fit as training
from asr.training.config import AugmentConfig, Config, DataConfig, TrainingConfig
from asr.training.processes import Processes


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    """A configuration of three epochs, whose steps have six micro-batches."""
    folder = tmp_path_factory.mktemp("nodes")
    items = []
    for sample in sorted((ROOT / "samples").glob("*.wav"))[:8]:
        text = sample.with_suffix(".txt").read_text().strip()
        for copy in range(6):
            duration = soundfile.info(sample).duration
            items.append(Utterance(sample, duration, text, f"{sample.stem}-{copy}"))
    write_manifest(folder / "train.jsonl", items)
    manifest = str(folder / "train.jsonl")
    return Config(
        data=DataConfig(
            train=(manifest,), dev=(manifest,), max_duration=6.0, cache=str(folder / "cache")
        ),
        encoder=EncoderConfig(layers=1, hidden_size=16, channels=4, dropout=0.0),
        augment=AugmentConfig(frequency_masks=0, time_masks=0),
        training=TrainingConfig(
            epochs=3, batch_seconds=8.0, accumulate=6, accelerator="cpu", checkpoint_steps=1
        ),
    )


@pytest.fixture(scope="module")
def alone(options, tmp_path_factory):
    """The log of a run of one process."""
    folder = tmp_path_factory.mktemp("alone")
    training.fit(options, folder=folder)
    return log_rows(folder)


def assert_equal_logs(ours, theirs):
    """Assert that two logs differ by rounding alone."""
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        for key in a:
            assert float(a[key]) == pytest.approx(float(b[key]), rel=2e-4, abs=1e-6), key


def begin(made, options, folder, *flags, setting=""):
    """Start training with a process on each node."""
    toml = write_toml(folder / f"{len(made)}.toml", options)
    arguments = ["train", "--config", toml, *flags]
    return [
        nodes.start(node, rank, len(made), made[0], arguments, folder, setting)
        for rank, node in enumerate(made)
    ]


def ended(processes, seconds=250):
    """Return the (exit code, standard error) of processes once they have ended."""
    errors = []
    try:
        for one in processes:
            errors.append(one.communicate(timeout=seconds)[1])
    except subprocess.TimeoutExpired:
        errors += [nodes.kill(one, signal.SIGABRT) for one in processes[len(errors) :]]
        raise AssertionError("\n--- the next node ---\n".join(errors)) from None
    return [(one.returncode, told) for one, told in zip(processes, errors, strict=True)]


def spread(options, count):
    """Return a configuration with the same steps on so many processes."""
    return replace(options, training=replace(options.training, accumulate=6 // count))


def stopped(processes, mark):
    """Wait until a process has left a ``mark``, which none may end before."""
    try:
        wait_for(lambda: mark.exists() or any(one.poll() is not None for one in processes), 250)
        assert mark.exists(), "a process has ended"
    except AssertionError:
        for one in processes:
            nodes.kill(one)
        raise


# The last process stops in step 6 (from 0) until it is killed.
STOPPING = """
import os, time
from asr.training.module import CTCModule
step = CTCModule.training_step
def stop(self, batch, index):
    if self.global_step == 6 and os.environ["RANK"] == "2":
        open("here", "w").close()
        time.sleep(1000)
    return step(self, batch, index)
CTCModule.training_step = stop
from asr.training import watch
watch.IDLE, watch.INTERVAL, watch.PROBES = 1, 1, 2
"""


@pytest.mark.slow
def test_two_nodes_equal_one_process(options, alone, tmp_path):
    with nodes.nodes(2) as made:
        for code, errors in ended(begin(made, spread(options, 2), tmp_path)):
            assert code == 0, errors
    assert_equal_logs(log_rows(tmp_path / "runs" / "run"), alone)
    provenance = json.loads((tmp_path / "runs/run/model/model.json").read_text())["provenance"]
    assert "processes" not in provenance


@pytest.mark.slow
@pytest.mark.parametrize("death", ["killed", "unplugged"])
def test_a_node_that_dies_ends_the_run_which_goes_on_with_fewer(options, alone, tmp_path, death):
    with nodes.nodes(3) as made:
        if death == "unplugged" and not made[0].namespace:
            pytest.skip("needs network namespaces")
        processes = begin(made, spread(options, 3), tmp_path, setting=STOPPING)
        stopped(processes, tmp_path / "here")
        time.sleep(0.5)
        began = time.monotonic()
        if death == "killed":
            nodes.kill(processes[2])
        else:
            nodes.unplug(2)
        left = ended(processes[:2])
        assert time.monotonic() - began < 30
        for code, errors in left:
            (line,) = [line for line in errors.splitlines() if "is gone" in line]
            assert code == 1 and "Traceback" not in errors, errors
            assert line.startswith("error: node 2 (") and made[2].address in line
        if death == "unplugged":
            nodes.kill(processes[2])
            return
        for code, errors in ended(begin(made[:2], spread(options, 3), tmp_path, "--resume")):
            assert code == 0, errors
    assert_equal_logs(log_rows(tmp_path / "runs" / "run"), alone)
    change = {"epoch": 2, "devices": 1, "nodes": 2, "accumulate": 3}
    provenance = json.loads((tmp_path / "runs/run/model/model.json").read_text())["provenance"]
    (found,) = provenance["processes"]
    assert found.items() >= change.items()
    assert provenance["config"]["training"]["nodes"] == 3


def test_positions_are_counted_in_what_other_processes_take():
    three, two, four = Processes(1, 3, 2), Processes(1, 2, 3), Processes(2, 2, 1)
    assert two.micro_batch(three, 8) == 12  # four steps of six micro-batches
    assert four.micro_batch(three, 8) == 6  # of which six steps have four
    assert three.micro_batch(three, 8) == 8
    assert str(two) == "1 process on each of 2 nodes, 3 micro-batches each to a step"


# A process of the second node is killed in step 6 (from 0), but not again once it is started anew.
KILLED = """
import os, signal
from asr.training.module import CTCModule
step = CTCModule.training_step
def die(self, batch, index):
    first = os.environ["TORCHELASTIC_RESTART_COUNT"] == "0"
    if self.global_step == 6 and os.environ["RANK"] == "1" and first:
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, batch, index)
CTCModule.training_step = die
"""


@pytest.mark.slow
def test_torchrun_starts_a_run_again_that_has_lost_a_process(options, alone, tmp_path):
    toml = write_toml(tmp_path / "c.toml", spread(options, 2))
    arguments = ["train", "--config", toml, "--resume-if-begun"]
    with nodes.nodes(2) as made:
        processes = [nodes.torchrun(node, made[0], arguments, tmp_path, KILLED) for node in made]
        (code, errors), (_, others) = ended(processes)
    assert code == 0, errors
    for text in (errors, others):
        assert text.count(" is gone: its process 1 of 2 died. Go on with --resume") <= 1
    assert "is gone" in errors
    assert_equal_logs(log_rows(tmp_path / "runs" / "run"), alone)
