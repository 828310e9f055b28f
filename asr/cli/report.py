"""``asr report`` prints tables of evaluations, and the curves of a training run."""

import shutil
import sys
from enum import StrEnum
from pathlib import Path

import click

from asr.cli.options import PATH, output_option


class Format(StrEnum):
    """Formats of a table."""

    md = "md"
    csv = "csv"
    latex = "latex"


@click.command()
@click.argument(
    "paths",
    nargs=-1,
    required=True,
    type=PATH,
    metavar="PATH...",
    help="Files results.json or their folders, or the folder of a run of asr train.",
)
@click.option(
    "--format", "-f", type=click.Choice(Format), help="Format of the table.  [default: md]"
)
@output_option("FILE", "Write the result to this file instead of printing it.", required=False)
def report(
    paths: tuple[Path, ...],
    format: Format | None,
    output: Path | None,
) -> None:
    """Print a table of evaluations or the curves of a run.

    The table has a row for each results.json of asr evaluate or asr score. As csv it holds raw
    numbers; as latex it needs the package booktabs. For the folder of a run (one with metrics.csv),
    the losses and the measure that epochs are compared by are drawn as wide as the terminal.
    """
    from asr.evaluation.results import read_results
    from asr.files import write_atomically
    from asr.report.table import FORMATS, rows
    from asr.training.curves import curves, read_run

    runs = [_is_run(path) for path in paths]
    if any(runs) and not all(runs):
        run, other = paths[runs.index(True)], paths[runs.index(False)]
        raise click.BadParameter(
            f"{run} is a run, {other} are results: ask for curves and tables one after the other",
            param_hint="PATH",
        )
    if not any(runs):
        text = FORMATS[format or Format.md](rows([read_results(path) for path in paths]))
    elif len(paths) > 1:
        raise click.BadParameter("needs one run at a time", param_hint="PATH")
    elif format is not None:
        raise click.BadParameter("is of tables, a run has curves", param_hint="--format")
    else:
        text = curves(read_run(paths[0]), shutil.get_terminal_size().columns)
    if output is None:
        sys.stdout.write(text)
    else:
        write_atomically(output, text)


def _is_run(path: Path) -> bool:
    """Return True for the folder of a run, False for results or their folder.

    Raises:
        DataError: a folder with neither or both.
    """
    from asr.errors import DataError
    from asr.evaluation.results import FILE
    from asr.training.curves import METRICS

    if not path.is_dir():
        return False
    run, results = ((path / name).exists() for name in (METRICS, FILE))
    if run and results:
        raise DataError(f"{path} holds {METRICS} and {FILE}; for the table give {path / FILE}")
    if not run and not results:
        raise DataError(
            f"{path} holds neither {FILE} nor {METRICS}; needs a folder of asr evaluate, asr score "
            "or asr train"
        )
    return run
