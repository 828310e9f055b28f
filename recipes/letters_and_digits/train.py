"""The default model, from the archives of AN4 and FSDD to a model directory ready to be shipped.

    python scripts/train_default.py --an4 an4_sphere.tar.gz --fsdd free-spoken-digit-dataset.tar.gz

Prepares both corpora, makes synthetic speech, trains as ``default_model.toml`` says and then in
six more stages (:data:`STAGES`), gives the model the words that it knows, measures it under
conditions and on speakers that are left out, and publishes it with its card. A step whose result is
there is not done again, and a training that was stopped goes on where it was. The minutes of each
step are printed, and kept in ``minutes.json`` of the run. To be called where ``recipes/`` lies;
``--epochs`` and ``--hours`` make it a trial.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

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

HERE = Path(__file__).parent
CONFIG = HERE / "default_model.toml"
CARD = HERE / "default_card.md"
DATA = Path("data")  # that of the configuration
PARTS = {"an4": ("train", "dev", "test"), "fsdd": ("train", "dev", "test", "test_strings")}
SCORES = {
    "an4_test": ("an4", "test", "greedy"),
    "an4_test_beam": ("an4", "test", "beam"),
    "fsdd_test_beam": ("fsdd", "test", "beam"),
    "fsdd_strings_beam": ("fsdd", "test_strings", "beam"),
}
"""What is put into the card, of which corpus, part and decoder."""
UNSEEN_EPOCHS, UNSEEN_SHARE = 3, 0.1  # of what is not FSDD


@dataclass(frozen=True)
class Stage:
    """A training that goes on from the model of the one before, on the manifests ``train`` below
    the data folder (none: those of the configuration), with ``settings`` in place of its own."""

    name: str
    train: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()


TIMES = {"an4": 2, "fsdd": 3}
"""How often an epoch of some stages hears a corpus, beside so much synthetic speech."""
OFTEN = {corpus: f"{corpus}/train_{times}_times.jsonl" for corpus, times in TIMES.items()}
AGAIN = ("optimizer.warmup=0.1", 'augment.noise.kinds=["white", "pink", "babble", "babble"]')
LOUD = ("augment.noise.probability=0.6", "augment.noise.snr=[0.0, 20.0]")
LESS = (
    *("augment.noise.probability=0.35", "augment.noise.snr=[3.0, 20.0]"),
    *("augment.reverb.probability=0.15", "augment.telephone.probability=0.2"),
    *("augment.codec.probability=0.15", "augment.silence.probability=0.3"),
    *("augment.frequency_width=6", "augment.time_width=6", "encoder.dropout=0.1"),
)
SHIFTED = ("augment.silence.probability=1.0", "augment.silence.seconds=[0.0, 0.4]")
SHORT = ("training.epochs=4", "training.average=2", "optimizer.learning_rate=3e-4")
LETTERS = (
    "an4/train.jsonl",
    "fsdd/train.jsonl",
    "synthetic/train.jsonl",
    "synthetic-3/train.jsonl",
)
STAGES = (
    Stage("first"),
    # Most digits in noise were wrong in babble.
    Stage(
        "second",
        (OFTEN["an4"], OFTEN["fsdd"], "synthetic-2/train.jsonl"),
        ("training.epochs=15", *AGAIN, *LOUD),
    ),
    # Letters that flite and festival run together were wrong three times as often as espeak's.
    Stage(
        "third",
        LETTERS,
        ("training.epochs=5", "training.average=3", "optimizer.learning_rate=4e-4", *AGAIN, *LOUD),
    ),
    # They still were, of those that were trained on too: less is changed and left out.
    Stage(
        "fourth",
        LETTERS,
        ("training.epochs=7", "training.average=3", "optimizer.learning_rate=5e-4", *AGAIN, *LESS),
    ),
    # After letters at random, "p e t" is no likelier than "p t": in names it is.
    Stage(
        "fifth",
        ("an4/train.jsonl", OFTEN["fsdd"], "synthetic/train.jsonl", "synthetic-4/train.jsonl"),
        ("training.epochs=8", "training.average=3", "optimizer.learning_rate=5e-4", *AGAIN, *LESS),
    ),
    # Names were better in every voice, but some still lost an "e" after a letter that rhymes.
    Stage(
        "sixth",
        ("an4/train.jsonl", "fsdd/train.jsonl", "synthetic/train.jsonl", "synthetic-5/train.jsonl"),
        (*SHORT, *AGAIN, *LESS),
    ),
    # A letter was lost where frames fell in one way and not 20 ms later: a clip had the same
    # frames in most epochs, and has others in each with a little silence around it.
    Stage(
        "seventh",
        (OFTEN["an4"], "fsdd/train.jsonl", "synthetic/train.jsonl", "synthetic-5/train.jsonl"),
        (*SHORT, *AGAIN, *LESS, *SHIFTED),
    ),
)
RUN_TOGETHER = ("--programs", "flite", "festival")
SPEECH: dict[str, tuple[float, tuple[str, ...]]] = {
    "synthetic": (1.0, ()),
    "synthetic-2": (2.0, ("--seed=2", "--texts", "confusable=0.35")),
    "synthetic-3": (0.75, ("--seed=3", "--texts", "confusable=0.6", *RUN_TOGETHER)),
    "synthetic-4": (
        1.25,
        ("--seed=4", "--texts", "confusable=0.15", "surnames=0.7", *RUN_TOGETHER),
    ),
    "synthetic-5": (0.875, ("--seed=5", "--texts", "lost-e=0.5", "surnames=0.4", *RUN_TOGETHER)),
}
"""Synthetic speech: hours, as multiples of ``--hours``, and what make_synthetic.py is told."""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--an4", type=Path, metavar="FILE", help="the official an4_sphere.tar.gz")
    parser.add_argument("--fsdd", type=Path, metavar="FILE", help="the dataset as .tar.gz")
    parser.add_argument("--download", action="store_true", help="fetch the archives not given")
    parser.add_argument("--data", type=Path, default=DATA, help="default: data")
    parser.add_argument("--run", type=Path, default=Path("runs/default"))
    parser.add_argument(
        "--hours",
        type=float,
        default=2.0,
        help="of synthetic speech in the first stage, the others in proportion; default: 2",
    )
    parser.add_argument("--epochs", type=int, help="of each stage; default: its own")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE")
    parser.add_argument("--output", type=Path, help="default: published/ in the folder of the run")
    options = parser.parse_args(arguments)
    trial = options.set
    if options.epochs is not None:
        trial = [*trial, f"training.epochs={options.epochs}"]
    archives = {"an4": options.an4, "fsdd": options.fsdd}
    try:
        tune_libraries()
        config = load_config(CONFIG, settings(STAGES[0], trial, options.data))
        steps = Steps(options.run / "minutes.json")
        for corpus, archive in archives.items():
            with steps(f"{corpus} prepared"):
                prepare(corpus, archive, options.download, options.data / corpus)
                repeat(options.data / corpus / "train.jsonl", TIMES[corpus])
        check_start(config)
        with steps("synthetic speech"):
            for name, (share, how) in SPEECH.items():
                synthesise(options.data / name, share * options.hours, *how)
        model = Path(config.training.init_from)
        for stage in STAGES:
            with steps(f"{stage.name} training"):
                start = f"training.init_from={model}"
                of_stage = settings(stage, [*trial, start], options.data)
                model = train(of_stage, options.run / stage.name)
        with steps("word list"):
            list_words(model, config, options.run)
        with steps("conditions"):
            conditions = measure(model, options.data, options.run)
        with steps("unseen speakers"):
            unseen = leave_out(config, options.data, options.run, options.set)
        with steps("scores"):
            scores = {name: score(model, options.data, options.run, name) for name in SCORES}
        output = options.output or options.run / "published"
        from publish_model import publish

        publish(model, CARD, scores, output, conditions, unseen, steps.path)
        steps.show()
    except AsrError as error:
        sys.exit(f"error: {error}")


class Steps:
    """The minutes of each step, those of earlier calls added, in a JSON file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.minutes: dict[str, float] = json.loads(path.read_text()) if path.exists() else {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """A step, which may be stopped."""
        started = time.monotonic()
        try:
            yield
        finally:
            minutes = (time.monotonic() - started) / 60
            self.minutes[name] = round(self.minutes.get(name, 0.0) + minutes, 3)
            write_atomically(self.path, json.dumps(self.minutes, indent=1) + "\n")
            print(f"{name}: {minutes:.1f} min", file=sys.stderr, flush=True)

    def show(self) -> None:
        """Of all steps."""
        for name, minutes in self.minutes.items():
            print(f"{name}: {minutes:.1f} min")
        print(f"all: {sum(self.minutes.values()):.1f} min")


def settings(stage: Stage, trial: Sequence[str], data: Path) -> list[str]:
    """What a stage has in place of the configuration's, with the manifests of a data folder."""
    given = [*stage.settings, *trial]
    config = load_config(CONFIG, given)
    train, dev = (
        [Path(path).relative_to(DATA) for path in paths]
        for paths in (config.data.train, config.data.dev)
    )
    return given + [
        f"data.{part}={json.dumps([str(data / path) for path in paths])}"
        for part, paths in (("train", stage.train or train), ("dev", dev))
    ]


def prepare(corpus: str, archive: Path | None, download: bool, output: Path) -> None:
    """The manifests of a corpus, by its recipe."""
    if all((output / f"{part}.jsonl").exists() for part in PARTS[corpus]):
        return
    if archive is None and not download:
        raise DataError(f"{output} is not prepared: needs --{corpus} FILE, or --download")
    source = ["--download"] if archive is None else ["--archive", archive]
    call(HERE.parent / "recipes" / corpus / "prepare.py", *source, "--output", output)


def check_start(config: Config) -> None:
    """See before hours of training that the last step can tell whom the starting model has heard.

    Raises:
        DataError: a manifest of its training is not there, or another one.
    """
    from unseen_speakers import trained_on

    trained_on(Path(config.training.init_from))


def synthesise(output: Path, hours: float, *more: str) -> None:
    """Synthetic speech, of which ``train.jsonl`` is written last."""
    if not (output / "train.jsonl").exists():
        call(HERE / "make_synthetic.py", "--output", output, "--hours", hours, *more)


def repeat(manifest: Path, times: int) -> None:
    """Beside ``manifest`` another one, with each of its utterances ``times`` times."""
    items = [
        replace(item, id=f"{item.id}-{count}" if count > 1 else item.id)
        for count in range(1, times + 1)
        for item in read_manifest(manifest)
    ]
    write_manifest(manifest.with_name(f"{manifest.stem}_{times}_times.jsonl"), items)


def call(script: Path, *arguments: object) -> None:
    """Run a script.

    Raises:
        DataError: it fails; it has said why.
    """
    done = subprocess.run([sys.executable, str(script), *map(str, arguments)])
    if done.returncode:
        raise DataError(f"{script.name} failed")


def train(settings: Iterable[str], run: Path) -> Path:
    """The model of the run, as :data:`CONFIG` says with ``settings``.

    In a process of its own: where several train, they are copies of it.
    """
    sets = [f"--set={setting}" for setting in settings]
    call(HERE / "resumed_runs.py", "--config", CONFIG, *sets, "--folder", run)
    return run / "model"


def list_words(model: Path, config: Config, run: Path) -> None:
    """Give the model the words of its training texts, and beam search the weights that are best
    with them on all development texts."""
    from asr.cli.lm_tune import tune

    info = read_model(model)
    if WORDS in info.files:
        return
    words, dev = run / "words.txt", run / "dev.jsonl"
    write_atomically(words, "\n".join(sorted(read_domain(model, info).words)) + "\n")
    write_manifest(dev, [item for path in config.data.dev for item in read_manifest(path)])
    tune(dev, model, lexicon=words)


def is_of(output: Path, model: Path, *keys: str) -> bool:
    """Whether a file of results is there already, and is of this very model, whose hash stands at
    ``keys``."""
    if not output.exists():
        return False
    value = json.loads(output.read_text())
    for key in keys:
        value = value[key]
    return bool(value == read_model(model).hash)


def measure(model: Path, data: Path, run: Path) -> Path:
    """What ``measure_conditions.py`` writes of this very model."""
    import measure_conditions

    output = run / "conditions.json"
    if is_of(output, model, "model"):
        return output
    corpora = [f"--{corpus}={data / corpus}" for corpus in PARTS]
    measure_conditions.main(
        [f"--model={model}", *corpora, f"--copies={data / 'conditions'}", f"--output={output}"]
    )
    return output


def score(model: Path, data: Path, run: Path, name: str) -> Path:
    """What ``asr evaluate`` finds of this very model, for one of :data:`SCORES`."""
    output = run / f"{name}.json"
    if is_of(output, model, "model", "sha256"):
        return output
    corpus, part, decoder = SCORES[name]
    manifest = data / corpus / f"{part}.jsonl"
    transcriber = Transcriber(model, decoder=decoder)
    values = results_values(evaluate(manifest, transcriber), transcriber)
    write_atomically(output, json.dumps(values, indent=1) + "\n")
    return output


def leave_out(config: Config, data: Path, run: Path, settings: list[str]) -> Path:
    """What ``unseen_speakers.py`` writes of models that begin where this one began."""
    import unseen_speakers

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
