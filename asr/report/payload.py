"""Evaluations as the data of a page (:mod:`asr.report.page`): one, or two of one test set."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from asr.evaluation.comparison import Difference
from asr.evaluation.pictures import Picture
from asr.evaluation.word_alignment import align
from asr.report.players import playable

OWN = {"utterances", "schema_version"}
"""What a system's values don't need on the page: it stands there in another form, or not."""


def payload(
    systems: Mapping[str, Mapping[str, Any]],
    folder: Path,
    pictures: Mapping[str, Picture] | None = None,
    difference: Difference | None = None,
) -> dict[str, Any]:
    """Of the contents of one or two ``results.json`` by the names of the systems, for a page in
    ``folder``; what browsers cannot play is written there. ``pictures`` are by utterance.

    Raises:
        OutputError: the folder cannot be written.
    """
    values = list(systems.values())
    first = values[0]
    others = [{item["id"]: item for item in system["utterances"]} for system in values[1:]]
    manifest = first.get("manifest")
    audio = None if manifest is None else Path(manifest["path"]).parent
    utterances = []
    for number, item in enumerate(first["utterances"], start=1):
        outputs = [item, *(other[item["id"]] for other in others)]
        utterances.append(
            {
                **{name: item.get(name) for name in ("id", "speaker", "duration", "noise")},
                "fields": item.get("fields", {}),
                "audio": playable(audio / item["audio"], folder, number)
                if audio is not None and "audio" in item
                else None,
                "reference": item["reference"],
                "outputs": [_output(output) for output in outputs],
                "picture": pictures[item["id"]].values()
                if pictures and item["id"] in pictures
                else None,
            }
        )
    return {
        "title": " and ".join(systems),
        "systems": [
            {"name": name, **{key: value for key, value in system.items() if key not in OWN}}
            for name, system in systems.items()
        ],
        "comparison": None if difference is None else _comparison(difference, list(systems)),
        "left_out": 0,
        "utterances": utterances,
    }


def shortened(payload: Mapping[str, Any], count: int) -> dict[str, Any]:
    """With the ``count`` utterances that have the most errors, in their order."""
    utterances = payload["utterances"]
    errors = [max(output["errors"] for output in item["outputs"]) for item in utterances]
    worst = sorted(range(len(utterances)), key=errors.__getitem__, reverse=True)
    kept = sorted(worst[:count])
    return {
        **payload,
        "left_out": payload["left_out"] + len(utterances) - len(kept),
        "utterances": [utterances[place] for place in kept],
    }


def _output(item: Mapping[str, Any]) -> dict[str, Any]:
    """What one system made of an utterance."""
    steps = align(item["reference"].split(), item["hypothesis"].split())
    return {
        "hypothesis": item["hypothesis"],
        "errors": item["errors"],
        "steps": [[step.reference, step.hypothesis] for step in steps],
        "words": item.get("words"),
        "kinds": item.get("causes"),
        "label_score": item.get("label_score"),
    }


def _comparison(difference: Difference, names: Sequence[str]) -> dict[str, Any]:
    pairs = difference.matched_pairs
    values = asdict(difference)
    del values["matched_pairs"]
    return values | {
        "segments": None if pairs is None else pairs.segments,
        "z": None if pairs is None else pairs.z,
        "p": None if pairs is None else pairs.p,
        "verdict": difference.verdict(*names),
    }
