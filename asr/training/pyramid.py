"""The upper layers of a pyramid: recurrent layers over pairs of frames, at half the rate.

Most of the time of a recurrent layer goes into its steps, one after the other. In a pyramid (Chan
et al. 2016, "Listen, attend and spell", section 3.1) the upper layers take half as many. CTC needs
at least as many frames as labels, so each step gives outputs for both of its frames.
"""

from collections.abc import Callable

from onnx import TensorProto
from torch import Tensor, nn
from torch.nn import functional

from asr.model.config import EncoderConfig
from asr.training.features import frame_mask
from asr.training.onnx_graph import Graph
from asr.training.stack import RecurrentStack, stack_nodes


class PairStack(RecurrentStack):
    """Recurrent layers over pairs of frames, and a linear output for both frames of each pair.

    The last frame of an odd number is joined with one of zeros.

    Shape: x (B, T, input), lengths (B,) -> logits (B, T, V), of no meaning behind each length.
    """

    def __init__(self, config: EncoderConfig, input_size: int, vocabulary_size: int) -> None:
        super().__init__(
            config.cell,
            2 * input_size,
            config.top_size or config.hidden_size,
            config.layers - config.pyramid,
            config.dropout,
            config.bidirectional,
            residual=True,
        )
        self.input_size = input_size
        self.vocabulary_size = vocabulary_size
        self.output = nn.Linear(self.output_size, 2 * vocabulary_size)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        return self.outputs(x, lengths)[0]

    def outputs(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits, and the outputs of the last layer, each for both frames of its pair.

        Shape: (B, T, input), (B,) -> (B, T, V), (B, T, output_size).
        """
        batch, frames, _ = x.shape
        x = x * frame_mask(lengths, frames)[..., None]
        pairs = functional.pad(x, (0, 0, 0, frames % 2)).reshape(batch, -1, 2 * self.input_size)
        hidden = self.recur(pairs, (lengths + 1) // 2)
        logits: Tensor = self.output(hidden)
        logits = logits.reshape(batch, -1, self.vocabulary_size)[:, :frames]
        both = hidden[:, :, None].expand(-1, -1, 2, -1).flatten(1, 2)
        return logits, both[:, :frames]


def pair_nodes(
    graph: Graph, stack: PairStack, weight: Callable[[str], str], hidden: str, lengths: str
) -> tuple[str, str]:
    """Add the nodes of what ``stack`` computes without dropout.

    ``weight`` adds a weight of the stack by its name.

    Shape: hidden (T, B, input), lengths (B,) int64 -> logits (T, B, V), outputs of the last layer
    for each pair (T / 2, B, output_size).
    """
    frames, batch = graph.size(hidden, 0), graph.size(hidden, 1)
    mask = graph.add("Transpose", graph.mask(lengths, frames), perm=[1, 0])
    x = graph.add("Mul", hidden, graph.add("Unsqueeze", mask, graph.constant([2])))
    odd = graph.add("Mod", frames, graph.constant(2))
    x = graph.add("Pad", x, _shape(graph, 0, 0, 0, odd, 0, 0))
    # (T, B, input) -> (T / 2, B, 2 * input)
    x = graph.add("Reshape", x, _shape(graph, -1, 2, batch, stack.input_size))
    x = graph.add("Transpose", x, perm=[0, 2, 1, 3])
    x = graph.add("Reshape", x, _shape(graph, -1, batch, 2 * stack.input_size))
    steps = graph.add("Cast", graph.ceil_divide(lengths, 2), to=TensorProto.INT32)
    outputs, _ = stack_nodes(graph, stack, weight, x, steps)
    matrix = graph.add("Transpose", weight("output.weight"), perm=[1, 0])
    x = graph.add("Add", graph.add("MatMul", outputs, matrix), weight("output.bias"))
    # (T / 2, B, 2 * V) -> (T, B, V)
    x = graph.add("Reshape", x, _shape(graph, -1, batch, 2, stack.vocabulary_size))
    x = graph.add("Transpose", x, perm=[0, 2, 1, 3])
    x = graph.add("Reshape", x, _shape(graph, -1, batch, stack.vocabulary_size))
    axis = graph.constant([0])
    return graph.add("Slice", x, axis, graph.add("Unsqueeze", frames, axis), axis), outputs


def spread_nodes(graph: Graph, outputs: str, hidden: str, size: int) -> str:
    """Add the nodes that give both frames of a pair the outputs of the pair.

    Shape: outputs (T / 2, B, size), hidden (T, B, …) -> (T, B, size).
    """
    frames, batch = graph.size(hidden, 0), graph.size(hidden, 1)
    one = graph.add("Unsqueeze", outputs, graph.constant([1]))
    both = graph.add("Concat", one, one, axis=1)
    both = graph.add("Reshape", both, _shape(graph, -1, batch, size))
    axis = graph.constant([0])
    return graph.add("Slice", both, axis, graph.add("Unsqueeze", frames, axis), axis)


def _shape(graph: Graph, *sizes: int | str) -> str:
    """Return a list of sizes, of which some are known and others are scalars of the graph."""
    axis = graph.constant([0])
    parts = [
        graph.constant([size]) if isinstance(size, int) else graph.add("Unsqueeze", size, axis)
        for size in sizes
    ]
    return graph.add("Concat", *parts, axis=0)
