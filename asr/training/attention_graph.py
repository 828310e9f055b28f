"""The ONNX graph of a decoder with attention: the scores of texts, given the encodings of one
utterance."""

import json
from collections.abc import Callable
from itertools import chain, islice

import numpy as np
import onnx
from onnx import TensorProto, helper

from asr.decoding.attention import METADATA, SCHEMA_VERSION
from asr.training.attention import END, REACH, AttentionDecoder
from asr.training.config import AttentionConfig
from asr.training.onnx_graph import Graph, halve
from asr.training.stack import Recurrent, stack_nodes

PREFIX = "decoder."
"""The prefix of the initialisers that are trained."""
Weight = Callable[[str], str]
"""Adds a weight of the decoder by its name, and returns the name of the value."""


def build_decoder_graph(decoder: AttentionDecoder, half: bool = False) -> onnx.ModelProto:
    """Build the ONNX graph of ``decoder``; if ``half``, from weights that are stored in half
    precision. :class:`asr.decoding.attention.AttentionScorer` reads it.

    Inputs: ``encodings`` (T, encoding_size) float32 of an utterance; ``labels`` (N, L) and
    ``lengths`` (N,) int64 of N texts. Output: ``scores`` (N,), the natural log-probability of each
    text and its end. What stands behind a length may be any symbol.
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
    embedded = graph.add("Gather", weight("embedding.weight"), previous)

    outputs = _spelled(graph, decoder, weight, embedded, texts)
    matrix = graph.add("Transpose", weight("output.weight"), perm=[1, 0])
    logits = graph.add("Add", graph.add("MatMul", outputs, matrix), weight("output.bias"))
    log_probs = graph.add("LogSoftmax", logits, axis=-1)
    last = graph.constant([2])
    targets = graph.add("Unsqueeze", targets, last)
    chosen = graph.add("GatherElements", log_probs, targets, axis=2)
    chosen = graph.add("Squeeze", chosen, last)
    chosen = graph.add("Mul", chosen, graph.add("Cast", counted, to=TensorProto.FLOAT))
    graph.add("ReduceSum", chosen, graph.constant([0]), keepdims=0, name="scores")

    size = decoder.attention.key.in_features
    proto = graph.model(
        "attention_decoder",
        inputs=[
            ("encodings", TensorProto.FLOAT, ["frames", size]),
            ("labels", TensorProto.INT64, ["texts", "places"]),
            ("lengths", TensorProto.INT64, ["texts"]),
        ],
        outputs=[("scores", TensorProto.FLOAT, ["texts"])],
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
    graph: Graph, decoder: AttentionDecoder, weight: Weight, embedded: str, texts: str
) -> str:
    """Add the steps of the decoder; return states and contexts (L + 1, N, hidden + encoding_size),
    joined, after each of the ``embedded`` symbols (L + 1, N, hidden)."""
    config, encoding_size = decoder.config, decoder.attention.key.in_features

    def zeros(*shape: str) -> str:
        return graph.add("ConstantOfShape", graph.add("Concat", *shape, axis=0))

    counts = [layer.definition.states for layer in decoder.layers if isinstance(layer, Recurrent)]
    state = zeros(graph.constant([1]), texts, graph.constant([config.hidden_size]))
    context = zeros(texts, graph.constant([encoding_size]))
    frames = graph.add("Unsqueeze", graph.size("encodings", 0), graph.constant([0]))
    before = zeros(texts, frames)
    one = graph.add("Expand", graph.constant([1], np.int32), texts)
    energies = _energies(graph, config, weight)

    def step(inner: Graph, states: list[str], inputs: list[str]) -> tuple[list[str], list[str]]:
        *recurrent, context, before = states
        x = inner.add("Concat", *inputs, context, axis=1)
        x = inner.add("Unsqueeze", x, inner.constant([0]))
        rest = iter(recurrent)
        layers = [list(islice(rest, count)) for count in counts]
        x, last = stack_nodes(inner, decoder, weight, x, one, layers)
        x = inner.add("Squeeze", x, inner.constant([0]))
        shares = inner.add("Softmax", energies(inner, x, before), axis=-1)
        context = inner.add("MatMul", shares, "encodings")
        output = inner.add("Concat", x, context, axis=1)
        return [*chain(*last), context, shares], [output]

    first = [state] * sum(counts)
    _, (outputs,) = graph.scan(step, [*first, context, before], [embedded], 1)
    return outputs


def _energies(
    graph: Graph, config: AttentionConfig, weight: Weight
) -> Callable[[Graph, str, str], str]:
    """Add what all steps have in common; return what adds the nodes of a step's energies (N, T) to
    a graph, from the states (N, hidden) and the weights (N, T) of the step before."""

    def transposed(name: str) -> str:
        return graph.add("Transpose", weight(f"attention.{name}.weight"), perm=[1, 0])

    keys = graph.add("MatMul", "encodings", transposed("key"))
    keys = graph.add("Add", keys, weight("attention.key.bias"))
    query_matrix = transposed("query")
    if config.kind == "dot":
        keys = graph.add("Transpose", keys, perm=[1, 0])
        scale = graph.constant(config.size**-0.5, np.float32)

        def product(inner: Graph, state: str, before: str) -> str:
            query = inner.add("Mul", inner.add("MatMul", state, query_matrix), scale)
            return inner.add("MatMul", query, keys)

        return product
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
