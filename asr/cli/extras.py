"""What a command says when an optional part of the package is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import typer

from asr.errors import missing_extra


@contextmanager
def needs_train(purpose: str = "training needs") -> Iterator[None]:
    """Turn a failed import of the training floor into a message that says how to install it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("asr"):
            raise
        raise missing_extra(purpose, error.name or "", "train") from error


def needs_plots() -> None:
    """Say how to install what pictures need, before any work is done.

    Raises:
        ConfigError: it is not installed.
    """
    if find_spec("matplotlib") is None:
        raise missing_extra("a picture needs", "matplotlib", "plots")


def check_picture(path: Path | None) -> Path | None:
    """``path``, if it is one that a picture can be written to."""
    if path is not None and path.suffix not in (".png", ".pdf", ".svg"):
        raise typer.BadParameter(f"{path} needs to end in .png, .pdf or .svg")
    return path
