"""``asr lm``: language models, of n-grams and recurrent."""

import typer

from asr.cli.lm_build import build
from asr.cli.lm_evaluate import evaluate
from asr.cli.lm_sample import sample
from asr.cli.lm_train import train
from asr.cli.lm_tune import tune

lm = typer.Typer(
    name="lm",
    help="Build, train, measure and tune language models.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
lm.command()(build)
lm.command()(train)
lm.command()(evaluate)
lm.command()(sample)
lm.command()(tune)
