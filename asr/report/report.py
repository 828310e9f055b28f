"""Writing ``report.html`` and what it is made from into a folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from asr.evaluation.comparison import Difference
from asr.evaluation.pictures import Picture
from asr.evaluation.results import Results, write_results
from asr.files import write_atomically
from asr.report.page import render
from asr.report.payload import payload, shortened
from asr.report.table import system_names

if TYPE_CHECKING:
    from asr.evaluation.evaluate import Evaluation
    from asr.recognition.transcriber import Transcriber

FILE = "report.html"
LARGEST = 25_000_000
"""Bytes: of more utterances than fit in, the page has those with the most errors."""


def write_evaluation(
    folder: str | Path, evaluation: "Evaluation", transcriber: "Transcriber"
) -> Path:
    """Explain the errors of an evaluation, measure the latency of its transcriber, write
    ``results.json``, files for sclite and the page, and return the path of the page.

    Raises:
        DataError: audio that can no longer be read.
        OutputError: the folder cannot be written.
    """
    # Recognition, which pages of other evaluations do without.
    from asr.evaluation.evaluate import results
    from asr.evaluation.explanation import explain
    from asr.evaluation.latency import measure_latency

    utterances = evaluation.utterances
    latency = measure_latency([item.audio for item in utterances], transcriber)
    explanations = explain(utterances, evaluation.transcripts, transcriber)
    values = results(evaluation, transcriber, explanations, latency)
    written = write_results(folder, values)
    pictures = {id: item.picture for id, item in explanations.items() if item.picture is not None}
    return write_report(folder, [written], pictures)


def write_report(
    folder: str | Path,
    systems: Sequence[Results],
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
        for name, item in zip(system_names(systems), systems, strict=True)
    ]
    values = {name: item.values for name, item in zip(names, systems, strict=True)}
    data = payload(values, folder, pictures, difference)
    page = render(data).encode()
    while len(page) > largest and data["utterances"]:
        fitting = 0.9 * largest / len(page) * len(data["utterances"])
        data = shortened(data, int(fitting))
        page = render(data).encode()
    path = folder / FILE
    write_atomically(path, page)
    return path
