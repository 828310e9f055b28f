"""The errors that a user can cause, each with a message that is one readable line."""

from collections.abc import Iterator
from contextlib import contextmanager


class AsrError(Exception):
    """Base of all errors that this package raises on purpose.

    The message says what was got, what was needed and how to mend it; the command line prints
    it without a traceback and exits with a code other than zero.
    """


class AudioError(AsrError):
    """A file or stream that is not usable audio."""


class DataError(AsrError):
    """A manifest, transcript or scoring input that cannot be used."""


class ConfigError(AsrError):
    """An unknown key, a wrong type or a value out of range in a configuration."""


class ModelError(AsrError):
    """A model directory or checkpoint that is damaged, incomplete or of another version."""


class TrainingError(AsrError):
    """A training run whose numbers are beyond repair."""


class OutputError(AsrError):
    """A result that cannot be written, or two results that claim one file."""


def missing_extra(purpose: str, package: str, extra: str) -> ConfigError:
    """Return the error that says how to install an optional part of this package.

    Args:
        purpose: subject and verb of the sentence, such as "a picture needs".
        package: the package that is not installed.
        extra: the extra of this package that brings it.

    >>> print(missing_extra("a picture needs", "matplotlib", "plots"))  # doctest: +ELLIPSIS
    a picture needs matplotlib, which is not installed; install the extra: pip install ...
    """
    return ConfigError(
        f"{purpose} {package}, which is not installed; install the extra: "
        f'pip install "bigru-asr[{extra}]", in a clone: pip install ".[{extra}]"'
    )


@contextmanager
def needs_extra(purpose: str, extra: str) -> Iterator[None]:
    """Turn a failed import inside the ``with`` block into :func:`missing_extra`.

    Raises:
        ConfigError: a package that is not part of this one is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "asr":
            raise
        raise missing_extra(purpose, error.name or "", extra) from error
