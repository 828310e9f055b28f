"""Texts for language models, from plain text or from a manifest."""

import gzip
import lzma
import zlib
from pathlib import Path

from asr.data.manifest import read_manifest
from asr.errors import DataError
from asr.files import decode_text
from asr.text import normalize

OPENERS = {".gz": gzip.decompress, ".xz": lzma.decompress}


def read_texts(path: str | Path) -> list[str]:
    """Read the normalised texts of a file, without empty ones.

    A file whose name ends in ``.jsonl`` is a manifest; any other is plain text with a sentence a
    line, which is compressed if the name ends in ``.gz`` or ``.xz``.

    Raises:
        DataError: the file cannot be read, or holds no text.
    """
    path = Path(path)
    if path.suffix.lower() == ".jsonl":
        lines = [item.text for item in read_manifest(path)]
    else:
        lines = [normalize(line) for line in read_text_lines(path)]
    texts = [line for line in lines if line]
    if not texts:
        raise DataError(f"{path}: holds no text, needs a sentence a line")
    return texts


def read_text_lines(path: str | Path) -> list[str]:
    """Read the lines of a text as they are written; it is compressed if its name ends in ``.gz``
    or ``.xz``.

    Raises:
        DataError: the file cannot be read.
    """
    path = Path(path)
    try:
        data = OPENERS.get(path.suffix.lower(), bytes)(path.read_bytes())
    except (gzip.BadGzipFile, lzma.LZMAError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: the compressed file is damaged: {error}") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    return decode_text(data, path, "text").split("\n")
