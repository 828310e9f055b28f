"""What a command says when an optional part of the package is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from asr.errors import ConfigError


@contextmanager
def needs_train() -> Iterator[None]:
    """Turn a failed import of the training floor into a message that says how to install it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("asr"):
            raise
        raise ConfigError(
            f"training needs {error.name}, which is not installed; "
            'install the extra: pip install "bigru-asr[train]", in a clone: pip install ".[train]"'
        ) from error


def needs_plots() -> None:
    """Say how to install what pictures need, before any work is done.

    Raises:
        ConfigError: it is not installed.
    """
    if find_spec("matplotlib") is None:
        raise ConfigError(
            "a picture needs matplotlib, which is not installed; "
            'install the extra: pip install "bigru-asr[plots]", in a clone: pip install ".[plots]"'
        )
