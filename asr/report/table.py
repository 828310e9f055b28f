"""Evaluations as the rows of a table."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asr.errors import DataError
from asr.evaluation.interval import Interval
from asr.evaluation.results import FILE, Results, score_from_values
from asr.evaluation.scoring import Score


@dataclass(frozen=True)
class Row:
    """What a table says of one evaluation; None is what it does not know.

    ``parameters`` are those of the acoustic model, ``minutes`` those of its training, ``speed`` is
    in times real time. ``test_set`` is None where all rows are of one. The words of ``score`` are
    characters, if ``unit`` says so.
    """

    system: str
    test_set: str | None
    decoder: str | None
    language_model: str | None
    score: Score
    interval: Interval | None
    unseen: Score | None
    parameters: int | None
    minutes: float | None
    speed: float | None
    unit: str = "word"


def rows(results: Sequence[Results]) -> list[Row]:
    """A row for each, in their order.

    Raises:
        DataError: one of them holds no score, or is given twice.
    """
    names = system_names(results)
    manifests = [item.values.get("manifest") or {} for item in results]
    several = len({manifest.get("sha256") for manifest in manifests}) > 1
    return [
        _row(item, name, manifest.get("path") if several else None)
        for item, name, manifest in zip(results, names, manifests, strict=True)
    ]


def _row(results: Results, name: str, test_set: str | None) -> Row:
    values = results.values
    provenance = (values.get("model") or {}).get("provenance") or {}
    try:
        interval, unseen = values.get("wer_interval"), values.get("unseen_texts")
        return Row(
            system=name,
            test_set=test_set,
            decoder=_decoder(values.get("decoder")),
            language_model=_language_model(values.get("decoder")),
            score=score_from_values(values["score"]),
            interval=Interval(**interval) if interval else None,
            unseen=score_from_values(unseen) if unseen else None,
            parameters=provenance.get("parameters"),
            minutes=provenance.get("minutes"),
            speed=values.get("times_real_time"),
            unit=(values.get("normalization") or {}).get("unit", "word"),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{results.path}: its score cannot be read ({error!r}); evaluate once more"
        ) from error


def system_names(results: Sequence[Results]) -> list[str]:
    """The name that the model was trained under, else the folder of the file, or the file's own
    name where that is not ``results.json``. Equal names get as much of their paths as tells them
    apart.

    Raises:
        DataError: a file is given twice.
    """
    paths = []
    for item in results:
        path = Path(os.path.abspath(item.path))
        paths.append(path.parent.parts if path.name == FILE else (*path.parent.parts, path.stem))
    twice = [item.path for item, path in zip(results, paths, strict=True) if paths.count(path) > 1]
    if twice:
        raise DataError(f"{twice[0]} is given twice; needs each evaluation once")
    models = [_trained_as(item.values) for item in results]
    names = [model or path[-1] for model, path in zip(models, paths, strict=True)]
    count = Counter(names)
    for index, (name, model) in enumerate(zip(names, models, strict=True)):
        if count[name] > 1:
            ending = _ending(paths[index], paths)
            names[index] = f"{model} ({ending})" if model else ending
    return names


def _trained_as(values: dict[str, Any]) -> str | None:
    config = ((values.get("model") or {}).get("provenance") or {}).get("config") or {}
    return config.get("name")


def _ending(path: tuple[str, ...], paths: Sequence[tuple[str, ...]]) -> str:
    """The least of the end of ``path`` that no other of ``paths`` has."""
    length = 1
    while sum(other[-length:] == path[-length:] for other in paths) > 1:
        length += 1
    return "/".join(path[-length:])


def _decoder(values: dict[str, Any] | None) -> str | None:
    if values is None:
        return None
    parts = [values["name"]]
    if values.get("options"):
        parts[0] += f" {values['options']['beam_size']}"
    if values.get("lexicon"):
        parts.append(f"lexicon of {values['lexicon']}")
    if values.get("hotwords"):
        parts.append("hot words")
    return ", ".join(parts)


def _language_model(values: dict[str, Any] | None) -> str | None:
    values = values or {}
    lm, rescore_lm = values.get("lm"), values.get("rescore_lm")
    parts = [f"{len(lm['ngrams'])}-gram of {lm['unit']}s"] if lm else []
    parts += [f"GRU of {rescore_lm['unit']}s"] if rescore_lm else []
    return ", then ".join(parts) or None
