"""Prepare your own recordings: make manifests, and a configuration that suits this machine too.

    python recipes/your_data/prepare.py recordings/ --output data/mine

The source is a folder of recordings with ``.txt`` files of the same names beside them, a table
(.csv, .tsv), or a data set of Kaldi, NeMo or lhotse. The script writes ``train.jsonl``,
``dev.jsonl``, ``test.jsonl`` and ``config.toml`` for ``asr train``. ``all.jsonl`` lists what was
read, and ``rejected.jsonl`` what cannot be used and why. If the script is stopped, the same command
goes on where it was.
"""

import argparse
import os
import shlex
import sys
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from asr.audio.probe import Probe, probe
from asr.audio.read import MAX_READ_SECONDS
from asr.cli.progress import CountProgress
from asr.counts import counted
from asr.data.formats.collect import Collected, clips_folder, collect
from asr.data.formats.detect import read_any
from asr.data.formats.item import Item
from asr.data.leakage import find_leakage
from asr.data.manifest import Problem, Utterance, write_manifest
from asr.data.split import PARTS, split
from asr.data.validation import to_json_lines, validate
from asr.errors import AsrError, AudioError, DataError, needs_extra
from asr.evaluation.normalization import BASIC, NO_PUNCTUATION
from asr.files import write_atomically
from asr.model.config import EncoderConfig, FeatureConfig
from asr.model.directory import ModelInfo, default_model, read_model
from asr.prefetch import prefetch_map
from asr.text import Vocabulary
from asr.training.config import DataConfig
from asr.training.environment import tune_libraries
from asr.training.suggested_config import configure, expectation, written
from asr.training.suggestion import Recordings, Start, suggest

LONGEST = DataConfig().max_duration
FEWEST_SPEAKERS = 5
"""With fewer speakers, development and test would take too large a share of them."""
RARE = 5
FEWEST_TEST_WORDS = 200
Pairs = list[tuple[str, Utterance]]
"""Utterances, each after the name of the file that it comes from."""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("source", type=Path, help="a folder, a table or a manifest")
    add("--output", type=Path, default=Path("data/mine"), help="the folder; default: data/mine")
    add("--dev-share", type=float, default=0.1, help="share of speakers or files; default: 0.1")
    add("--test-share", type=float, default=0.1, help="share of speakers or files; default: 0.1")
    add("--split", choices=("auto", "speakers", "files"), default="auto",
        help="the test has other speakers than training, or other files of the same speakers; "
        f"default: other speakers, if there are {FEWEST_SPEAKERS} or more")  # fmt: skip
    add("--seed", type=int, default=0, help="another seed draws another split; default: 0")
    add("--keep-punctuation", action="store_true", help="punctuation is to be recognised too")
    add("--max-rejected", type=float, default=0.2,
        help="the share of utterances that may be unusable; default: 0.2")  # fmt: skip
    start = parser.add_mutually_exclusive_group()
    start.add_argument(
        "--model", type=Path, help="the model to start from; default: the one in the package"
    )
    start.add_argument("--from-scratch", action="store_true", help="start from random weights")
    options = parser.parse_args(arguments)
    try:
        pairs = gather(
            options.source, options.output, options.keep_punctuation, options.max_rejected
        )
        shares = options.dev_share, options.test_share
        parts = divide(pairs, options.split, shares, options.seed)
        write_parts(parts, options.output)
        model = None if options.from_scratch else options.model or default_model()
        write_config(parts, options.output, model)
    except AsrError as error:
        sys.exit(f"error: {error}")


def gather(source: Path, output: Path, keep_punctuation: bool, max_rejected: float) -> Pairs:
    """Read ``source`` in whatever format it is, and leave out what cannot be used.

    Raises:
        DataError: the source has no known format, or too much of it is unusable.
    """
    manifest = output / "all.jsonl"
    problems: list[Problem] = []
    name, items = read_any(source, problems.append)
    folder = source if source.is_dir() else source.parent
    items = distinct(readable(items, problems), folder)
    collected = Collected([], [], 0, 0)
    if items:
        collected = collect(items, manifest, problems.append)
    if clips := collected.cut + collected.kept:
        print(f"{clips} clips of recordings are in {clips_folder(manifest)}")
    utterances = collected.utterances
    texts = [item.text for item in utterances]
    apply = (BASIC if keep_punctuation else NO_PUNCTUATION).apply
    utterances = [replace(item, text=apply(item.text)) for item in utterances]
    if utterances:
        write_manifest(manifest, utterances)
        problems += unusable(manifest, utterances)
    bad = {problem.line for problem in problems if problem.path == manifest}
    pairs = [
        (file_name(source, folder), utterance)
        for line, (source, utterance) in enumerate(
            zip(collected.sources, utterances, strict=True), start=1
        )
        if line not in bad
    ]
    rejected = len(bad) + sum(problem.path != manifest for problem in problems)
    total = len(pairs) + rejected
    write_atomically(output / "rejected.jsonl", to_json_lines(problems))
    kinds = Counter(problem.kind for problem in problems)
    counts = ", ".join(f"{kind}: {count}" for kind, count in kinds.most_common())
    if rejected > max_rejected * total or not pairs:
        raise DataError(
            f"{rejected} of {total} utterances cannot be used ({counts}); see "
            f"{output / 'rejected.jsonl'}, and mend them or allow more with --max-rejected"
        )
    print(f"{source} ({name}): {counted(total, 'utterance')}")
    if rejected:
        print(f"left out: {rejected} ({counts}); see {output / 'rejected.jsonl'}")
    say_what_was_changed(texts, utterances)
    return pairs


def readable(items: Sequence[Item], problems: list[Problem]) -> list[Item]:
    """Return the items whose audio can be read, as far as its header tells.

    The others are added to ``problems``. Whole files lose their duration, which is then that of the
    header.
    """
    paths = list({item.audio: None for item in items})
    threads = os.cpu_count() or 1
    found = dict(zip(paths, prefetch_map(_probe, paths, threads, 8 * threads), strict=True))
    kept = []
    for item in items:
        result = found[item.audio]
        if isinstance(result, AudioError):
            message = str(result).removeprefix(f"{item.audio}: ")
            problems.append(Problem(item.audio, 0, "audio", message, item.id))
        else:
            kept.append(item if item.start is not None else replace(item, duration=None))
    return kept


def _probe(path: Path) -> Probe | AudioError:
    try:
        return probe(path, MAX_READ_SECONDS)
    except AudioError as error:
        return error


def distinct(items: Sequence[Item], folder: Path) -> list[Item]:
    """Give every utterance that shares its id with another one the path of its file as its id."""
    ids = Counter(item.id for item in items)
    return [
        replace(item, id=str(Path(file_name(item.audio, folder)).with_suffix("")))
        if ids[item.id] > 1 and item.start is None
        else item
        for item in items
    ]


def file_name(recording: Path, folder: Path) -> str:
    """Return the path of a recording, relative to ``folder``, in Unicode NFC."""
    path = Path(os.path.relpath(recording, folder.absolute())).as_posix()
    return unicodedata.normalize("NFC", path)


def unusable(manifest: Path, utterances: Sequence[Utterance]) -> list[Problem]:
    """Return the first problem of each utterance of ``manifest`` that has any.

    All of the audio is decoded.
    """
    problems = []
    for line, item in enumerate(utterances, start=1):
        if not item.text:
            problems.append(Problem(manifest, line, "text", "nothing is said in it", item.id))
        if item.duration > LONGEST:
            message = f"{item.duration:.1f} s, needs {LONGEST:.0f} at most: cut it at pauses"
            problems.append(Problem(manifest, line, "long", message, item.id))
    features, encoder = FeatureConfig(), EncoderConfig()
    with CountProgress("recordings") as progress:
        validation = validate(
            manifest,
            Vocabulary.from_characters("".join(item.text for item in utterances)),
            lambda seconds: encoder.num_frames(
                features.num_frames(int(seconds * features.sample_rate))
            ),
            decoded=True,
            progress=progress.reached,
        )
    first = {problem.line: problem for problem in reversed([*problems, *validation.problems])}
    return [first[line] for line in sorted(first)]


def say_what_was_changed(before: Sequence[str], after: Sequence[Utterance]) -> None:
    """Print what normalisation did to the texts."""
    old = Counter("".join(map(BASIC.apply, before)).replace(" ", "").replace("’", "'"))
    new = Counter("".join(item.text for item in after).replace(" ", ""))
    print("texts: lower case, Unicode NFC, single spaces")
    if gone := old - new:
        signs = " ".join(f"{sign} ({count})" for sign, count in gone.most_common())
        print(f"punctuation taken out, --keep-punctuation keeps it: {signs}")


def divide(
    pairs: Pairs, how: str, shares: tuple[float, float], seed: int
) -> dict[str, list[Utterance]]:
    """Return the utterances of each part; no speaker, or else no file, is in two parts.

    Raises:
        DataError: the split is to be one of speakers, and some are unknown.
    """
    speakers = {item.speaker for _, item in pairs}
    unknown = sum(item.speaker is None for _, item in pairs)
    if how == "speakers" and unknown:
        raise DataError(f"the speakers of {unknown} utterances are unknown; take --split files")
    by_speaker = how == "speakers" or (
        how == "auto" and not unknown and len(speakers) >= FEWEST_SPEAKERS
    )
    keys = [str(item.speaker) if by_speaker else file for file, item in pairs]
    parts = split(keys, *shares, seed)
    if by_speaker:
        print("split: no speaker is in two parts; the test tells how other people are recognised")
    else:
        shared = (
            "may be (not all are known)"
            if unknown
            else f"are ({counted(len(speakers), 'speaker')})"
        )
        print(
            f"split: no file is in two parts, but speakers {shared}; the test tells how these "
            "people are recognised, not how others are"
        )
    return {
        part: [item for key, (_, item) in zip(keys, pairs, strict=True) if parts[key] == part]
        for part in PARTS
    }


def write_parts(parts: dict[str, list[Utterance]], output: Path) -> None:
    """Write the manifests, and print what is in them and what is amiss."""
    minutes = {}
    for part, items in parts.items():
        write_manifest(output / f"{part}.jsonl", items)
        minutes[part] = sum(item.duration for item in items) / 60
        words = sum(len(item.text.split()) for item in items)
        speakers = {item.speaker for item in items} - {None}
        print(
            f"{output / part}.jsonl: {counted(len(items), 'utterance')}, {minutes[part]:.2f} min, "
            f"{len(speakers) or 'unknown'} speakers, {counted(words, 'word')}"
        )
    test = parts["test"]
    print(f"training also holds {find_leakage(test, parts['train']).counts} of the test")
    if minutes["train"] < sum(minutes.values()) / 2:
        print("warning: less than half is left to train on; --seed N draws another split")
    words = sum(len(item.text.split()) for item in test)
    if words < FEWEST_TEST_WORDS:
        print(
            f"warning: the test has {counted(words, 'word')}: an error more or less is "
            f"{100 / words:.1f} "
            "points; --test-share takes more"
        )


def write_config(parts: dict[str, list[Utterance]], output: Path, model: Path | None) -> None:
    """Choose a network, measure how fast it trains on this machine, and write the configuration."""
    with needs_extra("training needs", "train"):
        tune_libraries()
        from asr.training.throughput import measure_speed, this_machine
    everything = [item for items in parts.values() for item in items]
    signs = Counter("".join(item.text for item in everything))
    recordings = Recordings(
        minutes=sum(item.duration for item in parts["train"]) / 60,
        utterances=len(parts["train"]),
        characters=frozenset(signs),
        longest=max(item.duration for item in everything),
    )
    info = None if model is None else read_model(model)
    start = None if model is None or info is None else start_of(model, info)
    machine = this_machine()
    suggestion = suggest(recordings, machine, start)
    known = start.characters if start and suggestion.init_from else frozenset()
    characters = "".join(sorted(recordings.characters | known))
    config = configure(suggestion, output, characters, info)
    if rare := sorted(sign for sign, count in signs.items() if count < RARE and sign not in known):
        print(f"warning: fewer than {RARE} times in all texts, is it meant? {' '.join(rare)}")
    machine = replace(machine, speed=measure_speed(config, output / "skipped.jsonl"))
    suggestion = suggest(recordings, machine, start)
    path = output / "config.toml"
    write_atomically(path, written(config, suggestion, recordings, machine))
    network = f"{suggestion.layers} layers of {suggestion.hidden_size}"
    print(f"{path}: {network}, from {suggestion.init_from or 'random weights'}")
    print(expectation(suggestion, recordings, machine))
    for warning in suggestion.warnings:
        print(f"warning: {warning}")
    run = Path("runs") / config.name
    manifest, model_folder, report = output / "test.jsonl", run / "model", run / "report"
    print("next:")
    print(f"  asr train --config {shlex.quote(str(path))}")
    print(
        f"  asr evaluate --manifest {shlex.quote(str(manifest))} --model "
        f"{shlex.quote(str(model_folder))} -o {shlex.quote(str(report))} --open"
    )


def start_of(model: Path, info: ModelInfo) -> Start:
    """Describe a model to start from; its path is relative if it lies in the current folder."""
    path = model.absolute()
    if path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    characters = frozenset(info.vocabulary.tokens[1:])
    return Start(path.as_posix(), info.encoder.layers, info.encoder.hidden_size, characters)


if __name__ == "__main__":
    main()
