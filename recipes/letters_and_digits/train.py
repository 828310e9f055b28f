"""Train the model in the package, from prepared data to a directory that is ready to be shipped.

    python recipes/letters_and_digits/prepare.py --an4 an4_sphere.tar.gz \\
        --fsdd free-spoken-digit-dataset.tar.gz
    python recipes/letters_and_digits/train.py

The script trains the stages of ``stages.py``, the first of which ``config.toml`` describes. It
gives the model the list of the words that it knows, measures it in degraded recordings and on
speakers that are left out, and publishes it with its card. A step whose result exists is not done
again, and a training that was stopped goes on where it was. The minutes of each step are printed,
and kept in ``minutes.json`` of the run. Call the script from the folder that holds ``recipes/``.
With ``--epochs`` it is a short trial; ``--stage`` trains one stage alone.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import measure_conditions
import publish
import unseen_speakers
from prepare import PARTS
from stages import STAGES, Stage

from asr.data.manifest import read_manifest, write_manifest
from asr.decoding.bundle import WORDS
from asr.errors import AsrError, DataError
from asr.evaluation.evaluate import evaluate, results_values
from asr.files import write_atomically
from asr.model.directory import read_model
from asr.model.domain import read_domain
from asr.recognition.transcriber import Transcriber
from asr.training.config import Config, load_config
from asr.training.environment import tune_libraries
from asr.training.fit import fit_once

HERE = Path(__file__).parent
CONFIG = HERE / "config.toml"
CARD = HERE / "card.md"
DATA = Path("data")  # config.toml names its manifests below this folder
SCORES = {
    "an4_test": ("an4", "test", "greedy"),
    "an4_test_beam": ("an4", "test", "beam"),
    "fsdd_test_beam": ("fsdd", "test", "beam"),
    "fsdd_strings_beam": ("fsdd", "test_strings", "beam"),
}
"""The results that the card gives, by name, each with its corpus, part and decoder."""
UNSEEN_EPOCHS = 3
UNSEEN_SHARE = 0.1  # the share of the utterances outside FSDD that is trained on


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="the prepared data; default: data")
    parser.add_argument(
        "--run",
        type=Path,
        default=Path("runs/default"),
        help="the folder to keep all results in; default: runs/default",
    )
    parser.add_argument(
        "--epochs", type=int, help="train each stage for this many epochs; default: its own"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="change a setting of all trainings",
    )
    parser.add_argument(
        "--stage", choices=[stage.name for stage in STAGES], help="train this stage alone"
    )
    parser.add_argument(
        "--output", type=Path, help="the model to write; default: published/ in --run"
    )
    options = parser.parse_args(arguments)
    trial = options.set
    if options.epochs is not None:
        trial = [*trial, f"training.epochs={options.epochs}"]
    try:
        tune_libraries()
        if options.stage is not None:
            train(options.stage, trial, options.data, options.run)
        else:
            make(trial, options.set, options.data, options.run, options.output)
    except AsrError as error:
        sys.exit(f"error: {error}")


def make(
    trial: Sequence[str], settings: Sequence[str], data: Path, run: Path, output: Path | None
) -> None:
    """Train all stages as ``trial`` says, measure the model, and publish it to ``output``."""
    config = config_of(STAGES[0], trial, data, run)
    # An unusable model to start from fails here, before hours of training.
    unseen_speakers.trained_on(Path(config.training.init_from))
    steps = Steps(run / "minutes.json")
    for stage in STAGES:
        with steps(f"{stage.name} training"):
            train_apart(stage, trial, data, run)
    model = run / STAGES[-1].name / "model"
    with steps("word list"):
        list_words(model, config, run)
    with steps("conditions"):
        conditions = measure(model, data, run)
    with steps("unseen speakers"):
        unseen = leave_out(config, data, run, settings)
    with steps("scores"):
        scores = {name: score(model, data, run, name) for name in SCORES}
    output = output or run / "published"
    publish.publish(model, CARD, scores, output, conditions, unseen, steps.path)
    steps.show()


class Steps:
    """A JSON file of the minutes of each step, which adds those of this call to earlier ones."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.minutes: dict[str, float] = json.loads(path.read_text()) if path.exists() else {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Count the minutes of a step, which may be stopped."""
        started = time.monotonic()
        try:
            yield
        finally:
            minutes = (time.monotonic() - started) / 60
            self.minutes[name] = round(self.minutes.get(name, 0.0) + minutes, 3)
            write_atomically(self.path, json.dumps(self.minutes, indent=1) + "\n")
            print(f"{name}: {minutes:.1f} min", file=sys.stderr, flush=True)

    def show(self) -> None:
        """Print the minutes of all steps."""
        for name, minutes in self.minutes.items():
            print(f"{name}: {minutes:.1f} min")
        print(f"all: {sum(self.minutes.values()):.1f} min")


def config_of(stage: Stage, trial: Sequence[str], data: Path, run: Path) -> Config:
    """Return the configuration of a stage.

    It is :data:`CONFIG` with the settings of the stage and the manifests of a data folder. From the
    second stage on, it starts from the model of the stage before, which lies in ``run``.
    """
    given = [*stage.settings, *trial]
    place = STAGES.index(stage)
    if place:
        given.append(f"training.init_from={run / STAGES[place - 1].name / 'model'}")
    config = load_config(CONFIG, given)
    train, dev = (
        [Path(path).relative_to(DATA) for path in paths]
        for paths in (config.data.train, config.data.dev)
    )
    manifests = [
        f"data.{part}={json.dumps([str(data / path) for path in paths])}"
        for part, paths in (("train", stage.train or train), ("dev", dev))
    ]
    return load_config(CONFIG, [*given, *manifests])


def train(name: str, trial: Sequence[str], data: Path, run: Path) -> None:
    """Train one stage, or what is left to train of it."""
    stage = next(stage for stage in STAGES if stage.name == name)
    fit_once(config_of(stage, trial, data, run), run / name)


def train_apart(stage: Stage, trial: Sequence[str], data: Path, run: Path) -> None:
    """Train a stage in a process of its own.

    Where several processes train together, they are copies of this one.

    Raises:
        DataError: the process failed; it has printed why.
    """
    options = [f"--stage={stage.name}", f"--data={data}", f"--run={run}"]
    options += [f"--set={setting}" for setting in trial]
    if subprocess.run([sys.executable, __file__, *options]).returncode:
        raise DataError(f"the {stage.name} stage failed")


def list_words(model: Path, config: Config, run: Path) -> None:
    """Give the model the words of its training texts, and tune the weights of its beam search.

    The weights are those that are best with these words on all development texts.
    """
    from asr.cli.lm_tune import tune

    info = read_model(model)
    if WORDS in info.files:
        return
    words, dev = run / "words.txt", run / "dev.jsonl"
    write_atomically(words, "\n".join(sorted(read_domain(model, info).words)) + "\n")
    write_manifest(dev, [item for path in config.data.dev for item in read_manifest(path)])
    options = [f"--manifest={dev}", f"--model={model}", f"--lexicon={words}"]
    tune.main(options, standalone_mode=False)


def is_of(output: Path, model: Path, *keys: str) -> bool:
    """Return whether a file of results exists and is about this very model.

    The hash of its model stands at ``keys``, from the outermost object to the innermost.
    """
    if not output.exists():
        return False
    value = json.loads(output.read_text())
    for key in keys:
        value = value[key]
    return bool(value == read_model(model).hash)


def measure(model: Path, data: Path, run: Path) -> Path:
    """Return the results of ``measure_conditions.py`` for this very model."""
    output = run / "conditions.json"
    if is_of(output, model, "model"):
        return output
    corpora = [f"--{corpus}={data / corpus}" for corpus in PARTS]
    measure_conditions.main(
        [f"--model={model}", *corpora, f"--copies={data / 'conditions'}", f"--output={output}"]
    )
    return output


def score(model: Path, data: Path, run: Path, name: str) -> Path:
    """Return the results of ``asr evaluate`` for this very model and one of :data:`SCORES`."""
    output = run / f"{name}.json"
    if is_of(output, model, "model", "sha256"):
        return output
    corpus, part, decoder = SCORES[name]
    manifest = data / corpus / f"{part}.jsonl"
    transcriber = Transcriber(model, decoder=decoder)
    values = results_values(evaluate(manifest, transcriber), transcriber)
    write_atomically(output, json.dumps(values, indent=1) + "\n")
    return output


def leave_out(config: Config, data: Path, run: Path, settings: Sequence[str]) -> Path:
    """Return the results of ``unseen_speakers.py`` for models that begin where this one began."""
    output = run / "unseen.json"
    if not output.exists():
        also = [path for path in config.data.train if Path(path).parent != data / "fsdd"]
        unseen_speakers.main(
            [
                f"--model={config.training.init_from}",
                *(f"--fsdd={data / 'fsdd'}", "--also", *also, f"--share={UNSEEN_SHARE}"),
                f"--epochs={min(UNSEEN_EPOCHS, config.training.epochs)}",
                *(f"--set={setting}" for setting in (*settings, "training.devices=1")),
                *(f"--runs={run / 'unseen'}", f"--output={output}"),
            ]
        )
    return output


if __name__ == "__main__":
    main()
