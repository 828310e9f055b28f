"""Every failure that a user can cause, each with a message that is one readable line."""


class AsrError(Exception):
    """Base of all errors this package raises on purpose.

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
    """A run whose numbers are beyond repair."""


class OutputError(AsrError):
    """A result that cannot be written, or two results that claim one file."""


def missing_extra(purpose: str, package: str, extra: str) -> ConfigError:
    """``package`` is not installed; ``purpose`` is such as "a picture needs"."""
    return ConfigError(
        f"{purpose} {package}, which is not installed; install the extra: "
        f'pip install "bigru-asr[{extra}]", in a clone: pip install ".[{extra}]"'
    )
