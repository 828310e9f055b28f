"""Export of a trained model to the ONNX graphs of a model directory, and import of its weights."""

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import TensorProto, numpy_helper

from asr.decoding.attention import METADATA
from asr.errors import ModelError
from asr.model.directory import ATTENTION, GRAPH, ModelInfo, read_model
from asr.model.normalization import EPSILON
from asr.model.parts import ENCODINGS
from asr.text import Vocabulary
from asr.training.attention import AttentionDecoder
from asr.training.attention_graph import PREFIX
from asr.training.cells import cell_names, load_cell
from asr.training.cells.base import torch_weights
from asr.training.model import AcousticModel, Encoder
from asr.training.onnx_graph import HALF, Graph, Shape, halve
from asr.training.pyramid import pair_nodes, spread_nodes
from asr.training.stack import stack_nodes

WEIGHTS = "encoder."
"""The prefix of the initialisers that are trained; the others are constants of the graph."""

MEL_FILTERS = "log_mel.mel.mel_scale.fb"
"""The name of the mel filters among the values of a torch model."""

INPUTS: list[tuple[str, int, Shape]] = [
    ("waveforms", TensorProto.FLOAT, ["batch", "samples"]),
    ("lengths", TensorProto.INT64, ["batch"]),
]

OUTPUTS = (f"{WEIGHTS}output.weight", f"{WEIGHTS}output.bias")
SYMBOLS = tuple(PREFIX + name for name in ("embedding.weight", "output.weight", "output.bias"))
"""The weights that have a row for each symbol, in the network and in a decoder."""


def read_weights(folder: str | Path) -> dict[str, torch.Tensor]:
    """Read the trained parameters of a model directory, under their torch names.

    Raises:
        ModelError: the directory is not sound.
    """
    cell = read_model(folder).encoder.cell
    return _read(onnx.load(str(Path(folder) / GRAPH)), cell, WEIGHTS)


def read_decoder_weights(folder: str | Path) -> dict[str, torch.Tensor]:
    """Read the trained parameters of a model directory's decoder under their torch names, which
    begin with ``decoder.``; there are none without a decoder.

    Raises:
        ModelError: the directory is not sound.
    """
    if ATTENTION not in read_model(folder).files:
        return {}
    proto = onnx.load(str(Path(folder) / ATTENTION))
    description = {item.key: item.value for item in proto.metadata_props}[METADATA]
    return _read(proto, json.loads(description)["cell"], PREFIX)


def _read(proto: onnx.ModelProto, cell: str, prefix: str) -> dict[str, torch.Tensor]:
    order = load_cell(cell).order if cell in cell_names() else ()
    return {
        name: torch.from_numpy(value.copy())
        for item in proto.graph.initializer
        if item.name.startswith(prefix)
        for name, value in torch_weights(*_single(item), order).items()
    }


def _single(item: onnx.TensorProto) -> tuple[str, npt.NDArray[Any]]:
    """Return the name and the value of a weight that may be stored in half precision."""
    value = numpy_helper.to_array(item)
    return item.name.removesuffix(HALF), value.astype(np.float32, copy=False)


def load_weights(folder: str | Path, model: AcousticModel, vocabulary: Vocabulary) -> None:
    """Put all weights of a model directory into ``model``.

    Raises:
        ModelError: the directory has another vocabulary or another architecture.
    """
    if left_out := start_from(folder, model, vocabulary):
        raise ModelError(f"{folder}: does not fit the model: {left_out[0]}")


def start_from(folder: str | Path, model: AcousticModel, vocabulary: Vocabulary) -> list[str]:
    """Put those weights of a model directory that fit into ``model``; return a line for each other.

    The outputs of symbols that both vocabularies have are taken over, whatever their places.

    Raises:
        ModelError: the directory is not sound, or none of its weights below the outputs fits.
    """
    info = read_model(folder)
    weights = read_weights(folder)
    if not any(name.startswith(f"{WEIGHTS}front.convolutions.") for name in weights):
        raise ModelError(
            f"{folder}: its network joins frames where others have convolutions, which only ONNX "
            "Runtime still computes: recognise with it on the CPU, and train from another model"
        )
    left_out = [
        f"the output of {token!r}: no such symbol in {which}"
        for tokens, others, which in (
            (vocabulary.tokens, info.vocabulary.tokens, "the model"),
            (info.vocabulary.tokens, vocabulary.tokens, "the run"),
        )
        for token in tokens
        if token not in others
    ]
    state = model.state_dict()
    own = {name: value for name, value in state.items() if name.startswith(WEIGHTS)}
    taken, missing = _take(own, weights, OUTPUTS, _rows(vocabulary, info.vocabulary))
    left_out += missing
    if not taken - {*OUTPUTS}:
        raise ModelError(
            f"{folder}: none of its weights fits the configuration; take the section [encoder] of "
            "its model.json"
        )
    model.load_state_dict(state | own)
    return left_out


def start_decoder_from(
    folder: str | Path, decoder: AttentionDecoder | None, vocabulary: Vocabulary
) -> list[str]:
    """Put those weights of a model directory's decoder that fit into ``decoder``; return a line for
    each other, or one if there is a decoder on one side alone.

    Raises:
        ModelError: the directory is not sound.
    """
    weights = read_decoder_weights(folder)
    if decoder is None:
        return ["its decoder: not in the run"] if weights else []
    if not weights:
        return ["a decoder: not in the model, so that it learns from the beginning"]
    own = {PREFIX + name: value for name, value in decoder.state_dict().items()}
    rows = _rows(vocabulary, read_model(folder).vocabulary)
    _, left_out = _take(own, weights, SYMBOLS, rows)
    decoder.load_state_dict({name.removeprefix(PREFIX): value for name, value in own.items()})
    return left_out


def _rows(ours: Vocabulary, theirs: Vocabulary) -> list[tuple[int, int]]:
    """Return the places of each symbol that two vocabularies have in common."""
    return [
        (index, theirs.tokens.index(token))
        for index, token in enumerate(ours.tokens)
        if token in theirs.tokens
    ]


def _take(
    own: dict[str, torch.Tensor],
    given: dict[str, torch.Tensor],
    by_symbol: Collection[str],
    rows: Sequence[tuple[int, int]],
) -> tuple[set[str], list[str]]:
    """Put those of the weights ``given`` that fit in place of one's ``own``, of those
    ``by_symbol`` the ``rows`` that both have; return the names of those that were taken, and a line
    for each other."""
    taken, left_out = set[str](), list[str]()
    for name, value in own.items():
        other = given.get(name)
        if other is not None and name in by_symbol and other.shape[1:] == value.shape[1:]:
            for ours, theirs in rows:
                value[ours] = other[theirs]
        elif other is not None and other.shape == value.shape:
            own[name] = other
        else:
            theirs_shape = "not in the model" if other is None else f"{tuple(other.shape)} there"
            left_out.append(f"{name}: {tuple(value.shape)} here, {theirs_shape}")
            continue
        taken.add(name)
    return taken, left_out + [f"{name}: not in the run" for name in given if name not in own]


def build_graph(
    model: AcousticModel, info: ModelInfo, half: bool = False, encodings: bool = False
) -> onnx.ModelProto:
    """Build the ONNX graph that computes what ``model`` computes; if ``half``, from weights that
    are stored in half precision.

    Inputs: ``waveforms`` (B, samples) float32, zero behind each length; ``lengths`` (B,) int64;
    optionally ``statistics`` (B, 2, num_mels), mean and variance by which the log-mel features are
    normalised; without them, by those of the whole waveform. Outputs: ``log_probs`` (B, frames, V),
    ``frame_lengths`` (B,), the ``used_statistics`` and, if wanted, the ``encodings`` (B, frames,
    E), of no meaning behind each length.
    """
    weights = {name: value.detach().cpu().numpy() for name, value in model.state_dict().items()}
    graph = Graph()
    features, lengths = _features(graph, info, weights[MEL_FILTERS])
    hidden, lengths = _encoder(graph, model.encoder, weights, features, lengths, encodings)
    graph.add("Identity", lengths, name="frame_lengths")
    graph.add("Identity", hidden, name="log_probs")

    mels, size = info.features.num_mels, len(info.vocabulary)
    outputs: list[tuple[str, int, Shape]] = [
        ("log_probs", TensorProto.FLOAT, ["batch", "frames", size]),
        ("frame_lengths", TensorProto.INT64, ["batch"]),
        ("used_statistics", TensorProto.FLOAT, ["batch", 2, mels]),
    ]
    if encodings:
        width = model.encoder.encoding_size
        outputs.append((ENCODINGS, TensorProto.FLOAT, ["batch", "frames", width]))
    proto = graph.model(
        "acoustic_model",
        inputs=[*INPUTS, ("statistics", TensorProto.FLOAT, ["statistics_batch", 2, mels])],
        outputs=outputs,
    )
    if half:
        halve(proto, WEIGHTS)
    return proto


def _features(graph: Graph, info: ModelInfo, mel_filters: npt.NDArray[Any]) -> tuple[str, str]:
    """Add the log-mel features, normalised by the statistics that are given or by their own."""
    log_mel, lengths = _log_mel(graph, info, mel_filters)
    mask = _feature_mask(graph, log_mel, lengths)
    own = _statistics(graph, log_mel, lengths, mask)
    # The input has a default: NaN means that no statistics were given.
    graph.weight("statistics", np.full((1, 2, info.features.num_mels), np.nan, np.float32))
    used = graph.add(
        "Where", graph.add("IsNaN", "statistics"), own, "statistics", name="used_statistics"
    )
    time = graph.constant([1])
    mean = graph.add("Slice", used, graph.constant([0]), graph.constant([1]), time)
    variance = graph.add("Slice", used, graph.constant([1]), graph.constant([2]), time)
    deviation = graph.add("Add", variance, graph.constant(EPSILON, np.float32))
    deviation = graph.add("Sqrt", deviation)
    centred = graph.add("Mul", graph.add("Sub", log_mel, mean), mask)
    return graph.add("Div", centred, deviation), lengths


def _log_mel(graph: Graph, info: ModelInfo, mel_filters: npt.NDArray[Any]) -> tuple[str, str]:
    """Add log-mel features (B, frames, num_mels) and their lengths (B,): a windowed DFT as a
    convolution, then mel filters."""
    config = info.features
    half = config.window_length // 2
    waves = graph.add("Unsqueeze", "waveforms", graph.constant([1]))
    dft = graph.weight("features.dft", windowed_dft(config.window_length, config.n_fft))
    spectrum = graph.add(
        "Conv", waves, dft, strides=[config.hop_length], pads=[half, half], name="spectrum"
    )
    squares = graph.add("Mul", spectrum, spectrum)
    filters = np.concatenate([mel_filters, mel_filters]).T
    mel = graph.weight("features.mel_filters", filters.astype(np.float32))
    energies = graph.add("MatMul", mel, squares)
    floor = graph.constant(config.log_floor, np.float32)
    log_mel = graph.add("Log", graph.add("Clip", energies, floor))
    log_mel = graph.add("Transpose", log_mel, perm=[0, 2, 1])
    hops = graph.add("Div", "lengths", graph.constant(config.hop_length))
    return log_mel, graph.add("Add", hops, graph.constant(1))


def _feature_mask(graph: Graph, log_mel: str, lengths: str) -> str:
    """Add a mask (B, frames, 1): one where a frame exists."""
    mask = graph.mask(lengths, graph.size(log_mel, 1))
    return graph.add("Unsqueeze", mask, graph.constant([2]))


def _statistics(graph: Graph, log_mel: str, lengths: str, mask: str) -> str:
    """Add mean and variance (B, 2, num_mels) over the frames that exist."""
    count = graph.add("Cast", lengths, to=TensorProto.FLOAT)
    count = graph.add("Unsqueeze", count, graph.constant([1, 2]))
    time = graph.constant([1])

    def masked_mean(values: str) -> str:
        return graph.add("Div", graph.add("ReduceSum", values, time, keepdims=1), count)

    mean = masked_mean(graph.add("Mul", log_mel, mask))
    centred = graph.add("Mul", graph.add("Sub", log_mel, mean), mask)
    variance = masked_mean(graph.add("Mul", centred, centred))
    return graph.add("Concat", mean, variance, axis=1, name="own_statistics")


def windowed_dft(window_length: int, n_fft: int) -> npt.NDArray[np.float32]:
    """Return the real and imaginary rows of a DFT of ``n_fft`` points under a periodic Hann window.

    Shape: (2 * (n_fft // 2 + 1), 1, window_length); the window is centred in the ``n_fft`` points,
    which changes the phase alone.
    """
    time = np.arange(window_length)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * time / window_length)
    angle = 2 * np.pi * np.outer(np.arange(n_fft // 2 + 1), time) / n_fft
    rows = np.concatenate([np.cos(angle), -np.sin(angle)]) * window
    return rows[:, None].astype(np.float32)


def _encoder(
    graph: Graph,
    encoder: Encoder,
    weights: dict[str, Any],
    features: str,
    lengths: str,
    encodings: bool,
) -> tuple[str, str]:
    """Add the front, the padding, the recurrent layers (time first), and the output layer; return
    log-probabilities (B, frames, V) and their lengths (B,). If wanted, add the ``encodings``."""

    def weight(name: str) -> str:
        return graph.weight(WEIGHTS + name, weights[WEIGHTS + name])

    config = encoder.config
    hidden = graph.add("Unsqueeze", features, graph.constant([1]))
    for index in range(config.reduction.bit_length() - 1):
        name = f"front.convolutions.{index}"
        hidden = graph.add(
            "Conv",
            hidden,
            weight(f"{name}.weight"),
            weight(f"{name}.bias"),
            strides=[2, 2],
            pads=[1, 1, 1, 1],
        )
        hidden = graph.add("Relu", hidden)
        lengths = graph.ceil_divide(lengths, 2)
        mask = graph.mask(lengths, graph.size(hidden, 2))
        mask = graph.add("Unsqueeze", mask, graph.constant([1, 3]))
        hidden = graph.add("Mul", hidden, mask)
    hidden = graph.add("Transpose", hidden, perm=[0, 2, 1, 3])
    hidden = graph.add("Reshape", hidden, graph.constant([0, 0, encoder.front.output_size]))
    if config.padding:
        edge = config.padding
        hidden = graph.add("Pad", hidden, graph.constant([0, edge, 0, 0, edge, 0]))
        lengths = graph.add("Add", lengths, graph.constant(2 * edge))
    hidden = graph.add("Transpose", hidden, perm=[1, 0, 2])
    steps = graph.add("Cast", lengths, to=TensorProto.INT32)
    hidden, _ = stack_nodes(graph, encoder, weight, hidden, steps)
    matrix = graph.add("Transpose", weight("output.weight"), perm=[1, 0])
    logits = graph.add("Add", graph.add("MatMul", hidden, matrix), weight("output.bias"))
    if encoder.top is not None:
        above, top = pair_nodes(
            graph, encoder.top, lambda name: weight(f"top.{name}"), hidden, lengths
        )
        if encodings:
            hidden = spread_nodes(graph, top, hidden, encoder.encoding_size)
        logits = graph.add("Add", logits, above)
    log_probs = graph.add("LogSoftmax", logits, axis=-1)
    if encodings:
        graph.add("Transpose", hidden, perm=[1, 0, 2], name=ENCODINGS)
    return graph.add("Transpose", log_probs, perm=[1, 0, 2]), lengths
