"""Settings suggested for own recordings equal cases by hand, and the file written holds them."""

import tomllib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import ROOT

from asr.config import from_mapping, to_mapping
from asr.data.manifest import read_manifest
from asr.model.directory import read_model
from asr.training.config import Config, load_config
from asr.training.suggested_config import (
    STRONG,
    configure,
    differences,
    expectation,
    to_toml,
    written,
)
from asr.training.suggestion import Machine, Recordings, Start, is_foreign, suggest
from asr.training.throughput import measure_speed, this_machine

LETTERS = frozenset(" 'abcdefghijklmnopqrstuvwxyz")
CYRILLIC = frozenset(" абвгдежзийклмнопрстуфхцчшщъыьэюя")
START = Start("the model", 3, 256, LETTERS)
TWO_CORES = Machine(2)


def recordings(minutes, characters=LETTERS, longest=6.0, utterances=1000):
    """Return the description of recordings of this length."""
    return Recordings(minutes, utterances, frozenset(characters), longest)


@pytest.mark.parametrize(
    ("minutes", "characters", "machine", "start", "expected"),
    [
        # Expected are init_from, layers, hidden_size, epochs, batch_seconds and minutes.
        (10, LETTERS, Machine(2, speed=100), START, ("the model", 3, 256, 60, 24.0, 6.0)),
        (40, LETTERS, Machine(2, speed=100), START, ("the model", 3, 256, 30, 48.0, 12.0)),
        (1, LETTERS, Machine(2, speed=50), START, ("the model", 3, 256, 100, 24.0, 2.0)),
        (1000, LETTERS, TWO_CORES, START, ("the model", 3, 256, 10, 48.0, None)),
        (299, CYRILLIC, TWO_CORES, START, ("the model", 3, 256, 11, 48.0, None)),
        (300, CYRILLIC, TWO_CORES, START, ("", 4, 320, 57, 48.0, None)),
        (1200, LETTERS, TWO_CORES, START, ("", 4, 320, 30, 48.0, None)),
        (1200, LETTERS, Machine(2, gpu=True), START, ("", 4, 512, 30, 192.0, None)),
        (38, LETTERS, Machine(2, speed=100), None, ("", 3, 256, 160, 48.0, 60.8)),
        (152, LETTERS, Machine(2, gpu=True), None, ("", 3, 256, 80, 96.0, None)),
        (10, LETTERS, Machine(2, gpu=True), None, ("", 3, 256, 200, 48.0, None)),
    ],
)
def test_cases(minutes, characters, machine, start, expected):
    """The settings suggested for recordings, a machine and a start are those of the row."""
    found = suggest(recordings(minutes, characters), machine, start)
    *exact, took = (
        found.init_from, found.layers, found.hidden_size, found.epochs, found.batch_seconds,
        found.minutes,
    )  # fmt: skip
    assert (*exact,) == expected[:-1] and took == pytest.approx(expected[-1])


def test_long_recordings_need_long_batches():
    assert suggest(recordings(10, longest=19.2), TWO_CORES, START).batch_seconds == 24
    assert suggest(recordings(10, longest=19.3), TWO_CORES, START).batch_seconds == 48


@pytest.mark.parametrize("gpu", [False, True])
@pytest.mark.parametrize("start", [START, None])
def test_more_recordings_are_gone_through_less_often_in_more_time(gpu, start):
    ladder = [0.5 * 1.1**step for step in range(58)]  # it goes up to 114 min, with one start
    found = [suggest(recordings(minutes), Machine(2, gpu, 80), start) for minutes in ladder]
    for one, more in pairwise(found):
        assert one.epochs >= more.epochs
        assert one.minutes <= more.minutes * 1.01  # epochs are whole
        assert one.batch_seconds <= more.batch_seconds
    found = [suggest(recordings(minutes), Machine(2, gpu), None) for minutes in range(1, 3000, 7)]
    sizes = [(item.layers, item.hidden_size) for item in found]
    assert sizes == sorted(sizes)


def test_ten_minutes_take_less_than_fifteen_on_two_cores():
    """About ten minutes of recordings train in less than fifteen minutes on two cores.

    The machine has two thirds of the speed that is measured when nothing else runs.
    """
    for minutes in (5, 8, 10, 12, 15):
        assert suggest(recordings(minutes), Machine(2, speed=67), START).minutes <= 15


@pytest.mark.parametrize(
    ("given", "start", "machine", "phrases"),
    [
        (recordings(10), START, TWO_CORES, []),
        (recordings(4.9), START, TWO_CORES, ["too little to train on: 4.9 minutes; below 5 fine"]),
        (recordings(59), None, TWO_CORES, ["too little to train on: 59.0 minutes; from random"]),
        (recordings(60), None, TWO_CORES, []),
        (recordings(10, utterances=49), START, TWO_CORES, ["49 utterances to train on"]),
        (recordings(10, "aäß 4"), START, TWO_CORES, ["has no symbol for 4 ß ä", "four, not 4"]),
        (recordings(600), None, Machine(2, speed=33), ["about 12 hours on this machine: take a"]),
        (recordings(600), None, Machine(2, True, 33), ["this machine: fewer epochs"]),
        (recordings(600), None, Machine(2, speed=34), []),
    ],
)
def test_warnings(given, start, machine, phrases):
    warnings = suggest(given, machine, start).warnings
    assert len(warnings) == len(phrases)
    for warning, phrase in zip(warnings, phrases, strict=True):
        assert phrase in warning


def test_another_language():
    """Recordings are foreign to a model if it lacks several of their letters."""
    english = set(LETTERS)
    assert not is_foreign(recordings(1, english | set("é")), START)
    assert not is_foreign(recordings(1, "the"), START)
    assert is_foreign(recordings(1, english | set("äöüß")), START)


@pytest.mark.parametrize("minutes", [3, 10, 119, 120, 400, 2000])
@pytest.mark.parametrize("gpu", [False, True])
@pytest.mark.parametrize("from_model", [True, False])
def test_what_is_written_is_the_configuration(minutes, gpu, from_model, small_model, tmp_path):
    info = read_model(small_model)
    start = Start('a "model"', 2, 16, LETTERS) if from_model else None
    given, machine = recordings(minutes), Machine(2, gpu, 90)
    suggestion = suggest(given, machine, start)
    config = configure(suggestion, Path("data/mine"), " 'abcäß\\", info)
    path = tmp_path / "config.toml"
    path.write_text(written(config, suggestion, given, machine), encoding="utf-8")
    assert load_config(path) == config
    assert config.name == "mine" and config.data.dev == ("data/mine/dev.jsonl",)
    if suggestion.init_from:
        assert config.encoder == replace(info.encoder, dropout=config.encoder.dropout)
    lines = path.read_text().splitlines()
    assert max(map(len, lines)) <= 100
    values = tomllib.loads(path.read_text())
    assert values == differences(to_mapping(config))


def test_little_audio_is_augmented_as_in_the_recipe_of_an4():
    assert load_config(ROOT / "recipes/an4/config.toml").augment == STRONG


def test_toml_of_nested_sections():
    values = {"name": "a", "augment": {"noise": {"kinds": ["white"], "probability": 0.25}}}
    assert to_toml(values) == [
        'name = "a"', "", "[augment.noise]", 'kinds = ["white"]', "probability = 0.25",
    ]  # fmt: skip
    assert differences(to_mapping(from_mapping(Config, values))) == {
        "name": "a",
        "augment": {"noise": {"kinds": ["white"], "probability": 0.25}},
    }


def test_expectation():
    given, machine = recordings(9.87), Machine(2, speed=100.4)
    said = expectation(suggest(given, machine, START), given, machine)
    assert said == (
        "Expected: 6 minutes, for 60 epochs of 9.9 minutes of audio at 100 times real time, as "
        "measured on 2 CPU cores."
    )
    assert expectation(suggest(given, TWO_CORES, START), given, TWO_CORES) == (
        "60 epochs of 9.9 minutes of audio."
    )


def test_speed_is_that_of_real_steps(tmp_path):
    lines = []
    for path in sorted((ROOT / "samples").glob("*.wav")):
        text = path.with_suffix(".txt").read_text().strip()
        lines.append(f'{{"audio_filepath": "{path}", "duration": 3, "text": "{text}"}}\n')
    (tmp_path / "m.jsonl").write_text("".join(lines))
    values = {
        "data": {"train": [str(tmp_path / "m.jsonl")], "dev": [str(tmp_path / "m.jsonl")],
                 "cache": str(tmp_path / "cache")},
        "encoder": {"layers": 1, "hidden_size": 8, "channels": 2},
        "training": {"accelerator": "cpu"},
    }  # fmt: skip
    assert len(read_manifest(tmp_path / "m.jsonl")) == 8
    speed = measure_speed(from_mapping(Config, values), tmp_path / "skipped.jsonl", seconds=0.3)
    assert 1 < speed < 1e5
    assert this_machine().cores >= 1 and this_machine().speed is None
