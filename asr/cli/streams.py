"""Standard input, output and error of the command line, whatever they are.

They may be closed, full, or files of an encoding that lacks a character of the output; and a name
of a file may hold bytes that are no text at all.
"""

import codecs
import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO

ERRORS = "asr.output"
"""The name under which :func:`replace` is known to Python as a handler of encoding errors."""


def open_streams() -> None:
    """Make standard output and error usable whatever they are.

    One that is closed is opened for nothing: what is written to standard output then fails, and
    what is written to standard error is lost. A closed standard input stays closed.
    """
    for number in range(3):  # else a file that is opened later would take the place of a stream
        try:
            os.fstat(number)
        except OSError:
            flags = os.O_WRONLY if number == 2 else os.O_RDONLY
            os.open(os.devnull, flags)  # the lowest free number, which is this one
    codecs.register_error(ERRORS, replace)
    buffer = getattr(sys.stdout, "buffer", None)
    raw = getattr(buffer, "raw", buffer)  # with PYTHONUNBUFFERED, Python has no buffer
    if sys.stdout is None or (isinstance(raw, io.FileIO) and raw.fileno() == 1):
        sys.stdout = _standard_output(sys.stdout)
    elif isinstance(sys.stdout, io.TextIOWrapper):  # the console of Windows
        sys.stdout.reconfigure(errors=ERRORS)
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def _standard_output(old: TextIO | None) -> TextIO:
    return io.TextIOWrapper(
        io.BufferedWriter(_StandardOutput(1, "w", closefd=False)),
        encoding="utf-8" if old is None else old.encoding,
        errors=ERRORS,
        line_buffering=old is not None and old.isatty(),
    )


class _StandardOutput(io.FileIO):
    """Standard output, whose errors say that they are its own."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise OSError(error.errno, error.strerror, "standard output") from error


def replace(error: UnicodeError) -> tuple[str | bytes, int]:
    r"""Handle characters that an output cannot hold: bytes of a name of a file, which Python keeps
    as halves of surrogate pairs, are written as they are, other characters as JSON escapes them.

    >>> codecs.register_error(ERRORS, replace)
    >>> "caf\udce9 né \U0001f642".encode("ascii", ERRORS)
    b'caf\xe9 n\\u00e9 \\ud83d\\ude42'
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    wide = error.encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32"))
    part = error.object[error.start : error.start + 1]
    if "\udc80" <= part <= "\udcff" and not wide:
        return bytes([ord(part) - 0xDC00]), error.start + 1
    units = part.encode("utf-16-be", "surrogatepass").hex()
    escapes = "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
    return escapes, error.start + 1


def one_line(message: str) -> str:
    r"""Return ``message`` as one line that any terminal shows: other characters are escaped.

    >>> one_line("two\nlines of caf\udce9.wav")
    'two\\nlines of caf\\udce9.wav'
    """
    if message.isprintable():
        return message
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in message
    )


def say(message: str) -> None:
    """Write one line to standard error, if it takes one."""
    with suppress(OSError):
        print(one_line(message), file=sys.stderr, flush=True)


def close_streams() -> None:
    """Write what is left, and let what cannot be written go, so that Python's own end is quiet."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, stream.fileno())
            os.close(nothing)
