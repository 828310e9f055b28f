"""Measure the speed of the training engine beside a plain torch loop, on the same data.

    python scripts/benchmarks/training.py --config recipes/an4/config.toml
    python scripts/benchmarks/training.py --config recipes/an4/config.toml --peer deepspeech.pytorch

The plain loop has the architecture, augmentation, loss and optimiser of the configuration, but it
has torch's own GRU on packed sequences, a data set that decodes each utterance anew, and batches of
a fixed number of utterances in random order. ``--peer`` is a checkout of deepspeech.pytorch
(SeanNaren, on GitHub), whose own model and loader are then timed too (see peer_deepspeech.py). All
of them train in turn, for an epoch each, and the table gives how many seconds of audio they train
on in a second. A profile of the engine's steps follows.
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.profiler import ProfilerActivity, profile
from torch.utils.data import DataLoader, Dataset

from asr.audio.read import read_audio
from asr.errors import AsrError
from asr.training.augment import mask_features, perturb_speed
from asr.training.config import Config, load_config
from asr.training.data import SpeechData
from asr.training.engine import calm
from asr.training.model import AcousticModel
from asr.training.module import CTCModule
from asr.training.preparation import Corpus, prepare
from asr.training.sampler import BucketBatchSampler

PROFILED_STEPS = 10

Epoch = Callable[[], None]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, required=True, help="the configuration of training")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="change a setting of the configuration",
    )
    parser.add_argument(
        "--epochs",
        type=int,
        default=3,
        help="epochs that count, after one that does not; default: 3",
    )
    parser.add_argument("--peer", type=Path, help="a checkout of deepspeech.pytorch")
    options = parser.parse_args(arguments)
    try:
        config = load_config(options.config, options.set)
        with tempfile.TemporaryDirectory() as folder, calm():
            corpus = prepare(config, Path(folder) / "skipped.jsonl")
            benchmark(config, corpus, options.epochs, options.peer, Path(folder))
    except AsrError as error:
        sys.exit(f"error: {error}")


def benchmark(config: Config, corpus: Corpus, epochs: int, peer: Path | None, folder: Path) -> None:
    """Time all contenders in turn and print the tables."""
    durations = [item.duration for item in corpus.train]
    sampler = BucketBatchSampler(durations, config.training.batch_seconds, config.augment.speeds)
    size = round(len(durations) / len(sampler.steps))
    contenders = {"this engine": engine(config, corpus), "plain torch": plain(config, corpus, size)}
    if peer:
        from peer_deepspeech import deepspeech

        contenders["deepspeech.pytorch"] = deepspeech(config, corpus, size, peer, folder)
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for epoch in range(epochs + 1):
        for name, (run, _) in contenders.items():
            started = time.perf_counter()
            run()
            if epoch:
                times[name].append(time.perf_counter() - started)
    console = Console()
    console.print(
        f"{len(durations)} utterances, {sum(durations) / 60:.1f} min, about {size} a batch; median "
        f"of {epochs} epochs; torch {torch.__version__}, {torch.get_num_threads()} threads"
    )
    table = Table("training", "M parameters", "times real time", "seconds, the engine's = 1")
    best = statistics.median(times["this engine"])
    for name, values in times.items():
        value = statistics.median(values)
        parameters = sum(weight.numel() for weight in contenders[name][1].parameters())
        speed = f"{sum(durations) / value:.0f}×"
        table.add_row(name, f"{parameters / 1e6:.2f}", speed, f"{value / best:.2f}")
    console.print(table)
    console.print(profiled(contenders["this engine"][0]))


def engine(config: Config, corpus: Corpus) -> tuple[Epoch, nn.Module]:
    """Return an epoch of the engine, and its network.

    It runs as in ``asr train``, but without logs, validation and checkpoints.
    """
    module = CTCModule(config, corpus.vocabulary)
    data = SpeechData(config, corpus)

    def epoch() -> None:
        trainer = lightning.Trainer(
            max_epochs=1,
            accelerator="cpu",
            limit_val_batches=0,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            logger=False,
        )
        trainer.fit(module, data)

    return epoch, module


class Utterances(Dataset[Any]):
    """A data set that decodes and perturbs one utterance at a time, and encodes its text."""

    def __init__(self, config: Config, corpus: Corpus) -> None:
        self.config, self.corpus = config, corpus

    def __len__(self) -> int:
        return len(self.corpus.train)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        item = self.corpus.train[index]
        samples = read_audio(item.source, self.config.features.sample_rate).samples
        samples = perturb_speed(samples, random.choice(self.config.augment.speeds))
        return torch.from_numpy(samples), torch.tensor(self.corpus.vocabulary.encode(item.text))


class PackedLayer(nn.Module):
    """The layer that most people write, torch's own GRU on a packed sequence."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.cell = layer.cell

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(self.cell(packed)[0], batch_first=True)[0]


def plain(config: Config, corpus: Corpus, batch_size: int) -> tuple[Epoch, nn.Module]:
    """Return an epoch of the same training without the engine, and its network."""
    model = AcousticModel(config.features, config.encoder, len(corpus.vocabulary))
    model.encoder.layers = nn.ModuleList(PackedLayer(layer) for layer in model.encoder.layers)
    optimizer = torch.optim.AdamW(model.parameters(), config.optimizer.learning_rate)

    def collate(batch: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, ...]:
        waves, labels = zip(*batch, strict=True)
        lengths, label_lengths = (torch.tensor([len(x) for x in xs]) for xs in (waves, labels))
        return pad_sequence(waves, True), lengths, pad_sequence(labels, True), label_lengths

    loader = DataLoader(Utterances(config, corpus), batch_size, shuffle=True, collate_fn=collate)

    def epoch() -> None:
        for waves, lengths, labels, label_lengths in loader:
            features, frames = model.features(waves, lengths)
            rngs = [np.random.default_rng() for _ in waves]
            features = mask_features(features, frames, config.augment, rngs)
            log_probs, frames = model.encoder(features, frames)
            loss = functional.ctc_loss(log_probs.transpose(0, 1), labels, frames, label_lengths)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), config.optimizer.gradient_clip)
            optimizer.step()

    return epoch, model


class StopHere(Exception):
    """An exception that ends the training once there are enough steps for a profile."""


def profiled(run: Epoch) -> Table:
    """Profile the first steps of the engine on the main thread, and return a table of the parts."""
    seen: Iterator[int] = iter(range(PROFILED_STEPS))
    step = CTCModule.training_step

    def counted(self: CTCModule, batch: Any, index: int) -> Tensor:
        if next(seen, None) is None:
            raise StopHere
        return step(self, batch, index)

    CTCModule.training_step = counted  # type: ignore[method-assign]
    with profile(activities=[ProfilerActivity.CPU], acc_events=True) as recorded:
        try:
            run()
        except StopHere:
            pass
        finally:
            CTCModule.training_step = step  # type: ignore[method-assign]
    parts = {
        "recurrence, forward": ("_GRU",),
        "recurrence, backward": ("_GRUBackward",),
        "linear layers, input products": ("aten::linear", "AddmmBackward0"),
        "convolutions": ("aten::conv2d", "ConvolutionBackward0"),
        "dropout": ("aten::dropout",),
        "spectra": ("aten::stft",),
        "CTC": ("aten::_ctc_loss", "CtcLossBackward0"),
    }
    table = Table(f"profile of {PROFILED_STEPS} steps", "share of the time")
    events = recorded.key_averages()
    total = sum(event.self_cpu_time_total for event in events)
    times = {event.key: event.cpu_time_total for event in events}
    for name, keys in parts.items():
        table.add_row(name, f"{100 * sum(times.get(key, 0.0) for key in keys) / total:.1f} %")
    return table


if __name__ == "__main__":
    main()
