"""``asr data``: what is in a manifest, what is wrong with it, other formats."""

import typer

from asr.cli.data_convert import exporting, importing
from asr.cli.data_stats import stats
from asr.cli.data_validate import validate

data = typer.Typer(
    name="data",
    help="Check, describe and convert manifests.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
data.add_typer(importing)
data.add_typer(exporting)


@data.callback()
def _group() -> None:
    pass


data.command()(validate)
data.command()(stats)
