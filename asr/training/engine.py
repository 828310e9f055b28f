"""The engine of every training run: its folder, Lightning's trainer, the best weights."""

import logging
import os
import platform
import shlex
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import lightning
import torch
from lightning.pytorch.strategies import DDPStrategy

from asr.config import from_mapping, to_mapping
from asr.errors import ConfigError, DataError
from asr.files import parse_json, sha256, to_json, write_atomically
from asr.training.checkpoints import LAST, AtomicCheckpointIO, Checkpoints, average
from asr.training.config import PRECISIONS, RunConfig
from asr.training.curves import read_metrics
from asr.training.datamodule import BucketData
from asr.training.guards import Guards
from asr.training.log import RunLog
from asr.training.processes import Processes, as_begun, going_on, started
from asr.training.progress import ProgressBar
from asr.training.resumption import Record, differing, write_record
from asr.training.trainable import Trainable
from asr.training.watch import Watch
from asr.version import __version__

C = TypeVar("C", bound=RunConfig)
RUNS = Path("runs")
WAIT = timedelta(days=30)
"""How long a process waits for the others of its run, which somebody may have paused."""


def run(
    module: Trainable,
    data: BucketData,
    folder: Path,
    config: dict[str, Any],
    resume: bool,
    greeting: Sequence[str],
    record: Callable[[], Record],
    skipped: Sequence[dict[str, Any]] = (),
    max_rejected: float = 0,
) -> dict[str, Any] | None:
    """Train ``module`` and leave the weights to export in it: those of the best epoch, or the mean
    of the ``average`` best ones.

    The run folder holds ``config.json``, ``data.json`` (what ``record`` returns), ``metrics.csv``,
    ``curves.png``, ``tensorboard/``, ``skipped.jsonl`` (first ``skipped``, what was left out
    before) and the checkpoints ``last.ckpt``, ``best-EPOCH.ckpt`` and ``kept-EPOCH.ckpt``. On a
    CPU, a run that was stopped and resumed gives what an uninterrupted one gives, bit for bit.

    Returns the provenance of the weights; in a run of several processes, all but one get None and
    have nothing left to do.

    Raises:
        ConfigError: a precision that the processor has not.
        DataError: more than ``max_rejected`` items of an epoch unusable.
        TrainingError: no finite gradient, ``max_skipped`` times in a row, or another process of the
            run is gone.
    """
    options = module.options
    checkpoints = Checkpoints(
        folder, options.average, options.checkpoint_steps, options.patience, options.keep_every
    )
    log, watch = RunLog(folder), Watch()
    callbacks: list[lightning.Callback] = [
        watch,
        log,
        Guards(folder, list(skipped), max_rejected, options.max_skipped),
        checkpoints,
    ]
    if sys.stderr.isatty():
        callbacks.insert(0, ProgressBar())
    with calm():
        trainer = lightning.Trainer(
            max_epochs=options.epochs,
            accelerator=options.accelerator,
            devices=options.devices,
            num_nodes=options.nodes,
            strategy=DDPStrategy(timeout=WAIT) if options.devices * options.nodes > 1 else "auto",
            precision=PRECISIONS[options.precision],  # type: ignore[arg-type]
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
            print(*greeting, sep="\n", file=sys.stderr)
            write_atomically(folder / "config.json", to_json(config, indent=1) + "\n")
            write_record(folder, record())
        last = folder / LAST if resume else None
        if resume:
            names = (item.name for item in fields(Processes))
            data.begun_with(Processes(**{name: config["training"][name] for name in names}))
        with watch.over_run():
            try:
                trainer.fit(module, data, ckpt_path=last, weights_only=True)
            except SystemExit as error:  # Lightning's answer to Ctrl-C
                if (folder / LAST).exists():
                    print("stopped; go on with --resume", file=sys.stderr)
                raise KeyboardInterrupt from error
            module.load_state_dict(average(checkpoints.paths))
            trainer.validate(module, data, verbose=False)
    if trainer.world_size > 1:
        # Else gloo's threads may free tensors while the interpreter ends, and abort the process.
        torch.distributed.destroy_process_group()
    if not trainer.is_global_zero:
        return None
    seconds = sum(row["seconds"] for row in read_metrics(log.path))
    return {
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "config": config,
        "seed": config["seed"],
        **({"processes": data.changes} if data.changes else {}),
        "parameters": module.parameter_count(),
        "minutes": round(seconds / 60, 1),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "hardware": f"{platform.machine()}, {os.cpu_count()} CPU cores"
        + (", 1 thread" if torch.get_num_threads() == 1 else "")
        + (f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""),
        "versions": {
            "asr": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "lightning": lightning.__version__,
        },
    }


def hashes(paths: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of each file by its path."""
    return {path: sha256(path) for path in paths}


@contextmanager
def calm() -> Iterator[None]:
    """Silence Lightning's advertisements, and restore torch's settings at the end."""
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


def has_begun(config: RunConfig) -> bool:
    """Return True if the run has a checkpoint, from which it can go on."""
    return (RUNS / config.name / LAST).exists()


def check_folder(folder: Path, config: C, resume: bool) -> tuple[C, C]:
    """Check that a run can begin in ``folder``, or go on there; return the configuration that it
    begins or began with, and the one to run with, whose processes may be others.

    Raises:
        ConfigError: the folder holds another run, or there is nothing to resume.
    """
    config = started(config)
    last = folder / LAST
    if resume and not last.exists():
        raise ConfigError(f"nothing to resume: {last} does not exist; train without --resume")
    if not resume and last.exists():
        raise ConfigError(
            f"{folder} holds a run already; go on with --resume, or give another one "
            "with --set name=NAME"
        )
    if not resume:
        return config, config
    path = folder / "config.json"
    try:
        old = from_mapping(type(config), parse_json(path.read_text(encoding="utf-8"), names=None))
    except (OSError, ValueError, AttributeError, DataError) as error:
        raise ConfigError(f"{path}: is not the configuration of a run ({error})") from error
    except ConfigError as error:
        raise ConfigError(f"{path} differs from the configuration given: {error}") from error
    given = as_begun(config, old)
    if old != given:
        keys = "; ".join(differing(to_mapping(old), to_mapping(given)))
        raise ConfigError(
            f"{path} differs from the configuration given: {keys}. A run goes on as it began; "
            "train another one with --set name=NAME"
        )
    return old, going_on(config, old)
