"""The application ``asr``: its commands, and how it reports errors and ends."""

import os
import sys
from typing import Annotated

import typer

from asr.cli.align import align
from asr.cli.compare import compare
from asr.cli.data_export import exporting
from asr.cli.data_import import importing
from asr.cli.data_stats import stats
from asr.cli.data_validate import validate
from asr.cli.evaluate import evaluate
from asr.cli.help import Command
from asr.cli.lm_build import build
from asr.cli.lm_evaluate import evaluate as evaluate_lm
from asr.cli.lm_sample import sample
from asr.cli.lm_train import train as train_lm
from asr.cli.lm_tune import tune
from asr.cli.report import report
from asr.cli.score import score
from asr.cli.train import train
from asr.cli.transcribe import transcribe
from asr.cli.verify import verify
from asr.errors import AsrError
from asr.version import __version__

INTERRUPTED = 130


def _group(name: str, help: str) -> typer.Typer:
    return typer.Typer(name=name, help=help, no_args_is_help=True, rich_markup_mode=None)


app = typer.Typer(
    name="asr",
    help="Transcribe speech, train models for it, and measure how good they are.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (transcribe, align, evaluate, score, compare, report, train, verify):
    app.command(cls=Command)(command)
data = _group("data", "Check, describe and convert manifests.")
data.command(cls=Command)(validate)
data.command(cls=Command)(stats)
data.add_typer(importing)
data.add_typer(exporting)
app.add_typer(data)
lm = _group("lm", "Build, train, measure and tune language models.")
lm.command(cls=Command)(build)
lm.command("train", cls=Command)(train_lm)
lm.command("evaluate", cls=Command)(evaluate_lm)
lm.command(cls=Command)(sample)
lm.command(cls=Command)(tune)
app.add_typer(lm)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"asr {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line and exit.

    An error is one line on standard error and exit code 1, wrong usage 2, Ctrl-C 130.
    """
    try:
        status = app(standalone_mode=False)
    except AsrError as error:
        print(f"error: {error}", file=sys.stderr)
        status = 1
    except typer.Abort:
        status = INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (``asr … | head``): nothing is left to say.
        _leave(1)
    except Exception as error:
        if not hasattr(error, "show"):
            raise
        error.show()  # a usage error, which prints the usage line too
        status = 2
    if status == INTERRUPTED:  # what Typer makes of Ctrl-C
        print("interrupted", file=sys.stderr)
        _leave(INTERRUPTED)
    sys.exit(status or 0)


def _leave(status: int) -> None:
    # Without waiting for threads that are inside the network or a decoder.
    try:
        sys.stdout.flush()
    finally:
        os._exit(status)
