"""One training run, from manifests to a model directory."""

import json
import logging
import os
import platform
import shlex
import sys
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint, RichProgressBar
from torch.utils.data import DataLoader

from asr import __version__
from asr.config import Config, to_mapping
from asr.errors import ConfigError, DataError, ModelError
from asr.files import write_atomically
from asr.manifest import Utterance, fits, read_manifest, unknown_characters
from asr.modeldir import ModelInfo, sha256
from asr.text import Vocabulary
from asr.training.dataset import Batch, SpeechDataset, collate
from asr.training.export import export_model, load_weights
from asr.training.log import RunLog, read_log
from asr.training.module import CTCModule
from asr.training.sampler import BucketBatchSampler

RUNS = Path("runs")


class SpeechData(lightning.LightningDataModule):
    """Training batches that depend on (seed, epoch) alone, and development batches."""

    def __init__(
        self,
        config: Config,
        vocabulary: Vocabulary,
        train: Sequence[Utterance],
        dev: Sequence[Utterance],
    ) -> None:
        super().__init__()
        rate, size, seed = config.features.sample_rate, config.training.batch_size, config.seed
        self.train = SpeechDataset(train, vocabulary, rate, config.augment.speeds, seed)
        self.dev = SpeechDataset(dev, vocabulary, rate)
        self.sampler = BucketBatchSampler([item.duration for item in train], size, seed)
        self.dev_sampler = _in_order([item.duration for item in dev], size)

    def train_dataloader(self) -> DataLoader[Any]:
        """The batches of the trainer's current epoch."""
        assert self.trainer is not None
        self.train.epoch = self.sampler.epoch = self.trainer.current_epoch
        return DataLoader(self.train, batch_sampler=self.sampler, collate_fn=collate)

    def transfer_batch_to_device(
        self, batch: Batch, device: torch.device, dataloader_idx: int
    ) -> Batch:
        """Move a batch to the model's device."""
        return batch.to(device)

    def val_dataloader(self) -> DataLoader[Any]:
        """Every development utterance once, sorted by duration."""
        return DataLoader(self.dev, batch_sampler=self.dev_sampler, collate_fn=collate)


def _in_order(durations: Sequence[float], batch_size: int) -> list[list[int]]:
    order = sorted(range(len(durations)), key=durations.__getitem__)
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]


def fit(config: Config, resume: bool = False, folder: Path | None = None) -> Path:
    """Train as ``config`` says; return the model directory, ``<run folder>/model``.

    The run folder (``runs/<name>`` unless given) holds ``config.json``, ``metrics.csv``,
    ``curves.png``, ``dropped.jsonl`` and the checkpoints ``last.ckpt`` and ``best.ckpt``. The
    exported model is the one with the lowest greedy WER on the development set.

    Raises:
        ConfigError: the folder holds another run, or there is nothing to resume.
        DataError: an unusable manifest, characters outside the vocabulary, or more than
            ``data.max_dropped`` of the utterances unfit for training.
    """
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    folder = folder or RUNS / config.name
    last = folder / "last.ckpt"
    _check_folder(folder, last, config, resume)
    vocabulary, train, dev = load_data(config, folder)
    data = SpeechData(config, vocabulary, train, dev)
    torch.manual_seed(config.seed)
    module = CTCModule(config, vocabulary, config.training.epochs * len(data.sampler))
    if resume:
        load_checkpoint(last, module)
    elif config.training.init_from:
        load_weights(config.training.init_from, module.model, vocabulary)
    best = ModelCheckpoint(
        folder, "best", monitor="dev_wer", mode="min", enable_version_counter=False
    )
    latest = ModelCheckpoint(folder, "last", enable_version_counter=False)
    log = RunLog(folder, sum(item.duration for item in train))
    trainer = lightning.Trainer(
        max_epochs=config.training.epochs,
        accelerator=config.training.accelerator,
        devices=1,
        gradient_clip_val=config.optimizer.gradient_clip,
        callbacks=[best, latest, log, *([RichProgressBar()] if sys.stderr.isatty() else [])],
        enable_progress_bar=sys.stderr.isatty(),
        enable_model_summary=False,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
        logger=False,
    )
    parameters = sum(weight.numel() for weight in module.parameters())
    print(
        f"{len(train)} training and {len(dev)} development utterances, {len(vocabulary)} symbols, "
        f"{parameters / 1e6:.2f} M parameters; writing to {folder}",
        file=sys.stderr,
    )
    write_atomically(folder / "config.json", json.dumps(to_mapping(config), indent=1) + "\n")
    _fit(trainer, module, data, last if resume else None)
    load_checkpoint(folder / "best.ckpt", module)
    info = ModelInfo(
        vocabulary=vocabulary,
        features=config.features,
        encoder=config.encoder,
        provenance=_provenance(config, sum(row["seconds"] for row in read_log(log.path))),
        scores={"dev": {"wer": float(best.best_model_score or 0.0) / 100}},
    )
    export_model(folder / "model", module.model, info)
    return folder / "model"


def _fit(
    trainer: lightning.Trainer, module: CTCModule, data: SpeechData, checkpoint: Path | None
) -> None:
    precision = torch.get_float32_matmul_precision()
    with warnings.catch_warnings():
        # Samples are decoded once and kept in memory: worker processes would copy, not help.
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message=".*Checkpoint directory .* exists.*")
        warnings.filterwarnings("ignore", message=".*treespec, LeafSpec.*")
        try:
            # Factors of matrix products in bfloat16 where the processor can, sums in float32:
            # an epoch takes three quarters of the time. Recognition computes in float32.
            torch.set_float32_matmul_precision("medium")
            trainer.fit(module, data, ckpt_path=checkpoint, weights_only=True)
        except SystemExit as error:  # Lightning's answer to Ctrl-C
            raise KeyboardInterrupt from error
        finally:
            torch.set_float32_matmul_precision(precision)


def load_checkpoint(path: Path, module: CTCModule) -> None:
    """Put the weights of a checkpoint into ``module``; nothing but tensors is unpickled.

    Raises:
        ModelError: not a checkpoint of this model, or one that holds other objects.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
        module.load_state_dict(state)
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise ModelError(f"{path}: not a usable checkpoint ({reason})") from error


def _check_folder(folder: Path, last: Path, config: Config, resume: bool) -> None:
    if resume and not last.exists():
        raise ConfigError(f"nothing to resume: {last} does not exist; train without --resume")
    if not resume and last.exists():
        raise ConfigError(
            f"{folder} holds a run already; go on with --resume, or give another one "
            "with --set name=NAME"
        )
    if resume:
        old = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if old != json.loads(json.dumps(to_mapping(config))):
            raise ConfigError(f"{folder / 'config.json'} differs from the configuration given")


def load_data(config: Config, folder: Path) -> tuple[Vocabulary, list[Utterance], list[Utterance]]:
    """Vocabulary, training and development utterances, what cannot be trained on left out.

    Left out of training, and listed with the reason in ``dropped.jsonl`` of ``folder``:
    utterances over ``data.max_duration`` and texts that CTC cannot fit on the frames at the
    fastest speed.

    Raises:
        DataError: no manifests, characters outside the vocabulary (file, line and characters are
            listed), or too large a share dropped.
    """
    if not config.data.train or not config.data.dev:
        raise DataError("data.train and data.dev must name manifests")
    train, dev = (
        {Path(path): read_manifest(path) for path in paths}
        for paths in (config.data.train, config.data.dev)
    )
    utterances = [item for items in train.values() for item in items]
    characters = config.data.characters or "".join(item.text for item in utterances)
    vocabulary = Vocabulary.from_characters(characters)
    problems = [
        problem
        for path, items in (train | dev).items()
        for problem in unknown_characters(path, items, vocabulary)
    ]
    if problems:
        more = f"\n… and {len(problems) - 10} more" if len(problems) > 10 else ""
        raise DataError("\n".join(map(str, problems[:10])) + more)
    kept, dropped = drop_unfit(utterances, vocabulary, config)
    lines = [json.dumps({"id": item.id, "reason": reason}) + "\n" for item, reason in dropped]
    write_atomically(folder / "dropped.jsonl", "".join(lines))
    if dropped:
        print(
            f"left {len(dropped)} of {len(utterances)} training utterances out; "
            f"{folder / 'dropped.jsonl'} lists them",
            file=sys.stderr,
        )
    if len(dropped) > config.data.max_dropped * len(utterances) or not kept:
        raise DataError(
            f"{len(dropped)} of {len(utterances)} training utterances are unfit, "
            f"data.max_dropped allows a share of {config.data.max_dropped}; see "
            f"{folder / 'dropped.jsonl'}"
        )
    return vocabulary, kept, [item for items in dev.values() for item in items]


def drop_unfit(
    utterances: Sequence[Utterance], vocabulary: Vocabulary, config: Config
) -> tuple[list[Utterance], list[tuple[Utterance, str]]]:
    """Split into utterances to train on, and the others with the reason."""
    rate = config.features.sample_rate
    fastest = max(config.augment.speeds)

    def num_frames(seconds: float) -> int:
        return config.encoder.num_frames(config.features.num_frames(int(seconds * rate / fastest)))

    kept, dropped = [], []
    for item in utterances:
        if item.duration > config.data.max_duration:
            dropped.append((item, f"{item.duration:.2f} s is over {config.data.max_duration} s"))
        elif not fits(item, vocabulary, num_frames):
            dropped.append(
                (item, f"{len(item.text)} characters do not fit in {item.duration:.2f} s")
            )
        else:
            kept.append(item)
    return kept, dropped


def _provenance(config: Config, seconds: float) -> dict[str, Any]:
    manifests = [*config.data.train, *config.data.dev]
    return {
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "config": to_mapping(config),
        "seed": config.seed,
        "data": {path: sha256(path) for path in manifests},
        "minutes": round(seconds / 60, 1),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "hardware": f"{platform.machine()}, {os.cpu_count()} CPU cores"
        + (f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""),
        "versions": {
            "asr": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "lightning": lightning.__version__,
        },
    }
