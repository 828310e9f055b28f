"""What a command says when an optional part of the package is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager

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
