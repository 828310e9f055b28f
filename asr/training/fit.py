"""One training run, from manifests to a model directory."""

import json
import logging
import os
import platform
import shlex
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lightning
import torch

from asr import __version__
from asr.config import Config, to_mapping
from asr.errors import ConfigError
from asr.files import write_atomically
from asr.modeldir import ModelInfo, sha256
from asr.training.checkpoints import LAST, AtomicCheckpointIO, Checkpoints, average, load_state
from asr.training.data import SpeechData
from asr.training.export import export_model, start_from
from asr.training.fingerprint import add_domain
from asr.training.guards import Guards
from asr.training.log import RunLog, read_log
from asr.training.module import CTCModule
from asr.training.preparation import prepare
from asr.training.progress import ProgressBar

RUNS = Path("runs")
PRECISIONS: dict[str, Any] = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}


def fit(config: Config, resume: bool = False, folder: Path | None = None) -> Path:
    """Train as ``config`` says; return the model directory, ``<run folder>/model``.

    The run folder (``runs/<name>`` unless given) holds ``config.json``, ``metrics.csv``,
    ``curves.png``, ``tensorboard/``, ``skipped.jsonl`` and the checkpoints ``last.ckpt`` and
    ``best-EPOCH.ckpt``. The exported weights are those of the epoch with the lowest greedy WER on
    the development set, or the mean of the ``training.average`` best ones. On a CPU, a run that was
    stopped and resumed gives what an uninterrupted one gives, bit for bit.

    Raises:
        ConfigError: the folder holds another run, or there is nothing to resume.
        DataError: an unusable manifest, characters outside the vocabulary, or more than
            ``data.max_dropped`` of the utterances unfit for training.
        TrainingError: no finite gradient, ``training.max_skipped`` times in a row.
    """
    folder = folder or RUNS / config.name
    _check_folder(folder, config, resume)
    corpus = prepare(config, folder / "skipped.jsonl")
    data = SpeechData(config, corpus)
    torch.manual_seed(config.seed)
    module = CTCModule(config, corpus.vocabulary)
    left_out: list[str] = []
    if resume:
        load_state(folder / LAST)  # refuses what is no checkpoint
    elif config.training.init_from:
        left_out = start_from(config.training.init_from, module.model, corpus.vocabulary)
    options = config.training
    allowed = config.data.max_dropped * (len(corpus.train) + len(corpus.skipped))
    checkpoints = Checkpoints(folder, options.average, options.checkpoint_steps, options.patience)
    log = RunLog(folder, sum(data.durations))
    callbacks: list[lightning.Callback] = [
        log,
        Guards(folder, corpus.skipped, allowed - len(corpus.skipped), options.max_skipped),
        checkpoints,
    ]
    if sys.stderr.isatty():
        callbacks.insert(0, ProgressBar(config.features.sample_rate))
    with calm():
        trainer = lightning.Trainer(
            max_epochs=options.epochs,
            accelerator=options.accelerator,
            devices=options.devices,
            num_nodes=options.nodes,
            strategy="ddp" if options.devices * options.nodes > 1 else "auto",
            precision=PRECISIONS[options.precision],
            deterministic=options.deterministic,
            accumulate_grad_batches=options.accumulate,
            callbacks=callbacks,
            plugins=[AtomicCheckpointIO()],
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            reload_dataloaders_every_n_epochs=1,
            num_sanity_val_steps=0,
            logger=False,
        )
        if options.precision != "32" and trainer.strategy.root_device.type == "cpu":
            raise ConfigError(
                f'training.precision is "{options.precision}", which needs a GPU; take "32"'
            )
        if trainer.is_global_zero:
            print(
                f"{len(corpus.train)} training and {len(corpus.dev)} development utterances "
                f"({len(corpus.skipped)} left out), {len(corpus.vocabulary)} symbols, "
                f"{_parameters(module) / 1e6:.2f} M parameters; writing to {folder}",
                *(f"not taken from {options.init_from}: {name}" for name in left_out),
                sep="\n",
                file=sys.stderr,
            )
            write_atomically(
                folder / "config.json", json.dumps(to_mapping(config), indent=1) + "\n"
            )
        last = folder / LAST if resume else None
        try:
            trainer.fit(module, data, ckpt_path=last, weights_only=True)
        except SystemExit as error:  # Lightning's answer to Ctrl-C
            if (folder / LAST).exists():
                print("stopped; go on with asr train --resume", file=sys.stderr)
            raise KeyboardInterrupt from error
        module.load_state_dict(average(checkpoints.paths))
        trainer.validate(module, data, verbose=False)
    if not trainer.is_global_zero:
        return folder / "model"
    info = ModelInfo(
        vocabulary=corpus.vocabulary,
        features=config.features,
        encoder=config.encoder,
        provenance=_provenance(config, sum(row["seconds"] for row in read_log(log.path)), module),
        scores={"dev": {"wer": module.dev_wer}},
    )
    export_model(folder / "model", module.model, info)
    add_domain(folder / "model", data, corpus)
    return folder / "model"


@contextmanager
def calm() -> Iterator[None]:
    """Lightning without its advertisements; the settings of torch as they were afterwards."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
    precision = torch.get_float32_matmul_precision()
    deterministic = torch.are_deterministic_algorithms_enabled()
    with warnings.catch_warnings():
        # Data is prepared in the main process where training is on the CPU: workers would compete.
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        # The loader does go on where the checkpoint was made: it asks the trainer for the position.
        warnings.filterwarnings("ignore", message=".*your dataloader is not resumable.*")
        warnings.filterwarnings("ignore", message=".*treespec, LeafSpec.*")
        warnings.filterwarnings("ignore", message=".*recommended to use `self.log.*")
        try:
            # Factors of matrix products in bfloat16 where the processor can, sums in float32:
            # an epoch takes three quarters of the time. Recognition computes in float32.
            torch.set_float32_matmul_precision("medium")
            yield
        finally:
            torch.set_float32_matmul_precision(precision)
            torch.use_deterministic_algorithms(deterministic)


def _check_folder(folder: Path, config: Config, resume: bool) -> None:
    last = folder / LAST
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


def _parameters(module: torch.nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


def _provenance(config: Config, seconds: float, module: torch.nn.Module) -> dict[str, Any]:
    manifests = [*config.data.train, *config.data.dev]
    return {
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "config": to_mapping(config),
        "seed": config.seed,
        "parameters": _parameters(module),
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
