"""What the commands that train on texts have in common: their options, and the run."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from asr.cli.options import PATH

Loader = Callable[[], tuple[type, Callable[..., Path]]]
"""Imports the class of the configuration and the function that trains, once they are needed."""


def trains_on_texts(texts: str, example: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the decorator that gives a command its options; ``texts`` is the help of the texts,
    ``example`` a configuration."""
    options = (
        click.argument(
            "texts", nargs=-1, required=False, type=PATH, metavar="[TEXT]...", help=texts
        ),
        click.option(
            "--dev",
            multiple=True,
            type=PATH,
            metavar="FILE",
            help="Other text, by which the best epoch is chosen; repeatable.",
        ),
        click.option("--config", type=PATH, metavar="FILE", help=f"A TOML file such as {example}."),
        click.option(
            "--set",
            multiple=True,
            metavar="SECTION.KEY=VALUE",
            help="Override a key of the file; repeatable.",
        ),
        click.option("--resume", is_flag=True, help="Continue the run from its last checkpoint."),
        click.option(
            "--resume-anyway",
            is_flag=True,
            help="Continue it even though its data have changed; the changes are printed.",
        ),
    )

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def run_training(
    load: Loader,
    texts: tuple[Path, ...],
    dev: tuple[Path, ...],
    config: Path | None,
    set: tuple[str, ...],
    resume: bool,
    resume_anyway: bool,
) -> None:
    """Train with the options of :func:`trains_on_texts`, and print the path of the result."""
    from asr.training.environment import tune_libraries

    tune_libraries()
    from asr.config import from_mapping, read_values
    from asr.errors import needs_extra

    paths = {"train": texts, "dev": dev}
    given = [f"data.{key}={[str(path) for path in value]}" for key, value in paths.items() if value]
    with needs_extra("training needs", "train"):
        options, fit = load()
    values: Any = from_mapping(options, read_values(config, [*(set or []), *given]))
    path = fit(values, resume or resume_anyway, anyway=resume_anyway)
    if os.environ.get("LOCAL_RANK", "0") == "0":  # of several processes, one speaks
        print(path)
