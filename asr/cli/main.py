"""The application ``asr``: its commands, and how it reports errors and ends."""

import os
import sys
from typing import Any

import click

from asr.cli.group import LazyGroup
from asr.errors import AsrError
from asr.version import __version__

INTERRUPTED = 130


class Application(LazyGroup):
    """The group of all commands, which Ctrl-C ends with an exit code of its own."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)


@click.group(
    "asr",
    cls=Application,
    members={
        "transcribe": "asr.cli.transcribe:transcribe",
        "align": "asr.cli.align:align",
        "evaluate": "asr.cli.evaluate:evaluate",
        "score": "asr.cli.score:score",
        "compare": "asr.cli.compare:compare",
        "report": "asr.cli.report:report",
        "train": "asr.cli.train:train",
        "verify": "asr.cli.verify:verify",
        "data": "asr.cli.data:data",
        "lm": "asr.cli.lm:lm",
    },
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
)
@click.version_option(__version__, prog_name="asr", message="%(prog)s %(version)s")
def app() -> None:
    """Transcribe speech, train models for it, and measure how good they are."""


def main() -> None:
    """Run the command line and exit.

    An error is one line on standard error and exit code 1, wrong usage 2, Ctrl-C 130.
    """
    try:
        status = app(standalone_mode=False)
    except AsrError as error:
        print(f"error: {error}", file=sys.stderr)
        status = 1
    except click.Abort:
        status = INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (``asr … | head``): nothing is left to say.
        _leave(1)
    except click.ClickException as error:
        error.show()  # a usage error, which prints the usage line too
        status = error.exit_code
    if status == INTERRUPTED:
        print("interrupted", file=sys.stderr)
        _leave(INTERRUPTED)
    sys.exit(status or 0)


def _leave(status: int) -> None:
    # Without waiting for threads that are inside the network or a decoder.
    try:
        sys.stdout.flush()
    finally:
        os._exit(status)
