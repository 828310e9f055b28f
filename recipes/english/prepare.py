"""Prepare English speech: make manifests of real and synthetic recordings, by sets.

    python recipes/english/prepare.py --speech SPEECH --an4 data/an4 \
        --synthetic data/english/synthetic --letters data/synthetic/train.jsonl

``--speech`` is a folder of corpora, each with ``manifest.jsonl`` whose lines name a ``split``.
The script writes ``train.jsonl``, ``dev.jsonl``, ``test.jsonl`` and ``noise.jsonl``. The field
``set`` of their lines is what ``mix.toml`` weighs. Recordings of Speech Commands and of AN4 are
also joined with those of other speakers, so that words follow each other without pauses. Short
sentences are joined as they are: a model that has heard nothing but single ones stays silent after
the first of a long recording. Single words are cut at their edges (``words.py``). Each set of the
test has a manifest of its own besides, ``test_SET.jsonl``, and AN4's test is joined to recordings
of five minutes in ``test_an4_joined.jsonl``. Recordings of noise are in the training, too, with an
empty text, so that the model learns to keep silent; a fifth of them is in no training, but in
``test_noise.jsonl``.

Training recordings whose ids are in ``left_out.txt`` are left out: a model found their texts far
less likely than what it heard (``label_score`` of ``asr evaluate``), by more than 2.5 nats a
character. Most are cut off, or say something else.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from audio import SAMPLE_RATE, in_set, levelled, recorded, trimmed
from words import single_words

from asr.audio.read import read_audio
from asr.counts import counted
from asr.data.corpora import with_durations
from asr.data.manifest import Utterance, read_manifest, write_manifest
from asr.errors import AsrError
from asr.files import read_text

LEFT_OUT = Path(__file__).with_name("left_out.txt")
SETS = {
    "librispeech_resemblyzer": "librispeech",
    "speechocean762": "speechocean",
    "kathleen_arctic": "arctic",
    "ljspeech_part": "ljspeech",
    "dctts_philipp_reads_lj": "philipp",
    "common_voice_puri": "common_voice",
    "vctk_autovc": "vctk",
    "grid_s1": "grid",
    "robotutor_english": "robotutor",
    "librivox_moby_wills": "librivox",
    "alphanumeric_duke": "spelled",
    "speech_commands_v2_test": "commands",
    "speech_commands_bed_cat_happy": "bed_cat_happy",
}
"""The names of the sets by the folders of the corpora."""

JOINED = {"an4": (600, 4), "commands": (900, 8)}
"""For these sets, the number of joined recordings and the most that one is joined of."""
IN_A_ROW = {"speechocean": 1500, "robotutor": 600, "orders": 200, "hibari": 1500}
"""For these sets, the number of recordings in which utterances follow each other as they are."""
LONGEST = 20.0
COMBINED = ("joined_", "row_", "word_")
"""How the names of sets begin whose recordings are made of those of other sets."""
FEW = 8
"""The most utterances that follow each other in a recording of the training."""
LONG = 300.0
"""The seconds of the long recordings of the test."""
SYNTHETIC = ("hibari", "row_hibari", "kokoro", "letters", "word_synthetic")
"""The sets of synthetic speech."""
DEV_SYNTHETIC = "kokoro-000"
"""The shard of which the first 100 utterances are a development set."""
TEST_NOISE = "5"
"""The part of ESC-10, the first number in a name, whose noises are in no training."""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--speech", type=Path, required=True, help="the folder of corpora")
    add("--an4", type=Path, required=True, help="the folder of AN4's manifests (recipes/an4)")
    add("--synthetic", type=Path, required=True, help="the folder of shards (synthesise.py)")
    add(
        "--labelled",
        type=Path,
        help="a manifest of label.py, whose recordings become the set orders",
    )
    add(
        "--letters",
        type=Path,
        help="a manifest of recipes/letters_and_digits/make_synthetic.py: the set letters",
    )
    add("--output", type=Path, default=Path("data/english"), help="default: data/english")
    options = parser.parse_args(arguments)
    try:
        more = {"orders": options.labelled, "letters": options.letters}
        prepare(options.speech, options.an4, options.synthetic, options.output, more)
    except AsrError as error:
        sys.exit(f"error: {error}")


def prepare(
    speech: Path, an4: Path, synthetic: Path, output: Path, more: Mapping[str, Path | None]
) -> None:
    """Write the manifests; those of ``more`` become sets of the training, by their names.

    Raises:
        DataError: a manifest is missing or damaged.
    """
    parts = real(speech, an4)
    for name, (count, most) in JOINED.items():
        items = [item for item in parts["train"] if item.extra["set"] == name]
        parts["train"] += joined(items, name, count, most, output / "joined")
    for name, path in more.items():
        if path is not None:
            parts["train"] += [in_set(item, name) for item in read_manifest(path)]
    noises: dict[bool, list[Utterance]] = {True: [], False: []}
    for item in read_manifest(speech / "noise" / "manifest.jsonl"):
        noises[item.audio.stem.split("-")[1] == TEST_NOISE].append(in_set(item, "noise"))
    parts["train"] += noises[False]
    for manifest in sorted(synthetic.glob("*.jsonl")):
        items = read_manifest(manifest)
        if manifest.stem == DEV_SYNTHETIC:
            parts["dev"] += [in_set(item, "synthetic") for item in items[:100]]
            items = items[100:]
        parts["train"] += items
    for name, count in IN_A_ROW.items():
        items = [item for item in parts["train"] if item.extra["set"] == name]
        parts["train"] += in_a_row(items, name, count, output / "joined")
    parts["train"] += single_words(parts["train"], output / "words")
    for part, items in parts.items():
        write_manifest(output / f"{part}.jsonl", items)
        say(output / f"{part}.jsonl", items)
    tests: dict[str, list[Utterance]] = defaultdict(list, {"noise": noises[True]})
    for item in parts["test"]:
        tests[item.extra["set"]].append(item)
    tests["an4_joined"] = long_ones(tests["an4"], output / "joined" / "test_an4")
    for name, items in tests.items():
        write_manifest(output / f"test_{name}.jsonl", items)
    write_manifest(output / "noise.jsonl", noises[False])


def real(speech: Path, an4: Path) -> dict[str, list[Utterance]]:
    """Return the real recordings by their parts, in sets; those for training without those of over
    20 s and those of :data:`LEFT_OUT`."""
    parts: dict[str, list[Utterance]] = {"train": [], "dev": [], "test": []}
    for folder, name in SETS.items():
        # Some manifests have the durations of the files that the recordings were converted from.
        items, errors = with_durations(read_manifest(speech / folder / "manifest.jsonl"))
        for error in errors:
            print(f"left out: {error}", file=sys.stderr)
        for item in items:
            parts[item.extra["split"]].append(in_set(item, name))
    for part, items in parts.items():
        items += [in_set(item, "an4") for item in read_manifest(an4 / f"{part}.jsonl")]
    doubtful = {*read_text(LEFT_OUT, "list of ids").split()}
    parts["train"] = [
        item for item in parts["train"] if item.duration <= LONGEST and item.id not in doubtful
    ]
    return parts


def joined(
    items: Sequence[Utterance], name: str, count: int, most: int, folder: Path
) -> list[Utterance]:
    """Return recordings that are joined of two to ``most`` of ``items``, with up to 0.2 s between.

    Silence at the ends of each is cut to at most a tenth of a second, and each has its own level.
    """
    found = []
    for number in range(count):
        rng = np.random.default_rng([number, most])
        chosen = rng.choice(len(items), int(rng.integers(2, most + 1)), replace=False)
        parts: list[np.ndarray] = []
        for index in chosen:
            samples = trimmed(read_audio(items[index].audio, SAMPLE_RATE).samples, -30.0, 10)
            parts += [levelled(samples, rng), np.zeros(int(rng.uniform(0, 0.2) * SAMPLE_RATE))]
        audio = np.concatenate(parts).astype(np.float32)
        if len(audio) > LONGEST * SAMPLE_RATE:
            continue
        path, id = folder / name / f"{number:04d}.flac", f"joined-{name}-{number:04d}"
        item = combined([items[index] for index in chosen], audio, path, id)
        found.append(in_set(item, f"joined_{name}"))
    return found


def in_a_row(items: Sequence[Utterance], name: str, count: int, folder: Path) -> list[Utterance]:
    """Return recordings of up to :data:`LONGEST` seconds in which utterances follow each other as
    they are: those of one speaker, if the speaker has several."""
    speakers: dict[str | None, list[Utterance]] = defaultdict(list)
    for item in items:
        speakers[item.speaker].append(item)
    found = []
    for number in range(count if items else 0):
        rng = np.random.default_rng([number, len(items)])
        first = items[rng.integers(len(items))]
        own = speakers[first.speaker] if len(speakers[first.speaker]) > 1 else items
        chosen, left = list[Utterance](), rng.uniform(LONGEST / 2, LONGEST)
        for place in rng.permutation(len(own))[:FEW]:
            if own[place].duration <= left:
                chosen.append(own[place])
                left -= own[place].duration
        if len(chosen) < 2:
            continue
        audio = np.concatenate([read_audio(item.audio, SAMPLE_RATE).samples for item in chosen])
        path, id = folder / f"{name}_row" / f"{number:04d}.flac", f"row-{name}-{number:04d}"
        item = combined(chosen, audio, path, id, None if own is items else first.speaker)
        found.append(in_set(item, f"row_{name}"))
    return found


def long_ones(items: Sequence[Utterance], folder: Path) -> list[Utterance]:
    """Return recordings of :data:`LONG` seconds and more, the last one shorter, in which ``items``
    follow each other as they are."""
    found, parts, chosen = list[Utterance](), list[np.ndarray](), list[Utterance]()
    for item in items:
        parts.append(read_audio(item.audio, SAMPLE_RATE).samples)
        chosen.append(item)
        if sum(map(len, parts)) >= LONG * SAMPLE_RATE or item is items[-1]:
            number = f"{len(found):04d}"
            path = folder / f"{number}.flac"
            found.append(combined(chosen, np.concatenate(parts), path, f"joined-{number}"))
            parts, chosen = [], []
    return found


def combined(
    items: Sequence[Utterance], audio: np.ndarray, path: Path, id: str, speaker: str | None = None
) -> Utterance:
    """Write the samples of a recording in which ``items`` follow each other, and return it."""
    return recorded(path, audio, " ".join(item.text for item in items), id, speaker)


def say(path: Path, items: Iterable[Utterance]) -> None:
    """Print what is in a manifest, by sets."""
    sets: dict[str, list[Utterance]] = defaultdict(list)
    for item in items:
        sets[item.extra["set"]].append(item)
    for name, of_set in sets.items():
        hours = sum(item.duration for item in of_set) / 3600
        speakers = len({item.speaker for item in of_set})
        print(f"{path}: {name}, {counted(len(of_set), 'utterance')}, {hours:.2f} h, "
              f"{counted(speakers, 'speaker')}")  # fmt: skip


if __name__ == "__main__":
    main()
