"""The graph of a serialised ONNX model, read and written by the numbers of onnx.proto."""

from collections.abc import Iterable, Iterator

from asr.model.protobuf import Message, bytes_field, fields, text_in, values

MODEL_GRAPH = 7
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_OUTPUT = 1, 5, 11, 12
NODE_INPUT, NODE_OUTPUT, NODE_OPERATOR, NODE_ATTRIBUTE = 1, 2, 4, 5
TENSOR_NAME, VALUE_NAME = 8, 1
FLOAT = 1

Field = tuple[Message, Message]
"""The whole bytes and the content of a field."""


class Node:
    """A node: its bytes as a field of the graph (``whole``), its operator, inputs and outputs, and
    the fields besides inputs and outputs by their numbers (``rest``)."""

    def __init__(self, whole: Message, content: Message) -> None:
        self.whole = whole
        self.operator = ""
        self.inputs, self.outputs = list[str](), list[str]()
        self.rest = list[tuple[int, Message, Message]]()
        for field in fields(content):
            number, _, value = field
            if number == NODE_INPUT:
                self.inputs.append(text_in(value))
            elif number == NODE_OUTPUT:
                self.outputs.append(text_in(value))
            else:
                self.rest.append(field)
                if number == NODE_OPERATOR:
                    self.operator = text_in(value)

    def attributes(self) -> Iterator[tuple[int, Message]]:
        """Yield the number and the content of each field of all attributes."""
        for number, _, content in self.rest:
            if number == NODE_ATTRIBUTE:
                yield from values(content)


class Graph:
    """The graph of a serialised ``model``: its nodes in an order in which each stands behind those
    that it needs, its weights, inputs and outputs by their names, and the ``rest``.

    Raises:
        IndexError, ValueError: this is not a model.
    """

    def __init__(self, model: Message) -> None:
        parts = list(fields(model))
        (content,) = (value for number, _, value in parts if number == MODEL_GRAPH)
        self._model = [whole for number, whole, _ in parts if number != MODEL_GRAPH]
        self.nodes = list[Node]()
        self.weights: dict[str, Field] = {}
        self.inputs: dict[str, Field] = {}
        self.outputs: dict[str, Field] = {}
        self.rest = list[Message]()
        named = {
            GRAPH_INITIALIZER: (self.weights, TENSOR_NAME),
            GRAPH_INPUT: (self.inputs, VALUE_NAME),
            GRAPH_OUTPUT: (self.outputs, VALUE_NAME),
        }
        for number, whole, value in fields(content):
            if number == GRAPH_NODE:
                self.nodes.append(Node(whole, value))
            elif number in named:
                entries, key = named[number]
                (name,) = (text_in(item) for field, item in values(value) if field == key)
                entries[name] = whole, value
            else:
                self.rest.append(whole)

    def model(self, graph: Iterable[Message]) -> bytes:
        """Return the model with a graph of these fields in place of its own."""
        return b"".join([*self._model, bytes_field(MODEL_GRAPH, b"".join(graph))])
