"""``report.html`` in its folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from asr.files import write_atomically
from asr.report.comparison import Difference
from asr.report.page import render
from asr.report.payload import payload, shortened
from asr.report.pictures import Picture

FILE = "report.html"
LARGEST = 25_000_000
"""Bytes: of more utterances than fit in, the page has those with the most errors."""


def write_report(
    folder: str | Path,
    systems: Mapping[str, Mapping[str, Any]],
    pictures: Mapping[str, Picture] | None = None,
    difference: Difference | None = None,
    largest: int = LARGEST,
) -> Path:
    """Write the page of one or two evaluations, see :func:`asr.report.payload.payload`.

    Raises:
        OutputError: the folder cannot be written.
    """
    folder = Path(folder)
    data = payload(systems, folder, pictures, difference)
    page = render(data).encode()
    while len(page) > largest and data["utterances"]:
        fitting = 0.9 * largest / len(page) * len(data["utterances"])
        data = shortened(data, int(fitting))
        page = render(data).encode()
    path = folder / FILE
    write_atomically(path, page)
    return path
