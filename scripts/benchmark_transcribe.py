"""Speed of recognition, side by side in one run.

    python scripts/benchmark_transcribe.py [--model DIR] [--seconds 10] [--repeats 5]

Prints times real time (seconds of audio a second of computing; the median of the repeats) for
batches of 1 and 16: end to end from FLAC bytes to transcripts, the ONNX graph from waveforms to
log-probabilities, and the same weights in torch (its own GRU), both with all cores. The audio
is noise: the cost does not depend on what is said. Then seconds from cold: ``asr --help``, and
``asr transcribe`` of one recording, whole processes.
"""

import argparse
import io
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
import torch
from rich.console import Console
from rich.table import Table

from asr.acoustic import AcousticSession
from asr.audio import Samples
from asr.modeldir import default_model
from asr.training.export import load_weights
from asr.training.model import AcousticModel
from asr.transcriber import Transcriber


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=default_model())
    parser.add_argument("--seconds", type=float, default=10.0, help="length of each input")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    table = Table("what", "batch 1", "batch 16")
    systems = {"end to end": end_to_end, "ONNX graph": onnx_graph, "torch, same weights": in_torch}
    for name, system in systems.items():
        speeds = []
        for batch in (1, 16):
            count = int(options.seconds * 16000)
            noise = np.random.default_rng(1).normal(0, 0.05, (batch, count)).astype(np.float32)
            run = system(options.model, list(noise))
            seconds = median_seconds(run, options.repeats)
            speeds.append(f"{batch * options.seconds / seconds:.0f}×")
        table.add_row(name, *speeds)
    console = Console()
    console.print(
        f"{options.model}: {options.seconds:g}-second inputs, median of {options.repeats}, "
        f"torch {torch.__version__} with {torch.get_num_threads()} threads"
    )
    console.print(table)
    sample = Path(__file__).parent.parent / "samples" / "flite-slt-spelled-name.wav"
    command = [sys.executable, "-c", "from asr.cli.main import main; main()"]
    cold = Table("from cold, a whole process", "seconds")
    for arguments in (["--help"], ["transcribe", "--model", str(options.model), str(sample)]):
        seconds = median_seconds(partial(process, [*command, *arguments]), options.repeats)
        cold.add_row(f"asr {arguments[0]}", f"{seconds:.2f}")
    console.print(cold)


def process(command: list[str]) -> None:
    """Run a command to its end."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def median_seconds(run: Callable[[], object], repeats: int) -> float:
    """Seconds of ``run``, after one call that is not counted."""
    run()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def end_to_end(model: Path, waveforms: list[Samples]) -> Callable[[], object]:
    """FLAC files to transcripts."""
    transcriber = Transcriber(model)
    folder = tempfile.TemporaryDirectory()
    paths = []
    for index, samples in enumerate(waveforms):
        data = io.BytesIO()
        soundfile.write(data, samples, transcriber.model.sample_rate, format="FLAC")
        paths.append(Path(folder.name) / f"{index}.flac")
        paths[-1].write_bytes(data.getvalue())

    def run(folder: object = folder) -> object:  # holds the folder as long as it is called
        return list(transcriber.transcribe_many(paths))

    return run


def onnx_graph(model: Path, waveforms: list[Samples]) -> Callable[[], object]:
    """Waveforms to log-probabilities in ONNX Runtime."""
    session = AcousticSession(model)
    return lambda: session.log_probs(waveforms)


def in_torch(model: Path, waveforms: list[Samples]) -> Callable[[], object]:
    """Waveforms to log-probabilities in torch, its own recurrent layers on the same weights."""
    info = AcousticSession(model).info
    network = AcousticModel(info.features, info.encoder, len(info.vocabulary)).eval()
    load_weights(model, network, info.vocabulary)
    batch = torch.from_numpy(np.stack(waveforms))
    lengths = torch.full((len(waveforms),), batch.shape[1])

    def run() -> object:
        with torch.inference_mode():
            return network(batch, lengths)

    return run


if __name__ == "__main__":
    main()
