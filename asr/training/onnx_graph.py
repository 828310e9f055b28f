"""Graphs for ONNX Runtime, written node by node.

Exporters freeze the time axis and have been silently wrong for GRU, so graphs are built with
``onnx.helper``. Initialisers carry the names of the torch parameters and their values as they are,
except those of recurrent operators, which are stored as ONNX wants them
(:func:`asr.training.cells.base.operator_nodes`): nodes that put them in order would take half of
the time in which ONNX Runtime loads a graph.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8
HALVED = 4096
"""The fewest numbers of a weight that is stored in half precision."""
HALF = ".half"
"""What the names of such weights end with."""
Shape = Sequence[str | int]
Step = Callable[["Graph", list[str], list[str]], tuple[list[str], list[str]]]


class Graph:
    """A graph that grows node by node; every value has one name."""

    def __init__(self, prefix: str = "") -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._prefix = prefix

    def weight(self, name: str, value: npt.NDArray[Any]) -> str:
        """Add an initialiser under ``name``, and return the name."""
        self.initializers.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def take(self, name: str) -> npt.NDArray[Any]:
        """Remove an initialiser, and return its value."""
        (index,) = (i for i, item in enumerate(self.initializers) if item.name == name)
        return numpy_helper.to_array(self.initializers.pop(index))

    def constant(self, value: Any, dtype: type = np.int64) -> str:
        """Add a small constant, and return its name; equal ones are stored once."""
        array: npt.NDArray[Any] = np.asarray(value, dtype=dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = self.weight(f"constant_{len(self._constants)}", array)
        return self._constants[key]

    def add(self, operator: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """Add a node with one output, and return the name of the output."""
        output = name or self._new(operator)
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def add_many(self, operator: str, count: int, *inputs: str, **attributes: Any) -> list[str]:
        """Add a node with ``count`` outputs, and return their names."""
        name = self._new(operator)
        outputs = [name, *(f"{name}.{i}" for i in range(1, count))]
        self.nodes.append(helper.make_node(operator, list(inputs), outputs, **attributes))
        return outputs

    def _new(self, operator: str) -> str:
        return f"{self._prefix}{operator.lower()}_{len(self.nodes)}"

    def split(self, value: str, parts: int) -> list[str]:
        """Divide a value into equal parts along the first axis."""
        outputs = [f"{value}.part_{i}" for i in range(parts)]
        self.nodes.append(helper.make_node("Split", [value], outputs, axis=0))
        return outputs

    def scan(
        self,
        step: Step,
        states: Sequence[str],
        inputs: Sequence[str],
        count: int,
        reverse: bool = False,
    ) -> tuple[list[str], list[str]]:
        """Add a loop over the first axis of ``inputs``, in ``reverse`` from the last one on.

        ``step`` adds the nodes of one iteration to a graph of its own, which may use every value
        of this one: from the names of the states and of the inputs' slices it gives those of the
        new states and of ``count`` outputs. Returns the last states, and the outputs of all
        iterations along a new first axis.
        """
        name = self._new("Scan")
        inner = Graph(f"{name}.")
        inner.initializers, inner._constants = self.initializers, self._constants
        own = [f"{name}.state_{index}" for index in range(len(states))]
        slices = [f"{name}.input_{index}" for index in range(len(inputs))]
        after, outputs = step(inner, own, slices)
        ends = [f"{name}.end_{index}" for index in range(len(states) + count)]
        body = helper.make_graph(
            inner.nodes,
            f"{name}.body",
            inputs=[onnx.ValueInfoProto(name=value) for value in [*own, *slices]],
            outputs=[onnx.ValueInfoProto(name=value) for value in [*after, *outputs]],
        )
        direction = int(reverse)
        node = helper.make_node(
            "Scan",
            [*states, *inputs],
            ends,
            body=body,
            num_scan_inputs=len(inputs),
            scan_input_directions=[direction] * len(inputs),
            scan_output_directions=[direction] * count,
        )
        self.nodes.append(node)
        return ends[: len(states)], ends[len(states) :]

    def mask(self, lengths: str, frames: str) -> str:
        """Return floats that are one where a frame exists.

        Shape: lengths (B,), frames () -> (B, frames).
        """
        steps = self.add("Range", self.constant(0), frames, self.constant(1))
        exists = self.add("Less", steps, self.add("Unsqueeze", lengths, self.constant([1])))
        return self.add("Cast", exists, to=TensorProto.FLOAT)

    def size(self, value: str, axis: int) -> str:
        """Return the length of one axis, a scalar."""
        return self.add("Gather", self.add("Shape", value), self.constant(axis), axis=0)

    def ceil_divide(self, value: str, divisor: int) -> str:
        """Divide integers and round up."""
        raised = self.add("Add", value, self.constant(divisor - 1))
        return self.add("Div", raised, self.constant(divisor))

    def model(
        self,
        name: str,
        inputs: Sequence[tuple[str, int, Shape]],
        outputs: Sequence[tuple[str, int, Shape]],
    ) -> onnx.ModelProto:
        """Return the whole graph, checked; inputs and outputs are names with types and shapes."""
        proto = helper.make_model(
            helper.make_graph(
                self.nodes,
                name,
                inputs=[helper.make_tensor_value_info(*value) for value in inputs],
                outputs=[helper.make_tensor_value_info(*value) for value in outputs],
                initializer=self.initializers,
            ),
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="bigru-asr",
        )
        onnx.checker.check_model(proto)
        return proto


def halve(proto: onnx.ModelProto, prefix: str = "") -> None:
    """Store the large weights of a graph whose names begin with ``prefix`` in half precision.

    They are single while the graph computes.
    """
    casts = []
    for item in proto.graph.initializer:
        value = numpy_helper.to_array(item)
        wanted = item.name.startswith(prefix) and value.size >= HALVED
        if wanted and value.dtype == np.float32:
            name = item.name
            item.CopyFrom(numpy_helper.from_array(value.astype(np.float16), name + HALF))
            casts.append(helper.make_node("Cast", [item.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *proto.graph.node]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    onnx.checker.check_model(proto)
