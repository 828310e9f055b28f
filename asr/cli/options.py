"""Options that several commands share, and what is checked of them."""

import inspect
from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from asr.errors import missing_extra

PATH = click.Path(path_type=Path)
"""The type of a parameter that is a path; whoever opens it says what is wrong with it."""


def output_option(metavar: str, help: str, required: bool = True) -> Callable[..., Any]:
    """Return the option ``--output`` of a command that writes one file or folder."""
    return click.option("--output", "-o", required=required, type=PATH, metavar=metavar, help=help)


model_option = click.option(
    "--model",
    type=PATH,
    metavar="DIR",
    help="A model directory.  [default: the model in the package]",
)

batch_size_option = click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    default=16,
    metavar="N",
    help="Recognise this many recordings at once; the text does not depend on it.",
)
device_option = click.option(
    "--device",
    default="cpu",
    metavar="NAME",
    help="cpu, or cuda for a GPU (needs the extra train).",
)
verbatim_option = click.option(
    "--verbatim",
    is_flag=True,
    help="Give the words as they were recognised, without the punctuation, capitals and figures "
    "that a model with a tagger adds.",
)

report_folder = click.option(
    "--output-dir",
    "-o",
    type=PATH,
    metavar="DIR",
    help="Write report.html, results.json and files for sclite to this folder.",
)
open_report_option = click.option(
    "--open", "open_report", is_flag=True, help="Show the report in a browser; needs --output-dir."
)


def check_open(wanted: bool, folder: Path | None) -> None:
    """Refuse ``--open`` where no report is written."""
    if wanted and folder is None:
        raise click.BadParameter("needs --output-dir, for a page to show", param_hint="--open")


def show_page(path: Path, in_browser: bool) -> None:
    """Print where a report is, and open it in a browser if that is wanted."""
    print(f"report: {path}")
    if in_browser:
        click.launch(str(path))


def check_picture(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    """Return ``path``, the value of a parameter, if it has the ending of a picture."""
    if path is not None and path.suffix not in (".png", ".pdf", ".svg"):
        raise click.BadParameter(f"{path} needs to end in .png, .pdf or .svg")
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


lm_option = click.option(
    "--lm",
    metavar="FILE",
    help="Use this n-gram model (ARPA or binary) in beam search instead of that of the model "
    "directory and its lexicon; none: use no language model.",
)
lexicon_option = click.option(
    "--lexicon",
    metavar="FILE",
    help="Recognise only the words of this list or dictionary; none: recognise any words.",
)
rescore_lm_option = click.option(
    "--rescore-lm",
    metavar="FILE",
    help="Rescore the best texts of beam search with this recurrent language model (lm.onnx of asr "
    "lm train).",
)


DECODING_OPTIONS = (
    click.option(
        "--decoder",
        type=click.Choice(Decoder),
        help="Method of the search.  [default: beam if one of the options below is given, else "
        "that of the model]",
    ),
    lm_option,
    lexicon_option,
    click.option(
        "--hotword",
        multiple=True,
        metavar="WORD:BOOST",
        help="Prefer a word or phrase by a boost in natural logarithm units, 3 if left out; "
        "repeatable.",
    ),
    click.option(
        "--rescore",
        is_flag=True,
        help="Rescore the best texts of beam search with the recurrent language model of the model "
        "directory.",
    ),
    rescore_lm_option,
    click.option(
        "--attention",
        is_flag=True,
        help="Score the best texts of beam search with the model's decoder with attention.",
    ),
    click.option(
        "--attention-weight",
        type=click.FloatRange(min=0),
        metavar="X",
        help="Weight of the decoder with attention.",
    ),
    click.option(
        "--beam-size",
        type=click.IntRange(min=1),
        metavar="N",
        help="Keep this many hypotheses in beam search.",
    ),
    click.option(
        "--lm-weight",
        type=click.FloatRange(min=0),
        metavar="X",
        help="Weight of the language model in beam search.",
    ),
    click.option(
        "--rescore-weight",
        type=click.FloatRange(min=0),
        metavar="X",
        help="Weight of the language model in rescoring.",
    ),
    click.option(
        "--rescore-share",
        type=click.FloatRange(min=0, max=1),
        metavar="X",
        help="Share of the recurrent model in the language model score of rescoring.",
    ),
    click.option(
        "--word-bonus",
        type=float,
        metavar="X",
        help="Bonus for each word in beam search, in natural logarithm units.",
    ),
    click.option(
        "--unknown-score",
        type=float,
        metavar="X",
        help="Add this, in natural logarithm units, to the language model's score of a word that "
        "it does not know; for beam search.",
    ),
)


def decoding(
    decoder: Decoder | None,
    lm: str | None,
    lexicon: str | None,
    hotword: tuple[str, ...],
    rescore: bool,
    rescore_lm: str | None,
    attention: bool,
    attention_weight: float | None,
    beam_size: int | None,
    lm_weight: float | None,
    rescore_weight: float | None,
    rescore_share: float | None,
    word_bonus: float | None,
    unknown_score: float | None,
) -> dict[str, Any]:
    """Return the keyword arguments of :func:`asr.load` that these options stand for."""
    second = {"--rescore-weight": rescore_weight, "--rescore-share": rescore_share}
    for name, value in second.items():
        if value is not None and not rescore and rescore_lm is None:
            raise click.BadParameter("needs --rescore or --rescore-lm", param_hint=name)
    if attention_weight is not None and not attention:
        raise click.BadParameter("needs --attention", param_hint="--attention-weight")
    hotwords = None
    if hotword:
        from asr.decoding.bundle import parse_hotwords  # greedy decoding starts without it

        hotwords = parse_hotwords(hotword)
    search: dict[str, Any] = {
        "lm": lm,
        "lexicon": lexicon,
        "hotwords": hotwords,
        "rescore": rescore or None,
        "rescore_lm": rescore_lm,
        "attention": attention or None,
        "attention_weight": attention_weight,
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
        raise click.BadParameter(f"greedy search has no {names}", param_hint="--decoder")
    if decoder is None and not search:
        return {}
    return {"decoder": str(decoder or Decoder.beam), **search}


def decodes(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of :func:`decoding`, whose result it takes as ``search``.

    As the innermost decorator, it puts these options behind those of the command itself.
    """
    names = inspect.signature(decoding).parameters

    @wraps(command)
    def wrapped(**values: Any) -> None:
        chosen = {name: values.pop(name) for name in names}
        command(**values, search=decoding(**chosen))

    for option in reversed(DECODING_OPTIONS):
        option(wrapped)
    return wrapped
