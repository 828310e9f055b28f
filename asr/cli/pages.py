"""The options and the last words of commands that write a report."""

from pathlib import Path
from typing import Annotated

import typer

ReportFolder = Annotated[
    Path | None,
    typer.Option(
        "--output-dir",
        "-o",
        metavar="DIR",
        help="Write report.html, results.json and files for sclite here.",
    ),
]
OpenReport = Annotated[
    bool, typer.Option("--open", help="Show the report in a browser; needs --output-dir.")
]


def check_open(wanted: bool, folder: Path | None) -> None:
    """Only a report that is written can be shown."""
    if wanted and folder is None:
        raise typer.BadParameter("needs --output-dir, for a page to show", param_hint="--open")


def show_page(path: Path, in_browser: bool) -> None:
    """Say where a report is, and open it if that is wanted."""
    print(f"report: {path}")
    if in_browser:
        typer.launch(str(path))
