"""The model inside the package, from the archives of AN4 and FSDD to the model directory.

    python scripts/train_default.py --an4 an4_sphere.tar.gz --fsdd free-spoken-digit-dataset.tar.gz

Prepares both corpora, makes the synthetic speech and the noisy copies, trains on from the AN4 model
(``recipes/an4/model``) as ``default_model.toml`` says, measures, and writes ``asr/models/default``
with its card. Each step is a command that can be called alone; what takes long and was done, or
begun, is taken up again: delete ``runs/default*`` for a new training. On two cores, the training
takes about {training} minutes, the six trainings without a speaker {unseen}, the rest ten.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path("scripts")
RUN = Path("runs/default")
MODEL = RUN / "model"
PACKAGED = Path("asr/models/default")
TALKERS = "data/an4/train.jsonl"
NOISY = ("an4/dev", "an4/test", "fsdd/dev", "fsdd/test", "fsdd/test_strings")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--an4", type=Path, required=True, help="the official an4_sphere.tar.gz")
    parser.add_argument("--fsdd", type=Path, required=True, help="the dataset as .tar.gz")
    options = parser.parse_args(arguments)
    for command in steps(options.an4, options.fsdd):
        print("+", *command, file=sys.stderr, flush=True)
        tool = sys.executable if command[0].endswith(".py") else beside("asr")
        rest = command if command[0].endswith(".py") else command[1:]
        if code := subprocess.run([tool, *rest]).returncode:
            sys.exit(code)


def steps(an4: Path, fsdd: Path) -> list[list[str]]:
    """What is left to do, each a script or ``asr`` with its arguments."""
    prepared = [
        ["recipes/an4/prepare.py", "--archive", str(an4), "--output", "data/an4"],
        ["recipes/fsdd/prepare.py", "--archive", str(fsdd), "--output", "data/fsdd"],
        [script("make_synthetic"), "--output", "data/synthetic"],
    ]
    for part in NOISY:
        corpus = Path(part).parent
        noisy = ["--talkers", TALKERS, "--output", f"data/conditions/{corpus}"]
        prepared.append([script("make_conditions"), "--manifest", f"data/{part}.jsonl", *noisy])
    train = ["asr", "train", "--config", script("default_model", "toml")]
    if (RUN / "last.ckpt").exists():
        train.append("--resume")
    training = [] if MODEL.exists() else [train]
    tested = ["--manifest", "data/an4/test.jsonl", "--model", str(MODEL), "-o", f"{RUN}/an4_test"]
    scores = {
        "an4_test": f"{RUN}/an4_test/results.json",
        "conditions": f"{RUN}/conditions.json",
        "unseen": script("default_unseen", "json"),
    }
    publish = ["--model", str(MODEL), "--card", script("default_card", "md")]
    for name, path in scores.items():
        publish += ["--score", f"{name}={path}"]
    return [
        *prepared,
        *training,
        [script("benchmark_times"), "--archive", str(fsdd), "--model", str(MODEL), "--write"],
        [script("unseen_speakers")],
        ["asr", "evaluate", *tested],
        [script("measure_conditions"), "--model", str(MODEL), "--output", scores["conditions"]],
        [script("publish_model"), *publish, "--output", str(PACKAGED)],
        [script("results_table")],
    ]


def script(name: str, suffix: str = "py") -> str:
    """A file of this folder."""
    return str(SCRIPTS / f"{name}.{suffix}")


def beside(program: str) -> str:
    """Of this Python's environment."""
    return os.fspath(Path(sys.executable).with_name(program))


if __name__ == "__main__":
    main()
