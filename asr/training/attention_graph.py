"""The ONNX graph of a decoder with attention: the scores of texts, given the encodings of one
utterance."""

import json
from collections.abc import Callable
from itertools import islice

import numpy as np
import onnx
from onnx import TensorProto, helper

from asr.decoding.attention import METADATA, SCHEMA_VERSION
from asr.training.attention import END, REACH, AttentionDecoder
from asr.training.config import AttentionConfig
from asr.training.onnx_graph import Graph, halve
from asr.training.stack import Recurrent

PREFIX = "decoder."
"""The prefix of the initialisers that are trained."""
Weight = Callable[[str], str]
"""Adds a weight of the decoder by its name, and returns the name of the value."""


def build_decoder_graph(decoder: AttentionDecoder, half: bool = False) -> onnx.ModelProto:
    """Build the ONNX graph of ``decoder``; if ``half``, from weights that are stored in half
    precision. :class:`asr.decoding.attention.AttentionScorer` reads it.

    Inputs: ``encodings`` (T, encoding_size) float32 of an utterance; ``labels`` (N, L) and
    ``lengths`` (N,) int64 of N texts. Output: ``scores`` (N,), the natural log-probability of each
    text and its end, and ``weights`` (N, L + 1, T), those of the frames for each symbol and the
    end. What stands behind a length may be any symbol.
    """
    weights = {name: value.detach().cpu().numpy() for name, value in decoder.state_dict().items()}
    graph = Graph()

    def weight(name: str) -> str:
        return graph.weight(PREFIX + name, weights[name])

    # (N, L) -> (L + 1, N): what stands before each place, and what is to be predicted there.
    labels = graph.add("Transpose", "labels", perm=[1, 0])
    texts = graph.add("Shape", "lengths")
    ends = graph.add("Concat", graph.constant([1]), texts, axis=0)
    ends = graph.add("Expand", graph.constant([[END]]), ends)
    previous = graph.add("Concat", ends, labels, axis=0)
    places = graph.add("Range", graph.constant(0), graph.size(previous, 0), graph.constant(1))
    places = graph.add("Unsqueeze", places, graph.constant([1]))
    inside = graph.add("Less", places, "lengths")
    targets = graph.add("Concat", labels, ends, axis=0)
    targets = graph.add("Where", inside, targets, graph.constant(END))
    counted = graph.add("LessOrEqual", places, "lengths")
    logits, shares = _spelled(graph, decoder, weight, previous, texts)
    log_probs = graph.add("LogSoftmax", logits, axis=-1)
    last = graph.constant([2])
    targets = graph.add("Unsqueeze", targets, last)
    chosen = graph.add("GatherElements", log_probs, targets, axis=2)
    chosen = graph.add("Squeeze", chosen, last)
    chosen = graph.add("Mul", chosen, graph.add("Cast", counted, to=TensorProto.FLOAT))
    graph.add("ReduceSum", chosen, graph.constant([0]), keepdims=0, name="scores")
    graph.add("Transpose", shares, perm=[1, 0, 2], name="weights")

    size = decoder.attention.key.in_features
    proto = graph.model(
        "attention_decoder",
        inputs=[
            ("encodings", TensorProto.FLOAT, ["frames", size]),
            ("labels", TensorProto.INT64, ["texts", "places"]),
            ("lengths", TensorProto.INT64, ["texts"]),
        ],
        outputs=[
            ("scores", TensorProto.FLOAT, ["texts"]),
            ("weights", TensorProto.FLOAT, ["texts", "symbols", "frames"]),
        ],
    )
    if half:
        halve(proto, PREFIX)
    config = decoder.config
    description = {
        "schema_version": SCHEMA_VERSION,
        "kind": config.kind,
        "cell": config.cell,
        "symbols": len(weights["embedding.weight"]),
    }
    helper.set_model_props(proto, {METADATA: json.dumps(description)})
    return proto


def _spelled(
    graph: Graph, decoder: AttentionDecoder, weight: Weight, previous: str, texts: str
) -> tuple[str, str]:
    """Add the steps of the decoder; return the logits (L + 1, N, V) after each of the ``previous``
    symbols (L + 1, N), and the weights of the frames (L + 1, N, T).

    A context is a mean of encodings, and what multiplies it is linear. So encodings are multiplied
    before the first step, once for all texts, and a step takes means of the products: that is half
    of the work of a step, and less the shorter the utterance.
    """
    config = decoder.config
    layers = [layer for layer in decoder.layers if isinstance(layer, Recurrent)]
    weights = [
        {kind: weight(f"layers.{index}.cell.{kind}_l0") for kind in layer.kinds}
        for index, layer in enumerate(layers)
    ]

    norms = [
        [weight(f"norms.{index}.{part}") for part in ("weight", "bias")]
        for index in range(len(layers))
    ]

    def divided(name: str) -> tuple[str, str]:
        """Return the parts (hidden, …) and (encoding_size, …) of a matrix, transposed."""
        matrix = graph.add("Transpose", name, perm=[1, 0])
        sizes = graph.constant([config.hidden_size, decoder.attention.key.in_features])
        first, second = graph.add_many("Split", 2, matrix, sizes, axis=0)
        return first, second

    of_symbol, of_context = divided(weights[0]["weight_ih"])
    symbols = graph.add("MatMul", weight("embedding.weight"), of_symbol)
    symbols = graph.add("Add", symbols, weights[0]["bias_ih"])
    embedded = graph.add("Gather", symbols, previous)
    heard = graph.add("MatMul", "encodings", of_context)
    energies = _energies(graph, config, weight)

    def step(inner: Graph, states: list[str], inputs: list[str]) -> tuple[list[str], list[str]]:
        *recurrent, before = states
        rest, after = iter(recurrent), list[str]()
        product = inner.add("Add", *inputs, inner.add("MatMul", before, heard))
        for index, layer in enumerate(layers):
            own = list(islice(rest, layer.definition.states))
            own = layer.definition.step_nodes(inner, product, own, weights[index])
            after += own
            x = inner.add("LayerNormalization", own[0], *norms[index], axis=-1, epsilon=1e-5)
            if index + 1 < len(layers):
                above = weights[index + 1]
                product = inner.add("Gemm", x, above["weight_ih"], above["bias_ih"], transB=1)
        shares = inner.add("Softmax", energies(inner, x, before), axis=-1)
        return [*after, shares], [x, inner.add("Identity", shares)]

    def zeros(width: str) -> str:
        shape = graph.add("Concat", texts, width, axis=0)
        return graph.add("ConstantOfShape", shape)

    state = zeros(graph.constant([config.hidden_size]))
    before = zeros(graph.add("Unsqueeze", graph.size("encodings", 0), graph.constant([0])))
    count = sum(layer.definition.states for layer in layers)
    _, (states, shares) = graph.scan(step, [*[state] * count, before], [embedded], 2)
    of_state, of_context = divided(weight("output.weight"))
    said = graph.add("MatMul", "encodings", of_context)
    logits = graph.add("Add", graph.add("MatMul", states, of_state), weight("output.bias"))
    return graph.add("Add", logits, graph.add("MatMul", shares, said)), shares


def _energies(
    graph: Graph, config: AttentionConfig, weight: Weight
) -> Callable[[Graph, str, str], str]:
    """Add what all steps have in common; return what adds the nodes of a step's energies (N, T) to
    a graph, from the states (N, hidden) and the weights (N, T) of the step before."""

    def transposed(name: str) -> str:
        return graph.add("Transpose", weight(f"attention.{name}.weight"), perm=[1, 0])

    keys = graph.add("MatMul", "encodings", transposed("key"))
    keys = graph.add("Add", keys, weight("attention.key.bias"))
    if config.kind == "dot":
        # The product of two projections, one of which is multiplied beforehand.
        keys = graph.add("MatMul", keys, weight("attention.query.weight"))
        keys = graph.add("Mul", keys, graph.constant(config.size**-0.5, np.float32))
        keys = graph.add("Transpose", keys, perm=[1, 0])
        return lambda inner, state, before: inner.add("MatMul", state, keys)
    query_matrix = transposed("query")
    energy_matrix = transposed("energy")
    if located := config.kind == "location":
        filters, location_matrix = weight("attention.filters.weight"), transposed("location")

    def additive(inner: Graph, state: str, before: str) -> str:
        query = inner.add("MatMul", state, query_matrix)
        terms = inner.add("Add", inner.add("Unsqueeze", query, inner.constant([1])), keys)
        if located:
            seen = inner.add("Unsqueeze", before, inner.constant([1]))
            seen = inner.add("Conv", seen, filters, pads=[REACH, REACH])
            seen = inner.add("Transpose", seen, perm=[0, 2, 1])
            terms = inner.add("Add", terms, inner.add("MatMul", seen, location_matrix))
        energies = inner.add("MatMul", inner.add("Tanh", terms), energy_matrix)
        return inner.add("Squeeze", energies, inner.constant([2]))

    return additive
