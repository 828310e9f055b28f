"""``report.html`` in its folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from asr.evaluation.comparison import Difference
from asr.evaluation.pictures import Picture
from asr.evaluation.results import Results
from asr.files import write_atomically
from asr.report.page import render
from asr.report.payload import payload, shortened
from asr.report.table import system_names

FILE = "report.html"
LARGEST = 25_000_000
"""Bytes: of more utterances than fit in, the page has those with the most errors."""


def write_report(
    folder: str | Path,
    results: Sequence[Results],
    pictures: Mapping[str, Picture] | None = None,
    difference: Difference | None = None,
    largest: int = LARGEST,
) -> Path:
    """Write the page of one or two evaluations, see :func:`asr.report.payload.payload`, and return
    its path.

    Raises:
        DataError: one evaluation, given twice.
        OutputError: the folder cannot be written.
    """
    folder = Path(folder)
    names = [
        f"{name}, {item.values['decoder']['name']}" if item.values.get("decoder") else name
        for name, item in zip(system_names(results), results, strict=True)
    ]
    systems = {name: item.values for name, item in zip(names, results, strict=True)}
    data = payload(systems, folder, pictures, difference)
    page = render(data).encode()
    while len(page) > largest and data["utterances"]:
        fitting = 0.9 * largest / len(page) * len(data["utterances"])
        data = shortened(data, int(fitting))
        page = render(data).encode()
    path = folder / FILE
    write_atomically(path, page)
    return path
