"""Small decoders with attention for tests, alone and in model directories."""

import torch
from conftest import make_info, make_network
from torch import nn

from asr.model.directory import write_model
from asr.training.attention import AttentionDecoder
from asr.training.attention_graph import build_decoder_graph
from asr.training.config import AttentionConfig
from asr.training.export import build_graph

ENCODING, SYMBOLS = 5, 6
LABELS = [[3, 1, 4], [2], [], [5, 5, 1, 2]]


def make_decoder(kind, cell="gru", layers=1, seed=0, **options):
    """Return a small decoder in evaluation with random weights."""
    torch.manual_seed(seed)
    config = AttentionConfig(kind=kind, cell=cell, layers=layers, hidden_size=4, size=3, **options)
    decoder = AttentionDecoder(config, ENCODING, SYMBOLS)
    for weight in decoder.parameters():
        nn.init.normal_(weight, std=0.7)
    return decoder.eval()


def write_decoder(folder, kind="location", half=False, seed=0, encoder=None, **options):
    """Write the model directory of a small network with a decoder; return both."""
    info = make_info(**(encoder or {}))
    network = make_network(info, seed)
    config = AttentionConfig(kind, hidden_size=12, size=8, **options)
    decoder = AttentionDecoder(config, network.encoder.encoding_size, len(info.vocabulary)).eval()
    graph = build_graph(network, info, half, encodings=True).SerializeToString()
    files = {
        "model.onnx": graph,
        "attention.onnx": build_decoder_graph(decoder, half).SerializeToString(),
    }
    return write_model(folder, info, files), network, decoder
