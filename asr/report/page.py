"""``report.html``: an evaluation, or two side by side, as one file for a browser.

The payload stands in the page as JSON, which is compressed by zlib and encoded in base64; the
page's script unpacks it, and nothing in it is ever read as markup. Styles and scripts stand in
``assets``, and those that other pages share in ``common``. The page loads nothing but the
recordings that lie beside it, and its policy forbids all else.
"""

import base64
import hashlib
import html
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from asr.evaluation.comparison import Difference
from asr.evaluation.pictures import Picture
from asr.evaluation.results import Results, check_reportable, write_results
from asr.files import write_atomically
from asr.report.payload import build_payload, shortened
from asr.report.table import system_names

if TYPE_CHECKING:
    from asr.evaluation.evaluate import Evaluation
    from asr.recognition.transcriber import Transcriber

FILE = "report.html"
LARGEST = 25_000_000
"""The bytes that a page may have; if not all utterances fit in, it keeps those with the most
errors."""

COMMON_SCRIPTS = ("dom", "theme")
"""The scripts in ``common``, which other pages of the project have too; they stand first."""

SCRIPTS = (
    "data",
    "filters",
    "charts",
    "summary",
    "tables",
    "picture",
    "utterance",
    "browser",
    "main",
)
"""The scripts of the page in ``assets``, which are joined in this order."""

POLICY = (
    "default-src 'none'; script-src {script}; style-src {style}; img-src data: blob:; "
    "media-src 'self' file: data: blob:; base-uri 'none'; form-action 'none'"
)
"""The Content Security Policy (W3C, level 3) of the page: it allows this script and this style and
no others."""


def write_evaluation(
    folder: str | Path, evaluation: "Evaluation", transcriber: "Transcriber"
) -> Path:
    """Write ``results.json``, files for sclite and the page of an evaluation to ``folder``, and
    return the path of the page.

    For this the errors are explained, and the latency of the transcriber is measured.

    Raises:
        DataError: a recording can no longer be read.
        OutputError: the folder cannot be written.
    """
    # These modules load recognition, which pages of other evaluations do not need.
    from asr.evaluation.evaluate import measure_latency, results_values
    from asr.evaluation.explanation import explain

    utterances = evaluation.utterances
    latency = measure_latency([item.source for item in utterances], transcriber)
    explanations = explain(utterances, evaluation.transcripts, transcriber)
    values = results_values(evaluation, transcriber, explanations, latency)
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
    """Write ``report.html`` with one or two evaluations, and return its path.

    Args:
        folder: where the page goes, and recordings that a browser could not play otherwise.
        systems: one evaluation, or two of the same test set.
        pictures: by utterance id.
        difference: between the two evaluations.
        largest: the bytes that the page may have, see :data:`LARGEST`.

    Raises:
        DataError: one evaluation is given twice, or lacks what the page shows.
        OutputError: the folder cannot be written.
    """
    folder = Path(folder)
    for item in systems:
        check_reportable(item)
    names = [
        f"{name}, {item.values['decoder']['name']}" if item.values.get("decoder") else name
        for name, item in zip(system_names(systems), systems, strict=True)
    ]
    values = {name: item.values for name, item in zip(names, systems, strict=True)}
    data = build_payload(values, folder, pictures, difference)
    page = render(data).encode()
    while len(page) > largest and data["utterances"]:
        fitting = 0.9 * largest / len(page) * len(data["utterances"])
        data = shortened(data, int(fitting))
        page = render(data).encode()
    path = folder / FILE
    write_atomically(path, page)
    return path


def render(payload: dict[str, Any]) -> str:
    """Return the page as HTML.

    ``payload`` is that of :func:`asr.report.payload.build_payload`: it holds a ``title``, one or
    two ``systems`` (the contents of ``results.json`` without the utterances, and a ``name``), their
    ``comparison``, and the ``utterances``, each of which has one of ``outputs`` for each system. If
    something is missing, its part of the page is left out. Numbers that are not finite, such as an
    error rate against no words, count as missing.
    """
    style = common_style() + _asset("report.css")
    script = common_script() + "".join(_asset(f"{name}.js") for name in SCRIPTS)
    text = json.dumps(_finite(payload), separators=(",", ":"), allow_nan=False)
    return Template(_asset("report.html")).substitute(
        policy=POLICY.format(script=_source(script), style=_source(style)),
        title=html.escape(str(payload.get("title", "Evaluation"))),
        style=style,
        script=script,
        payload=base64.b64encode(zlib.compress(text.encode(), 9)).decode(),
    )


def common_style() -> str:
    """Return the styles that pages share: colours, text, controls, the bar at the top."""
    return _asset("base.css", "common")


def common_script() -> str:
    """Return the scripts that pages share: elements, numbers, the theme."""
    return "".join(_asset(f"{name}.js", "common") for name in COMMON_SCRIPTS)


def _asset(name: str, folder: str = "assets") -> str:
    return resources.files("asr.report").joinpath(folder, name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    """Return how a policy names an inline script or style: by its hash."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _finite(value: Any) -> Any:
    """Replace every number that is not finite by None, because JSON has none of these."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
