"""Options that several commands share, and what is checked of them."""

import inspect
from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from asr.errors import missing_extra

ModelOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="A model directory.  [default: the model in the package]"),
]

ReportFolder = Annotated[
    Path | None,
    typer.Option(
        "--output-dir",
        "-o",
        metavar="DIR",
        help="Write report.html, results.json and files for sclite to this folder.",
    ),
]
OpenReport = Annotated[
    bool, typer.Option("--open", help="Show the report in a browser; needs --output-dir.")
]


def check_open(wanted: bool, folder: Path | None) -> None:
    """Refuse ``--open`` where no report is written."""
    if wanted and folder is None:
        raise typer.BadParameter("needs --output-dir, for a page to show", param_hint="--open")


def show_page(path: Path, in_browser: bool) -> None:
    """Print where a report is, and open it in a browser if that is wanted."""
    print(f"report: {path}")
    if in_browser:
        typer.launch(str(path))


def check_picture(path: Path | None) -> Path | None:
    """Return ``path``, if it has the ending of a picture."""
    if path is not None and path.suffix not in (".png", ".pdf", ".svg"):
        raise typer.BadParameter(f"{path} needs to end in .png, .pdf or .svg")
    return path


def needs_plots() -> None:
    """Check, before any work is done, that pictures can be drawn.

    Raises:
        ConfigError: the extra ``plots`` is not installed.
    """
    if find_spec("matplotlib") is None:
        raise missing_extra("a picture needs", "matplotlib", "plots")


class Decoder(StrEnum):
    """Methods that turn log-probabilities into text."""

    greedy = "greedy"
    beam = "beam"


LmOption = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Use this n-gram model (ARPA or binary) in beam search instead of that of the model "
        "directory and its lexicon; none: use no language model.",
    ),
]
LexiconOption = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Recognise only the words of this list or dictionary; none: recognise any words.",
    ),
]
RescoreLmOption = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Rescore the best texts of beam search with this recurrent language model (lm.onnx "
        "of asr lm train).",
    ),
]


def decoding(
    decoder: Annotated[
        Decoder | None,
        typer.Option(
            help="Method of the search.  [default: beam if one of the options below is given, else "
            "greedy]"
        ),
    ] = None,
    lm: LmOption = None,
    lexicon: LexiconOption = None,
    hotword: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WORD:BOOST",
            help="Prefer a word or phrase by a boost in natural logarithm units, 3 if left out; "
            "repeatable.",
        ),
    ] = None,
    rescore: Annotated[
        bool,
        typer.Option(
            "--rescore",
            help="Rescore the best texts of beam search with the recurrent language model of the "
            "model directory.",
        ),
    ] = False,
    rescore_lm: RescoreLmOption = None,
    beam_size: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Keep this many hypotheses in beam search."),
    ] = None,
    lm_weight: Annotated[
        float | None,
        typer.Option(metavar="X", min=0, help="Weight of the language model in beam search."),
    ] = None,
    rescore_weight: Annotated[
        float | None,
        typer.Option(metavar="X", min=0, help="Weight of the language model in rescoring."),
    ] = None,
    rescore_share: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            min=0,
            max=1,
            help="Share of the recurrent model in the language model score of rescoring.",
        ),
    ] = None,
    word_bonus: Annotated[
        float | None,
        typer.Option(
            metavar="X", help="Bonus for each word in beam search, in natural logarithm units."
        ),
    ] = None,
    unknown_score: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="Add this, in natural logarithm units, to the language model's score of a word "
            "that it does not know; for beam search.",
        ),
    ] = None,
) -> dict[str, Any]:
    """Return the keyword arguments of :func:`asr.load` that these options stand for."""
    from asr.decoding.bundle import parse_hotwords

    second = {"--rescore-weight": rescore_weight, "--rescore-share": rescore_share}
    for name, value in second.items():
        if value is not None and not rescore and rescore_lm is None:
            raise typer.BadParameter("needs --rescore or --rescore-lm", param_hint=name)
    search: dict[str, Any] = {
        "lm": lm,
        "lexicon": lexicon,
        "hotwords": parse_hotwords(hotword) if hotword else None,
        "rescore": rescore or None,
        "rescore_lm": rescore_lm,
        "beam_size": beam_size,
        "lm_weight": lm_weight,
        "rescore_weight": rescore_weight,
        "rescore_share": rescore_share,
        "word_bonus": word_bonus,
        "unknown_score": unknown_score,
    }
    search = {name: value for name, value in search.items() if value is not None}
    if decoder is Decoder.greedy and search:
        names = ", ".join(f"--{name.replace('_', '-').rstrip('s')}" for name in search)
        raise typer.BadParameter(f"greedy search has no {names}", param_hint="--decoder")
    if decoder is Decoder.beam or search:
        return {"decoder": "beam", **search}
    return {}


def decodes(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of :func:`decoding`, whose result it takes as ``search``."""
    options = inspect.signature(decoding).parameters
    own = [item for item in inspect.signature(command).parameters.values() if item.name != "search"]

    @wraps(command)
    def wrapped(**values: Any) -> None:
        chosen = {name: values.pop(name) for name in options}
        command(**values, search=decoding(**chosen))

    parameters = [*own, *options.values()]
    wrapped.__annotations__ = {item.name: item.annotation for item in parameters}
    wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return wrapped
