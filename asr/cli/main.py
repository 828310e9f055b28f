"""The application ``asr``: its commands, and how it reports errors and ends."""

import gc
import os
import sys
from contextlib import suppress
from typing import Any, NoReturn

import click

from asr.cli.group import LazyGroup
from asr.cli.streams import close_streams, open_streams, say
from asr.errors import AsrError
from asr.version import __version__

INTERRUPTED = 130
TRACEBACK = "ASR_TRACEBACK"
"""The environment variable that makes errors that nobody foresaw end in a traceback."""


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
        "bulk": "asr.cli.bulk:bulk",
        "serve": "asr.cli.serve:serve",
        "align": "asr.cli.align:align",
        "evaluate": "asr.cli.evaluate:evaluate",
        "score": "asr.cli.score:score",
        "compare": "asr.cli.compare:compare",
        "report": "asr.cli.report:report",
        "train": "asr.cli.train:train",
        "verify": "asr.cli.verify:verify",
        "data": "asr.cli.data:data",
        "lm": "asr.cli.lm:lm",
        "text": "asr.cli.text:text",
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
    open_streams()
    try:
        status = app(standalone_mode=False) or 0
        sys.stdout.flush()
    except AsrError as error:
        status = _failed(str(error))
    except (click.Abort, KeyboardInterrupt):
        status = INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (``asr … | head``): nothing is left to say.
        _leave(1)
    except click.ClickException as error:
        status = _misused(error)
    except OSError as error:
        status = _failed(_reason(error))
    except MemoryError:
        status = _failed("there is not enough memory")
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        status = _failed(_fault(error))
    if status == INTERRUPTED:
        say("interrupted")
        _leave(INTERRUPTED)
    close_streams()
    gc.freeze()  # the interpreter would look for garbage before it ends, though all memory goes
    sys.exit(status)


def _failed(message: str) -> int:
    say(f"error: {message}")
    return 1


def _misused(error: click.ClickException) -> int:
    with suppress(OSError):
        error.show()  # a usage error, which prints the usage line too
    return error.exit_code


def _reason(error: OSError) -> str:
    reason = error.strerror or str(error)
    return reason if error.filename is None else f"{os.fsdecode(error.filename)}: {reason}"


def _fault(error: Exception) -> str:
    """Return a message for an error that nobody foresaw, which is a fault of this program."""
    import traceback  # nothing else needs it

    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"
    return (
        f"unexpected {type(error).__name__} at {place}: {error}; this is a fault of asr, please "
        f"report it with the lines that {TRACEBACK}=1 shows"
    )


def _leave(status: int) -> NoReturn:
    # Without waiting for threads that are inside the network or a decoder.
    try:
        sys.stdout.flush()
    finally:
        os._exit(status)
