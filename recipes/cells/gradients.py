"""Measure how far a frame's gradient reaches back in time in each cell, untrained and trained.

    python recipes/cells/gradients.py

The script needs the run folders of study.py, and writes ``gradients.json`` and ``gradients.png``
beside this file. It measures the derivative of the last state h_T with respect to the whole state
k frames earlier (h, and the LSTM's memory beside it), relative to k = 0, in random directions v:

    sqrt(E_v |d (v · h_T) / d s_{T-k}|²) / sqrt(E_v |v|²),   v from a normal distribution

This estimates the Frobenius norm of that Jacobian (Bengio et al. 1994; Pascanu et al. 2013,
section 2). The sequences are the inputs of each layer of the networks of one direction, for the
first ``FRAMES`` frames of every development utterance that is longer. The value of a lag is the
median over utterances and layers.
"""

import argparse
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from study import CELLS, DATA, HERE, Run, study
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor, nn

from asr.audio.read import read_audio
from asr.data.manifest import read_manifest
from asr.errors import AsrError, DataError
from asr.files import write_atomically
from asr.text import Vocabulary
from asr.training.config import Config, load_config
from asr.training.export import load_weights
from asr.training.model import AcousticModel

FRAMES = 75  # 3 s, as a frame lasts 40 ms
DIRECTIONS = 16
SCALES = (1.0, 2.0, 3.0, 4.0)
"""Factors on the initial recurrent weights of the vanilla RNN."""
STEPS: dict[str, type[nn.RNNCellBase]] = {"rnn": nn.RNNCell, "lstm": nn.LSTMCell, "gru": nn.GRUCell}
COLORS = {"rnn": "tab:red", "lstm": "tab:blue", "gru": "tab:green"}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.parse_args(arguments)
    try:
        values = measure(load_config(HERE / "config.toml"), DATA / "dev.jsonl")
    except AsrError as error:
        sys.exit(f"error: {error}")
    write_atomically(HERE / "gradients.json", json.dumps(values, indent=1) + "\n")
    plot(values, HERE / "gradients.png")


def measure(base: Config, manifest: Path) -> dict[str, Any]:
    """Measure all networks, and return the values of ``gradients.json``.

    Raises:
        DataError: the manifest cannot be used, or a run is missing.
    """
    waveforms = [
        read_audio(item.audio, base.features.sample_rate).samples
        for item in read_manifest(manifest)
    ]
    values: dict[str, Any] = {"frame_seconds": 0.04, "reach": {}, "scaled": {}, "steps": {}}
    runs = [run for run in study(base) if run.seed == 1 and not run.bidirectional]
    for run in runs:
        if run.hidden_size != base.encoder.hidden_size:
            continue
        if not (run.folder / "model").exists():
            raise DataError(f"{run.folder} holds no finished run; call recipes/cells/study.py")
        when = "clipped" if run.clipped else "unclipped"
        network = network_of(run, base)
        load_weights(run.folder / "model", network, vocabulary_of(base))
        values["reach"].setdefault(when, {})[run.cell] = reach(network, waveforms, run.cell)
        values["steps"].setdefault(when, {})[run.cell] = step_norms(run, base.training.epochs)
        if run.clipped:
            network = network_of(run, base)
            values["reach"].setdefault("initial", {})[run.cell] = reach(
                network, waveforms, run.cell
            )
        if run.clipped and run.cell == "rnn":
            for scale in SCALES:
                network = network_of(run, base)
                for layer in network.encoder.layers:
                    layer.cell.weight_hh_l0.data.mul_(scale)
                values["scaled"][f"{scale:g}"] = reach(network, waveforms, run.cell)
    return values


def vocabulary_of(config: Config) -> Vocabulary:
    """Return the symbols of the study."""
    return Vocabulary.from_characters(config.data.characters)


def network_of(run: Run, base: Config) -> AcousticModel:
    """Return the network of a run as it was before training."""
    config = load_config(HERE / "config.toml", run.settings)
    torch.manual_seed(config.seed)
    network = AcousticModel(config.features, config.encoder, len(vocabulary_of(base)))
    return network.eval()


def reach(
    network: AcousticModel, waveforms: list[npt.NDArray[np.float32]], cell: str
) -> list[float]:
    """Return the relative norms by lag (``FRAMES``,), the medians over utterances and layers."""
    norms = []
    for inputs, layer in layer_inputs(network, waveforms):
        step = STEPS[cell](layer.input_size, layer.hidden_size)
        step.load_state_dict(
            {name.removesuffix("_l0"): value for name, value in layer.state_dict().items()}
        )
        norms.append(lags(step, inputs))
    return [float(value) for value in np.median(np.concatenate(norms), axis=0)]


def layer_inputs(
    network: AcousticModel, waveforms: list[npt.NDArray[np.float32]]
) -> list[tuple[Tensor, nn.RNNBase]]:
    """Return the inputs (utterances, ``FRAMES``, input) of each layer, and its cell.

    Utterances of ``FRAMES`` frames or fewer are left out.
    """
    heard: list[list[Tensor]] = [[] for _ in network.encoder.layers]
    hooks = [
        layer.register_forward_hook(lambda _, args, __, kept=kept: kept.append(args[0][0, :FRAMES]))
        for layer, kept in zip(network.encoder.layers, heard, strict=True)
    ]
    with torch.no_grad():
        for samples in waveforms:
            if network.encoder.config.num_frames(len(samples) // 160) > FRAMES:
                network(torch.from_numpy(samples)[None], torch.tensor([len(samples)]))
    for hook in hooks:
        hook.remove()
    return [
        (torch.stack(kept), layer.cell)
        for kept, layer in zip(heard, network.encoder.layers, strict=True)
    ]


def lags(
    step: nn.RNNCellBase, inputs: Tensor, directions: int = DIRECTIONS
) -> npt.NDArray[np.float64]:
    """Return the relative norms (utterances, frames) of a cell, by utterance and lag.

    ``inputs`` (utterances, frames, input) are what the cell hears.
    """
    utterances = len(inputs)
    parts = 2 if isinstance(step, nn.LSTMCell) else 1
    state = [torch.zeros(utterances, step.hidden_size, requires_grad=True) for _ in range(parts)]
    states = []
    for frame in inputs.unbind(1):
        # The derivative is one with respect to these copies, which alone enter the step.
        state = [part.clone() for part in state]
        states.append(state)
        result = step(frame, state if parts == 2 else state[0])
        state = list(result) if parts == 2 else [result]
    squares = np.zeros((utterances, len(states)))
    generator = torch.Generator().manual_seed(0)
    for _ in range(directions):
        v = torch.randn(utterances, step.hidden_size, generator=generator)
        flat = [part for parts_of in states for part in parts_of]
        gradients = torch.autograd.grad(state[0], flat, v, retain_graph=True)
        norms = [gradient.double().square().sum(1).numpy() for gradient in gradients]
        grouped = np.array(norms).reshape(len(states), parts, utterances).sum(1)
        squares += grouped.T
    # What enters step T - k + 1 is what leaves step T - k, so the last norm is that of lag 1.
    relative = np.sqrt(squares[:, ::-1] / (directions * step.hidden_size))
    return np.concatenate([np.ones((utterances, 1)), relative[:, :-1]], axis=1)


def step_norms(run: Run, epochs: int) -> list[list[float]]:
    """Return the median and largest gradient norm of the steps of each epoch, before clipping."""
    events = EventAccumulator(str(run.folder / "tensorboard"), {"scalars": 0})
    events.Reload()
    norms = np.array([event.value for event in events.Scalars("train/gradient_norm")])
    return [
        [float(value) for value in np.quantile(part, [0.5, 1])]
        for part in np.array_split(norms, epochs)
    ]


def plot(values: dict[str, Any], path: Path) -> None:
    """Draw the values in four panels, and write them to ``path`` as a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 8), layout="constrained")
    (initial, trained), (scaled, steps) = figure.subplots(2, 2)
    seconds = np.arange(FRAMES) * values["frame_seconds"]
    for cell in CELLS:
        color = COLORS[cell]
        initial.plot(seconds, values["reach"]["initial"][cell], color=color, label=cell.upper())
        for when, line in (("clipped", "-"), ("unclipped", ":")):
            trained.plot(seconds, values["reach"][when][cell], line, color=color)
            largest = np.array(values["steps"][when][cell])[:, 1]
            steps.plot(np.arange(1, len(largest) + 1), largest, line, color=color)
    for scale, norms in values["scaled"].items():
        scaled.plot(seconds, norms, label=f"× {scale}")
    initial.set_title("before training")
    trained.set_title("after training (dotted: without clipping)")
    scaled.set_title("RNN before training, recurrent weights scaled")
    steps.set_title("largest gradient of an epoch (dotted: without clipping)")
    steps.set(xlabel="epoch", ylabel="norm over all weights, before clipping", yscale="log")
    for axes in (initial, trained, scaled):
        axes.set(xlabel="lag (s)", ylabel="gradient, relative to lag 0", yscale="log")
        axes.set_ylim(1e-9, 1e3)
    initial.legend()
    scaled.legend()
    for axes in (initial, trained, scaled, steps):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=100)
    write_atomically(path, data.getvalue())


if __name__ == "__main__":
    main()
