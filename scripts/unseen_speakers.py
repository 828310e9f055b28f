"""How well does the default model know a voice it has never heard? Each speaker of FSDD in turn.

    python scripts/unseen_speakers.py

Needs what train_default.py prepares. Six short trainings as ``default_model.toml`` says, each
without the recordings of one of the six speakers; its model recognises all 500 digits of that
speaker, and the test strings. Writes ``default_unseen.json``; runs that are there are not trained
again.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asr.errors import AsrError, TrainingError
from asr.files import write_atomically
from asr.manifest import Utterance, read_manifest, write_manifest
from asr.report.evaluate import evaluate
from asr.report.results import score_values
from asr.transcriber import Transcriber

HERE = Path(__file__).parent
CONFIG = HERE / "default_model.toml"
DATA = Path("data/fsdd")
EPOCHS = 5
PARTS = ("train", "dev", "test")


@dataclass(frozen=True)
class Run:
    """One training, without ``speaker``."""

    speaker: str

    @property
    def folder(self) -> Path:
        """Where ``asr train`` keeps the run."""
        return Path("runs") / f"default-without-{self.speaker}"

    @property
    def data(self) -> Path:
        """The manifests of it."""
        return self.folder.parent / f"{self.folder.name}-data"

    @property
    def settings(self) -> dict[str, Any]:
        """Its arguments of ``--set``."""
        others = ["data/an4/train.jsonl", "data/synthetic/train.jsonl"]
        return {
            "name": self.folder.name,
            "data.train": json.dumps([*others, str(self.data / "train.jsonl")]),
            "data.dev": json.dumps(["data/an4/dev.jsonl", str(self.data / "dev.jsonl")]),
            "training.epochs": EPOCHS,
            "training.average": 1,
        }


def main() -> None:
    try:
        parts = {name: read_manifest(DATA / f"{name}.jsonl") for name in (*PARTS, "test_strings")}
        speakers = sorted({item.speaker for item in parts["test"]})
        rows = [measure(Run(str(speaker)), parts) for speaker in speakers]
        values = {"table": "unseen", "epochs": EPOCHS, "speakers": rows}
        write_atomically(HERE / "default_unseen.json", json.dumps(values, indent=1) + "\n")
    except AsrError as error:
        sys.exit(f"error: {error}")


def measure(run: Run, parts: dict[str, list[Utterance]]) -> dict[str, Any]:
    """The scores of a speaker, by the model that was trained without."""
    for name in ("train", "dev"):
        kept = [item for item in parts[name] if item.speaker != run.speaker]
        write_manifest(run.data / f"{name}.jsonl", kept)
    own = [item for name in PARTS for item in parts[name] if item.speaker == run.speaker]
    write_manifest(run.data / "digits.jsonl", [item for item in own if " " not in item.text])
    strings = [item for item in parts["test_strings"] if item.speaker == run.speaker]
    write_manifest(run.data / "strings.jsonl", strings)
    if not (run.folder / "model").exists():
        train(run)
    transcriber = Transcriber(run.folder / "model")
    row: dict[str, Any] = {"speaker": run.speaker}
    for name in ("digits", "strings"):
        score = evaluate(run.data / f"{name}.jsonl", transcriber).score
        row[name] = score_values(score)
        print(f"{run.speaker}, {name}: {score.words}", flush=True)
    row["minutes"] = transcriber.model.provenance["minutes"]
    return row


def train(run: Run) -> None:
    """Train, or go on where it was stopped."""
    command = [str(Path(sys.executable).with_name("asr")), "train", "--config", str(CONFIG)]
    for key, value in run.settings.items():
        command += ["--set", f"{key}={value}"]
    if (run.folder / "last.ckpt").exists():
        command.append("--resume")
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise TrainingError(f"{run.folder}: {done.stderr.strip()}")


if __name__ == "__main__":
    main()
