"""Measure what a decoder with attention adds to the time and the memory of beam search.

    python scripts/benchmarks/attention.py [--model DIR] [--manifest FILE] [--hours 1]

Whole processes of ``asr transcribe`` recognise a number of short files, and one of ``--hours``, by
beam search alone and with each kind of decoder in turn; times are medians of ``--repeats`` runs.
The decoders have the sizes of the defaults and random weights, and their scores the weight 0: the
time depends on neither. The audio is made as in ``transcribe.py``. Let nothing else run meanwhile.
"""

import os
import shutil
import statistics
import tempfile
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from workload import Maker, make_parser, process, read_recordings

from asr.model.directory import ATTENTION, GRAPH, read_model, update_model
from asr.training.attention import AttentionDecoder
from asr.training.attention_graph import build_decoder_graph
from asr.training.config import ATTENTION as KINDS
from asr.training.config import AttentionConfig
from asr.training.export import build_graph, load_weights
from asr.training.model import AcousticModel


def main() -> None:
    """Measure every kind and print a table."""
    parser = make_parser(__doc__)
    add = parser.add_argument
    add("--files", type=int, default=130, help="the number of short files; default: 130")
    add("--hours", type=float, default=1.0, help="the length of the long file; default: 1")
    add("--repeats", type=int, default=5, help="how often each is measured; default: 5")
    options = parser.parse_args()
    table = Table("recognised", "decoder", "seconds", "more than without", "peak memory, MB")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make = Maker(folder, read_recordings(options.manifest))
        models = {kind: with_decoder(options.model, folder / kind, kind) for kind in KINDS}
        works = {
            f"{options.files} short files": make.each(options.files),
            f"{options.hours:g} h": [make.joined(3600 * options.hours)],
        }
        for title, paths in works.items():
            found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in ("", *KINDS)}
            for _ in range(options.repeats):  # in turn, since the machine's speed changes
                for kind, runs in found.items():
                    command = ["transcribe", "--model", str(models.get(kind, options.model))]
                    asked = ["--attention", "--attention-weight", "0"] if kind else []
                    command += ["--decoder", "beam", *asked, *map(str, paths)]
                    runs.append(process(command, 1))
            base = statistics.median(seconds for seconds, _ in found[""])
            for kind, runs in found.items():
                seconds = statistics.median(taken for taken, _ in runs)
                more = f"{100 * (seconds / base - 1):.0f} %" if kind else ""
                memory = max(peak for _, peak in runs)
                table.add_row(title, kind or "none", f"{seconds:.2f}", more, f"{memory:.0f}")
    console = Console()
    console.print(f"{options.model}, {os.cpu_count()} cores; median of {options.repeats}")
    console.print(table)


def with_decoder(model: Path, folder: Path, kind: str) -> Path:
    """Copy a model directory, and give the copy a decoder with random weights."""
    shutil.copytree(model, folder)
    info = read_model(folder)
    network = AcousticModel(info.features, info.encoder, len(info.vocabulary))
    load_weights(folder, network, info.vocabulary)
    torch.manual_seed(0)
    size = network.encoder.encoding_size
    decoder = AttentionDecoder(AttentionConfig(kind), size, len(info.vocabulary)).eval()
    files = {
        GRAPH: build_graph(network, info, encodings=True).SerializeToString(),
        ATTENTION: build_decoder_graph(decoder).SerializeToString(),
    }
    update_model(folder, files)
    return folder


if __name__ == "__main__":
    main()
