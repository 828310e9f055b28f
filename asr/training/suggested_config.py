"""The configuration file of ``asr train`` that a suggestion is written into."""

import json
import textwrap
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from asr.config import to_mapping
from asr.counts import counted
from asr.model.config import EncoderConfig, FeatureConfig
from asr.model.directory import ModelInfo
from asr.training.config import AugmentConfig, Config, DataConfig, OptimizerConfig, TrainingConfig
from asr.training.suggestion import SHORT_BATCH, Machine, Recordings, Suggestion

HEADER = (
    "Written by recipes/your_data/prepare.py, and anew each time: keep changes in a copy, or give "
    "them with --set. It holds what differs from the defaults (asr/training/config.py)."
)
WIDTH = 100

STRONG = AugmentConfig(
    speeds=(0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15),
    frequency_width=20,
    time_masks=3,
    time_width=25,
    time_share=0.12,
)
"""Augmentation for little audio, as in AN4's recipe."""


def configure(
    suggestion: Suggestion, folder: Path, characters: str, info: ModelInfo | None
) -> Config:
    """Return the configuration of the run ``runs/NAME`` for the manifests in a folder called NAME.

    ``info`` describes the model that the suggestion starts from.
    """
    start = info if suggestion.init_from else None
    little = suggestion.little
    encoder = start.encoder if start else EncoderConfig()
    return Config(
        name=folder.name,
        data=DataConfig(
            train=(str(folder / "train.jsonl"),),
            dev=(str(folder / "dev.jsonl"),),
            characters=characters,
            max_duration=20.0 if suggestion.batch_seconds == SHORT_BATCH else 30.0,
        ),
        features=start.features if start else FeatureConfig(),
        encoder=replace(
            encoder,
            layers=suggestion.layers,
            hidden_size=suggestion.hidden_size,
            dropout=0.4 if little and not start else 0.3,
        ),
        augment=STRONG if little else AugmentConfig(),
        optimizer=OptimizerConfig(
            learning_rate=5e-4 if start else 1e-3, weight_decay=0.05 if little else 0.01
        ),
        training=TrainingConfig(
            epochs=suggestion.epochs,
            average=5,
            batch_seconds=suggestion.batch_seconds,
            init_from=suggestion.init_from,
        ),
    )


def written(
    config: Config, suggestion: Suggestion, recordings: Recordings, machine: Machine
) -> str:
    """Return the TOML file: comments on what to expect, then what differs from the defaults."""
    notes = [HEADER, expectation(suggestion, recordings, machine)]
    notes += [f"Warning: {warning}." for warning in suggestion.warnings]
    comments = [
        line
        for note in notes
        for line in textwrap.wrap(
            note, WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
        )
    ]
    return "\n".join([*comments, *to_toml(differences(to_mapping(config)))]) + "\n"


def expectation(suggestion: Suggestion, recordings: Recordings, machine: Machine) -> str:
    """Return a sentence that says how long the training will take, and why."""
    work = f"{counted(suggestion.epochs, 'epoch')} of {recordings.minutes:.1f} minutes of audio"
    if machine.speed is None or suggestion.minutes is None:
        return f"{work}."
    where = "a GPU" if machine.gpu else f"{machine.cores} CPU cores"
    return (
        f"Expected: {max(suggestion.minutes, 1):.0f} minutes, for {work} at "
        f"{machine.speed:.0f} times real time, as measured on {where}."
    )


def differences(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those values of a configuration (nested mappings) that are not the defaults.

    >>> differences({"seed": 1, "training": {"epochs": 3, "average": 1}})
    {'training': {'epochs': 3}}
    """
    return _differences(values, to_mapping(Config()))


def _differences(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            value = _differences(value, defaults[key]) or defaults[key]
        if value != defaults[key]:
            found[key] = value
    return found


def to_toml(values: Mapping[str, Any], section: str = "") -> list[str]:
    """Return lines of TOML: scalars and lists, then a table for each section that holds any.

    >>> to_toml({"name": "mine", "training": {"epochs": 3}})
    ['name = "mine"', '', '[training]', 'epochs = 3']
    """
    plain = {key: value for key, value in values.items() if not isinstance(value, Mapping)}
    lines = ["", f"[{section}]"] if section and plain else []
    lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in plain.items()]
    for key, value in values.items():
        if isinstance(value, Mapping):
            lines += to_toml(value, f"{section}.{key}" if section else key)
    return lines
