"""What the readers of other formats have in common: an utterance, perhaps a part of a recording."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asr.data.manifest import Problem
from asr.errors import DataError

Refuse = Callable[[Problem], None]
"""What is told of an utterance that is left out."""


@dataclass(frozen=True)
class Item:
    """One utterance of another format; ``where`` is file:line, for messages.

    With a ``start`` (s) it is ``duration`` seconds of the recording ``audio``, without a duration
    all that follows; without a start it is the whole file. ``channel``: the only one of the file
    (from 0) that holds it. ``recording``: the recording's id, where the format has one.
    """

    where: str
    id: str
    audio: Path
    text: str
    duration: float | None = None
    start: float | None = None
    channel: int | None = None
    speaker: str | None = None
    recording: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)


def put(fields: dict[str, Any], name: str, value: Any, where: str) -> None:
    """Add a field.

    Raises:
        DataError: it is there already with another value.
    """
    if name in fields and fields[name] != value:
        raise DataError(
            f"{where}: two values for the field {name!r}, {fields[name]!r} and {value!r}; "
            "rename or remove one"
        )
    fields[name] = value


def find_audio(name: str, folder: Path, where: str) -> Path:
    """The file ``name``, relative to ``folder`` or, as many recipes write it, to the folder that
    the command runs in.

    Raises:
        DataError: there is no such file.
    """
    for place in (folder.absolute(), Path.cwd()):
        path = Path(os.path.normpath(place / name))
        try:
            if path.is_file():
                return path
        except (OSError, ValueError):  # not even the name of a file
            continue
    raise DataError(
        f"{where}: no audio file {name!r}; looked from {folder.absolute()} and {Path.cwd()}"
    )


def one_line(text: str) -> str:
    """``text`` with single spaces, none at the ends; case and characters stay."""
    return " ".join(text.split())


def seconds(value: Any, name: str, where: str) -> float:
    """A number or the text of one, as seconds.

    Raises:
        DataError: none, negative or infinite.
    """
    try:
        number = float("nan") if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not 0 <= number < float("inf"):
        raise DataError(f"{where}: {name!r} needs seconds >= 0, got {value!r}")
    return number
