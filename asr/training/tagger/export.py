"""The ONNX file of a tagger."""

import json
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from asr.display.features import WIDTH
from asr.display.tagger import METADATA, SCHEMA_VERSION
from asr.display.written import CASES, MARKS
from asr.training.onnx_graph import Graph, halve
from asr.training.stack import stack_nodes
from asr.training.tagger.config import TaggerConfig
from asr.training.tagger.data import Texts
from asr.training.tagger.model import TaggerModel


def to_onnx(
    model: TaggerModel, config: TaggerConfig, texts: Texts, provenance: dict[str, Any]
) -> bytes:
    """Return the ONNX file of ``model`` and its words.

    :class:`asr.display.tagger.Tagger` reads it. Embeddings are stored in 8 bits with a scale for
    each row, the weights of the recurrent layers in 16.

    Inputs, all int64: ``features`` (V, WIDTH), the rows of V words, and for B sequences of them
    ``words`` (B, T), ``pauses`` (B, T) and ``lengths`` (B,). Outputs: ``marks`` (B, T, marks) and
    ``cases`` (B, T, cases), log-probabilities of no meaning behind each length.
    """
    weights = {name: value.detach().cpu().numpy() for name, value in model.state_dict().items()}
    graph = Graph()

    def weight(name: str) -> str:
        return graph.weight(name, weights[name])

    scales = np.abs(weights["embedding"]).max(axis=1, keepdims=True) / 127
    table = np.round(weights["embedding"] / np.maximum(scales, 1e-12)).astype(np.int8)
    table[0] = 0
    rows = graph.add("Gather", graph.weight("embedding", table), "features")
    rows = graph.add("Cast", rows, to=TensorProto.FLOAT)
    factors = graph.weight("embedding_scales", scales.astype(np.float32))
    factors = graph.add("Transpose", graph.add("Gather", factors, "features"), perm=[0, 2, 1])
    words = graph.add("Squeeze", graph.add("MatMul", factors, rows), graph.constant([1]))
    norm = weight("norm.weight"), weight("norm.bias")
    words = graph.add("LayerNormalization", words, *norm, axis=-1, epsilon=1e-5)
    # Recurrent layers take the time before the batch.
    places, classes = (graph.add("Transpose", name, perm=[1, 0]) for name in ("words", "pauses"))
    pauses = graph.add("Gather", graph.weight("pause_embeddings", weights["pauses"]), classes)
    hidden = graph.add("Add", graph.add("Gather", words, places), pauses)
    steps = graph.add("Cast", "lengths", to=TensorProto.INT32)
    hidden, _ = stack_nodes(graph, model, weight, hidden, steps)
    matrix = graph.add("Transpose", weight("output.weight"), perm=[1, 0])
    logits = graph.add("Add", graph.add("MatMul", hidden, matrix), weight("output.bias"))
    logits = graph.add("Transpose", logits, perm=[1, 0, 2])
    parts = {"marks": (0, len(MARKS)), "cases": (len(MARKS), len(MARKS) + len(CASES))}
    for name, (first, last) in parts.items():
        bounds = graph.constant([first]), graph.constant([last]), graph.constant([2])
        graph.add("LogSoftmax", graph.add("Slice", logits, *bounds), name=name, axis=-1)
    axes: list[str | int] = ["batch", "length"]
    proto = graph.model(
        "tagger",
        inputs=[
            ("features", TensorProto.INT64, ["distinct", WIDTH]),
            ("words", TensorProto.INT64, axes),
            ("pauses", TensorProto.INT64, axes),
            ("lengths", TensorProto.INT64, ["batch"]),
        ],
        outputs=[
            ("marks", TensorProto.FLOAT, [*axes, len(MARKS)]),
            ("cases", TensorProto.FLOAT, [*axes, len(CASES)]),
        ],
    )
    halve(proto)
    description = {
        "schema_version": SCHEMA_VERSION,
        "language": config.data.language,
        "marks": MARKS,
        "cases": CASES,
        "words": texts.known,
        "buckets": config.network.buckets,
        "mixed": texts.mixed,
        "provenance": provenance,
    }
    helper.set_model_props(proto, {METADATA: json.dumps(description, ensure_ascii=False)})
    data: bytes = proto.SerializeToString()
    return data
