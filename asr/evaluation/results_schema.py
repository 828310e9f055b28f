"""The types of all that ``results.json`` holds, checked when the file is read.

A schema is a :class:`Type`, a list with the schema of its items, or a dict with the schemas of an
object's values by their names. A name that ends with ``?`` may be missing or null, ``*`` stands for
all other names; names that a schema does not have are allowed, and their values are not checked.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from textwrap import shorten
from typing import Any

from asr.files import to_json


@dataclass(frozen=True)
class Type:
    """The values of a type, of which messages speak as ``name``."""

    name: str
    holds: Callable[[Any], bool]


Schema = Type | list[Any] | dict[str, Any]
Place = tuple[str | int, ...]


def is_number(value: Any) -> bool:
    """Return whether ``value`` is a finite number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


TEXT = Type("text", lambda value: isinstance(value, str))
TEXT_OR_NULL = Type("text", lambda value: value is None or isinstance(value, str))
NUMBER = Type("number", is_number)
SECONDS = Type("number from 0 on", lambda value: is_number(value) and value >= 0)
RATE = Type("number", lambda value: value is None or is_number(value))
COUNT = Type(
    "whole number from 0 on",
    lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 0,
)
SIZE = Type("whole number from 1 on", lambda value: COUNT.holds(value) and value > 0)
ANYTHING = Type("value", lambda value: True)
WORDS = Type("list of [start, end, confidence]", lambda value: _are_words(value))


def _are_words(value: Any) -> bool:
    """Return whether ``value`` is a list of lists of three numbers; there are very many of these,
    so that no function of Python is called for each."""
    if not isinstance(value, list) or set(map(type, value)) - {list} or set(map(len, value)) - {3}:
        return False
    numbers = list(chain.from_iterable(value))
    return not set(map(type, numbers)) - {int, float} and all(map(math.isfinite, numbers))


COUNTS: Schema = {
    "rate": RATE,
    **dict.fromkeys(
        ("errors", "reference", "hits", "substitutions", "deletions", "insertions"), COUNT
    ),
}
INTERVAL: Schema = {"low": NUMBER, "high": NUMBER, "groups": COUNT, "over": TEXT}
SCORE: Schema = {
    **dict.fromkeys(("wer?", "cer?", "cer_without_spaces?"), COUNTS),
    "ser?": {"errors": COUNT, "reference": SIZE, "rate": RATE},
}
UTTERANCE: Schema = {
    "id": TEXT,
    "speaker": TEXT_OR_NULL,
    "reference": TEXT,
    "hypothesis": TEXT,
    "errors?": COUNT,
    "audio?": TEXT,
    "offset?": SECONDS,
    "duration?": SECONDS,
    "noise?": NUMBER,
    "fields?": {"*": ANYTHING},
    "words?": WORDS,
    "causes?": [TEXT_OR_NULL],
    "label_score?": NUMBER,
}
RESULTS: Schema = {
    "score?": SCORE,
    "wer_interval?": INTERVAL,
    "utterance_count?": COUNT,
    "groups?": {"*": [{"value": TEXT, "utterances": COUNT, "wer": COUNTS, "interval?": INTERVAL}]},
    "calibration?": {
        "words": COUNT,
        "ece": NUMBER,
        "bins": [
            {"words": COUNT, **dict.fromkeys(("low", "high", "confidence", "correct"), NUMBER)}
        ],
    },
    "attribution?": {"*": COUNT},
    "normalization?": {"name": TEXT, "unit?": TEXT, "steps?": [TEXT]},
    "command?": TEXT,
    "finished?": TEXT,
    "hardware?": TEXT,
    "versions?": {"*": ANYTHING},
    "texts?": {"*": ANYTHING},
    "manifest?": {"path": TEXT, "sha256?": TEXT},
    "model?": {
        "sha256": TEXT,
        "provenance?": {
            "config?": {"name?": TEXT},
            "parameters?": NUMBER,
            "minutes?": NUMBER,
        },
    },
    "decoder?": {
        "name": TEXT,
        "options?": {"beam_size": NUMBER},
        "lm?": {"unit": TEXT, "ngrams": [COUNT]},
        "rescore_lm?": {"unit": TEXT},
        "lexicon?": COUNT,
    },
    "unseen_texts?": SCORE,
    "overlap?": {"speakers": [TEXT], "texts": COUNT, "audio": COUNT},
    "lm_overlap?": dict.fromkeys(("sentences", "sentences_covered", "long", "long_covered"), COUNT),
    "audio_seconds?": NUMBER,
    "seconds?": NUMBER,
    "times_real_time?": NUMBER,
    "latency?": {"utterances": COUNT, "median": NUMBER, "p95": NUMBER},
    "utterances": [UTTERANCE],
}


def find_fault(values: dict[str, Any]) -> str | None:
    """Return what is wrong with the content of a ``results.json``, None if nothing is.

    >>> utterance = {"id": "a", "speaker": None, "reference": "yes", "hypothesis": "yes"}
    >>> score = {"ser": {"rate": 0.5, "errors": "1", "reference": 2}}
    >>> find_fault({"utterances": [utterance], "score": score})
    'its score.ser.errors is "1", no whole number from 0 on'
    >>> find_fault({"utterances": [{**utterance, "reference": 3}]})
    'reference of utterance 1 is 3, no text'
    """
    return _fault(values, RESULTS, ())


def _fault(value: Any, schema: Schema, place: Place) -> str | None:
    """Return what is wrong with a value; ``place`` holds the names and indices that lead to it."""
    if isinstance(schema, Type):
        return None if schema.holds(value) else _wrong(value, schema.name, place)
    if isinstance(schema, list):
        if not isinstance(value, list):
            return _wrong(value, "list", place)
        parts: list[tuple[Any, Schema, str | int]] = [
            (item, schema[0], index) for index, item in enumerate(value)
        ]
    else:
        if not isinstance(value, dict):
            return _wrong(value, "object", place)
        parts = []
        for key, inner in schema.items():
            name = key.removesuffix("?")
            if key == "*":
                parts += [(item, inner, other) for other, item in value.items()]
            elif name in value and (name == key or value[name] is not None):
                parts.append((value[name], inner, name))
            elif name == key:
                return f"{_name(place)} has no {name}"
    for item, inner, step in parts:
        if fault := _fault(item, inner, (*place, step)):
            return fault
    return None


def _wrong(value: Any, needed: str, place: Place) -> str:
    shown = shorten(to_json(value), 40, placeholder=" …")
    return f"{_name(place)} is {shown}, no {needed}"


def _name(place: Place) -> str:
    """Return the name of a place in the file.

    >>> _name(("score", "wer", "hits")), _name(("utterances", 0)), _name(("utterances", 0, "id"))
    ('its score.wer.hits', 'utterance 1', 'id of utterance 1')
    """
    if place[0] != "utterances":
        return f"its {_joined(place)}"
    utterance = f"utterance {int(place[1]) + 1}"
    return f"{_joined(place[2:])} of {utterance}" if place[2:] else utterance


def _joined(place: Place) -> str:
    first, *rest = place
    return str(first) + "".join(
        f"[{item}]" if isinstance(item, int) else f".{item}" for item in rest
    )
