"""Transcription of datasets of Ray Data."""

import os
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from asr.bulk.options import Options
from asr.bulk.recogniser import TableActor, with_actors
from asr.bulk.shipping import ship
from asr.errors import ConfigError
from asr.model.directory import default_model, read_model

if TYPE_CHECKING:
    from ray.data import Dataset

ROWS = 64
"""Recordings that an actor takes at once."""


def transcribe(dataset: "Dataset", *, path_column: str | None = None, **options: Any) -> "Dataset":
    """Return a dataset with the transcripts of the recordings of ``dataset``.

    Each row is a recording, with its path or URL in a column that is called ``path``,
    ``audio_filepath``, ``audio``, ``file`` or ``url``, or its content in ``bytes`` and its name in
    ``id``. With ``offset`` and ``duration`` (s), a piece of it is meant. The name of a recording is
    ``audio`` then. All other columns stay; one that is named like a column of transcripts is called
    ``input_…``.

    The transcripts have the fields of ``asr transcribe -f json`` as columns: ``text``, ``words``
    with times in seconds and confidences, ``segments``, ``duration``, ``model``, ``warnings``, … A
    recording that cannot be transcribed has nulls there, and the reason in ``error``. Nothing is
    computed before the dataset is used.

    Args:
        dataset: of recordings.
        path_column: the name of the column of paths, if it has another one.
        options: those of :class:`asr.bulk.options.Options`: ``model``, ``device``, ``display``,
            ``search``, ``batch_size``, ``limits``.

    Raises:
        ConfigError: the extra ``ray`` is not installed, or an unknown option.
        ModelError: the directory is not a sound model.
        DataError: while the dataset is used: there is no column of paths.

    >>> transcribe("talks.parquet")
    Traceback (most recent call last):
    asr.errors.ConfigError: transcribe needs a ray.data.Dataset, got str
    """
    if not hasattr(dataset, "map_batches"):
        raise ConfigError(f"transcribe needs a ray.data.Dataset, got {type(dataset).__name__}")
    known = [item.name for item in fields(Options)]
    if unknown := [name for name in options if name not in known]:
        raise ConfigError(f"unknown option {unknown[0]}; known here: {', '.join(known)}")
    chosen = Options(**options)
    read_model(chosen.model or default_model())
    return with_actors(
        dataset,
        TableActor,
        (ship(chosen), path_column, os.getcwd()),
        chosen.limits,
        batch_size=ROWS,
        batch_format="pyarrow",
    )
