"""Word errors by speaker, duration, noise, and by every further field of a manifest."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

from asr.evaluation.interval import Interval, wer_interval
from asr.evaluation.scoring import ErrorCounts

DURATIONS = (1, 2, 4, 8, 15, 30)
"""The seconds at which one group ends and the next begins."""

NOISE = (5, 10, 20, 30, 40, 50)
"""The distances of speech from noise (dB) at which one group ends and the next begins."""

MOST_VALUES = 50
"""The largest number of values of a field that is shown: with more, a table would be one of
utterances."""


@dataclass(frozen=True)
class Group:
    """The errors of the utterances that have ``value`` in common."""

    value: str
    utterances: int
    counts: ErrorCounts
    interval: Interval | None


def group_fields(
    utterances: Sequence[Mapping[str, Any]], counts: Sequence[ErrorCounts]
) -> dict[str, list[Group]]:
    """Divide utterances into groups by each field, and add up the errors of each group.

    The fields are ``speaker``, ``duration``, ``noise``, and those of the manifest (``fields``) that
    have 2 to :data:`MOST_VALUES` values. An utterance without a value is in no group. The interval
    of a group is over its utterances.

    >>> utterances = [{"fields": {"room": room}} for room in ("hall", "lab", "hall")]
    >>> groups = group_fields(utterances, [ErrorCounts(hits=1)] * 3)["room"]
    >>> [(group.value, group.utterances) for group in groups]
    [('hall', 2), ('lab', 1)]

    Args:
        utterances: entries of ``results.json``.
        counts: the word errors of each utterance.
    """
    further = dict.fromkeys(name for item in utterances for name in item.get("fields", {}))
    fields: dict[str, list[str | None]] = {
        "speaker": [item.get("speaker") for item in utterances],
        "duration": [_bin(item.get("duration"), DURATIONS, "s") for item in utterances],
        "noise": [_bin(item.get("noise"), NOISE, "dB") for item in utterances],
    }
    for name in further:
        values = [item.get("fields", {}).get(name) for item in utterances]
        texts = [None if value is None else str(value) for value in values]
        if name not in fields and 2 <= len(set(texts) - {None}) <= MOST_VALUES:
            fields[name] = texts
    orders: dict[str, Callable[[str], float]] = {"duration": _low, "noise": _low}
    found = {name: _groups(values, counts, orders.get(name)) for name, values in fields.items()}
    return {name: groups for name, groups in found.items() if groups}


def _groups(
    values: Sequence[str | None],
    counts: Sequence[ErrorCounts],
    order: Callable[[str], float] | None,
) -> list[Group]:
    members: dict[str, list[ErrorCounts]] = {}
    for value, item in zip(values, counts, strict=True):
        if value is not None:
            members.setdefault(value, []).append(item)
    names: Iterable[str] = sorted(members, key=order) if order else sorted(members)
    return [
        Group(
            value=name,
            utterances=len(members[name]),
            counts=reduce(add, members[name]),
            interval=wer_interval(members[name], [None] * len(members[name])),
        )
        for name in names
    ]


def _bin(value: float | None, edges: Sequence[int], unit: str) -> str | None:
    """Return the name of the group that ``value`` belongs to.

    >>> _bin(1.5, (1, 2), "s"), _bin(0.2, (1, 2), "s"), _bin(2, (1, 2), "s")
    ('1 to 2 s', 'below 1 s', '2 s and more')
    """
    if value is None:
        return None
    place = sum(value >= edge for edge in edges)
    if place == 0:
        return f"below {edges[0]} {unit}"
    if place == len(edges):
        return f"{edges[-1]} {unit} and more"
    return f"{edges[place - 1]} to {edges[place]} {unit}"


def _low(name: str) -> float:
    first = name.split()[0]
    return -1.0 if first == "below" else float(first)
