"""Tables of a model under conditions (``measure_conditions.py``), and of speakers that it has never
heard (``unseen_speakers.py``)."""

from typing import Any

from recipes_table import short

from asr.evaluation.interval import Interval

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


def conditions_table(values: dict[str, Any]) -> str:
    """WER by set and condition, the interval of the clean ones, confidences, samples."""
    rows = [f"| WER | {' | '.join(CONDITIONS.values())} |", f"|---|{'---|' * len(CONDITIONS)}"]
    for name, title in SETS.items():
        found = values["sets"][name]
        cells = [short(found[condition]["wer"]) for condition in CONDITIONS]
        rows.append(f"| {title} | {' | '.join(cells)} |")
    intervals = [
        f"{title}, {Interval(**found)}"
        for name, title in SETS.items()
        if (found := values["sets"][name]["clean"]["wer_interval"]) is not None
    ]
    error = values["sets"]["an4_test"]["clean"]["ece"]  # none where no word was recognised
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


def unseen_table(values: dict[str, Any]) -> str:
    """WER of each speaker who was left out, and of all."""
    parts = {"isolated": "all 500 digits", "strings": "strings of the test part"}
    rows = [f"| left out | {' | '.join(parts.values())} |", f"|---|{'---|' * len(parts)}"]
    for speaker, found in {**values["speakers"], "all six": values["all"]}.items():
        rows.append(f"| {speaker} | {' | '.join(short(found[part]['wer']) for part in parts)} |")
    interval = values["all"]["isolated"]["wer_interval"]
    if interval is not None:
        rows.append(f"\nDigits: {Interval(**interval)}.")
    return "\n".join([*rows, ""])
