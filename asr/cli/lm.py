"""``asr lm``: n-gram language models."""

import typer

from asr.cli.lm_build import build
from asr.cli.lm_tune import tune

lm = typer.Typer(
    name="lm", help="Build and tune language models.", no_args_is_help=True, rich_markup_mode=None
)
lm.command()(build)
lm.command()(tune)
