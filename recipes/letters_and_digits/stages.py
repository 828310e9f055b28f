"""This module lists the seven trainings of the model in the package, and their synthetic speech.

Each stage goes on from the model of the stage before. The comment on a stage says what was wrong
with that model, and so why there is another stage. ``prepare.py`` makes the data, and ``train.py``
trains.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """A training that goes on from the model of the one before.

    ``train`` gives its manifests, relative to the data folder; if there are none, it has those of
    ``config.toml``. ``settings`` take the place of settings of ``config.toml``.
    """

    name: str
    train: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()


TIMES = {"an4": 2, "fsdd": 3}
"""An epoch of some stages hears a corpus this often, because there is so much synthetic speech."""
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
    # They still were, even letters that the model was trained on. So augmentation changes less of
    # the speech, and masks and dropout leave out less of it.
    Stage(
        "fourth",
        LETTERS,
        ("training.epochs=7", "training.average=3", "optimizer.learning_rate=5e-4", *AGAIN, *LESS),
    ),
    # The model had learnt from letters drawn at random, where "p e t" is no likelier than "p t". In
    # names it is likelier.
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
    # A letter was lost or not depending on where the frames began: 20 ms later it was there. A clip
    # had been cut into the same frames in most epochs. With a little silence around it, it is cut
    # into other frames in each epoch.
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
"""For each set of synthetic speech, its hours as a multiple of ``--hours`` of prepare.py, and the
options of make_synthetic.py."""
