"""This module makes the table of the utterances that were learnt by heart (``study.py``)."""

from typing import Any

from asr.evaluation.results import counts_from_values


def learnt(values: dict[str, Any]) -> str:
    """Return a table of the errors on what was learnt by heart, with a row for each decoder."""
    rows = ["| decoding | WER | CER, spaces counted |", "|---|---|---|"]
    for name, score in values["scores"].items():
        counts = [counts_from_values(score[rate]) for rate in ("wer", "cer")]
        rows.append(f"| {name} | {counts[0]} | {counts[1]} |")
    training = values["training"]
    return "\n".join(rows) + (
        f"\n\n{training['epochs']} epochs of {values['minutes']:.1f} min of speech, "
        f"{training['parameters'] / 1e6:.2f} M parameters, {training['minutes']:.0f} min on "
        f"{training['hardware']}: {training['times_real_time']:.0f} times real time.\n"
    )
