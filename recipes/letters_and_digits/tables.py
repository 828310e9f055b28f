"""This module makes the tables of a model in degraded recordings and on unknown speakers.

``measure_conditions.py`` and ``unseen_speakers.py`` write the records that it reads.
"""

import json
from pathlib import Path
from typing import Any

from asr.evaluation.interval import Interval
from asr.evaluation.results import rate_with_counts

SETS = {
    "an4_test": "AN4 test",
    "fsdd_test": "FSDD test, digits one by one",
    "fsdd_strings": "FSDD test, strings of digits",
}
CONDITIONS = {
    "clean": "clean",
    "snr20": "20 dB",
    "snr10": "10 dB",
    "snr5": "5 dB",
    "8khz": "8 kHz",
    "telephone": "telephone band",
}
SAMPLES = {
    "clean": "as they are",
    "mp3": "through MP3 at 32 kbit/s",
    "telephone": "through the band of a telephone",
}


def conditions(values: dict[str, Any]) -> str:
    """Return a table of the WER by set and condition.

    Below it stand the intervals of the clean sets, the calibration error of the confidences, and
    how many of the samples are right.
    """
    rows = [f"| WER | {' | '.join(CONDITIONS.values())} |", f"|---|{'---|' * len(CONDITIONS)}"]
    for name, title in SETS.items():
        found = values["sets"][name]
        cells = [rate_with_counts(found[condition]["wer"]) for condition in CONDITIONS]
        rows.append(f"| {title} | {' | '.join(cells)} |")
    intervals = [
        f"{title}, {Interval(**found)}"
        for name, title in SETS.items()
        if (found := values["sets"][name]["clean"]["wer_interval"]) is not None
    ]
    error = values["sets"]["an4_test"]["clean"]["ece"]  # it is None if no word was recognised
    samples = values["sets"]["samples"]
    right = [
        f"{part['utterances'] - part['utterances_wrong']} of {part['utterances']} {said}"
        for condition, said in SAMPLES.items()
        if (part := samples[condition])
    ]
    return "\n".join(
        [
            *rows,
            f"\nClean: {'; '.join(intervals)}.",
            f"Expected calibration error of word confidences, AN4 test: "
            f"{'–' if error is None else format(error, '.3f')}.",
            f"Recordings of `samples/` that are right: {', '.join(right)}.",
            "",
        ]
    )


def unseen(values: dict[str, Any]) -> str:
    """Return a table of the WER of each speaker who was left out, and of all six together."""
    parts = {"isolated": "all 500 digits", "strings": "strings of the test part"}
    rows = [f"| left out | {' | '.join(parts.values())} |", f"|---|{'---|' * len(parts)}"]
    for speaker, found in {**values["speakers"], "all six": values["all"]}.items():
        rows.append(
            f"| {speaker} | {' | '.join(rate_with_counts(found[part]['wer']) for part in parts)} |"
        )
    interval = values["all"]["isolated"]["wer_interval"]
    if interval is not None:
        rows.append(f"\nDigits: {Interval(**interval)}.")
    return "\n".join([*rows, ""])


def outcome(recipe: Path) -> tuple[str, str]:
    """Return the results on the clean test parts, and what all trainings took.

    They stand in the table of all recipes.
    """
    sets = json.loads((recipe / "conditions.json").read_text(encoding="utf-8"))["sets"]
    rates = [f"{title}: {rate_with_counts(sets[name]['clean']['wer'])}" for name, title in
             SETS.items()]  # fmt: skip
    record = json.loads((recipe / "minutes.json").read_text(encoding="utf-8"))
    stages = [value for step, value in record["minutes"].items() if step.endswith(" training")]
    return "; ".join(rates), f"{sum(stages):.0f} min on {record['hardware']}"
