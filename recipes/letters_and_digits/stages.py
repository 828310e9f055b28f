"""The seven trainings that made the model in the package, and the synthetic speech they heard.

Each stage goes on from the model of the one before. A comment says what was wrong with that model,
and so why there is another stage. ``prepare.py`` makes the data, ``train.py`` trains.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """A training that goes on from the model of the one before.

    ``train`` are its manifests below the data folder (without any: those of ``config.toml``);
    ``settings`` are in place of those of ``config.toml``.
    """

    name: str
    train: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()


TIMES = {"an4": 2, "fsdd": 3}
"""How often an epoch of some stages hears a corpus, because there is so much synthetic speech."""
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
"""Synthetic speech: its hours, as multiples of ``--hours``, and options of make_synthetic.py."""
