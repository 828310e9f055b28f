"""The ONNX file of a recurrent language model."""

import json
from typing import Any

from onnx import TensorProto, helper

from asr.lm.recurrent_lm import METADATA, SCHEMA_VERSION
from asr.training.cells import load_cell
from asr.training.lm.config import NetworkConfig
from asr.training.lm.data import Texts
from asr.training.lm.model import RecurrentLmModel
from asr.training.onnx_graph import Graph
from asr.training.stack import stack_nodes


def to_onnx(
    model: RecurrentLmModel, config: NetworkConfig, texts: Texts, provenance: dict[str, Any]
) -> bytes:
    """Return the ONNX file of ``model`` and its words.

    :class:`asr.lm.recurrent_lm.RecurrentLm` reads it.

    Inputs: ``tokens`` (B, T) and ``lengths`` (B,) int64; ``states`` (S, B, hidden) float32, those
    of the layers in turn. Outputs: ``log_probs`` (B, T, V), of no meaning behind each length, and
    ``next_states``, those after each length.
    """
    weights = {name: value.detach().cpu().numpy() for name, value in model.state_dict().items()}
    graph = Graph()

    def weight(name: str) -> str:
        return graph.weight(name, weights[name])

    embedding = weight("embedding")
    hidden = graph.add("Gather", embedding, "tokens")
    hidden = graph.add("Transpose", hidden, perm=[1, 0, 2])
    steps = graph.add("Cast", "lengths", to=TensorProto.INT32)
    kinds = load_cell(config.cell).states
    count = kinds * config.layers
    first = graph.split("states", count) if count > 1 else ["states"]
    states = [first[index : index + kinds] for index in range(0, count, kinds)]
    hidden, last = stack_nodes(graph, model, weight, hidden, steps, states)
    graph.add("Concat", *(name for layer in last for name in layer), name="next_states", axis=0)
    hidden = graph.add("Transpose", hidden, perm=[1, 0, 2])
    matrix = graph.add("Transpose", embedding, perm=[1, 0])
    logits = graph.add("Add", graph.add("MatMul", hidden, matrix), weight("bias"))
    graph.add("LogSoftmax", logits, name="log_probs", axis=-1)
    shape: list[str | int] = [count, "batch", config.hidden_size]
    proto = graph.model(
        "language_model",
        inputs=[
            ("tokens", TensorProto.INT64, ["batch", "steps"]),
            ("lengths", TensorProto.INT64, ["batch"]),
            ("states", TensorProto.FLOAT, shape),
        ],
        outputs=[
            ("log_probs", TensorProto.FLOAT, ["batch", "steps", len(texts.words)]),
            ("next_states", TensorProto.FLOAT, shape),
        ],
    )
    description = {
        "schema_version": SCHEMA_VERSION,
        "unit": texts.unit,
        "words": texts.words,
        "provenance": provenance,
    }
    helper.set_model_props(proto, {METADATA: json.dumps(description, ensure_ascii=False)})
    data: bytes = proto.SerializeToString()
    return data
