"""Files of n-gram models: the binary form, which is mapped, and a reader for it and for ARPA."""

from pathlib import Path

import numpy as np

from asr.errors import ModelError
from asr.files import write_atomically
from asr.lm.packed import FORMAT_VERSION, MAGIC, OLD_VERSION, PREFIX, PackedLm


def read_lm(path: str | Path) -> PackedLm:
    """Read an n-gram model in either form, binary or ARPA; its first bytes tell which it is.

    >>> import tempfile
    >>> from asr.lm.kneser_ney import estimate
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_binary(f"{folder}/lm.ngram", estimate(["go on", "go back"], order=2).model)
    ...     model = read_lm(f"{folder}/lm.ngram")
    >>> model.order, model.words
    (2, ('<unk>', '<s>', '</s>', 'back', 'go', 'on'))

    Raises:
        ModelError, DataError: see :func:`read_binary` and :func:`asr.lm.arpa.read_arpa`.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            start = file.read(len(MAGIC))
    except OSError as error:
        raise ModelError(f"cannot read the language model {path}: {error.strerror}") from error
    if start == MAGIC:
        return read_binary(path)
    from asr.lm.arpa import read_arpa
    from asr.lm.packing import pack

    return pack(read_arpa(path))


def write_binary(path: str | Path, model: PackedLm) -> None:
    """Write the binary form, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    write_atomically(path, model.block.tobytes())


def read_binary(path: str | Path) -> PackedLm:
    """Map a model in binary form into memory; it stays in the file, and processes share it.

    A file of format 1, which earlier versions of this package wrote, is read and packed.

    Raises:
        ModelError: the file cannot be read, is damaged or cut short, or is of another kind or
            version.
    """
    path = Path(path)
    try:
        data = np.memmap(path, np.uint8, "r").view(np.ndarray)
    except OSError as error:
        raise ModelError(f"cannot read the language model {path}: {error.strerror}") from error
    except ValueError as error:  # an empty file cannot be mapped
        raise ModelError(f"{path}: the file is empty, it needs a language model") from error
    if data[: len(MAGIC)].tobytes() != MAGIC:
        raise ModelError(f"{path}: this is not a binary n-gram model as asr lm build writes it")
    if len(data) >= PREFIX.size:
        _, version, _, _ = PREFIX.unpack(data[: PREFIX.size].tobytes())
        if version == OLD_VERSION:
            from asr.lm.old_ngram_file import parse_old
            from asr.lm.packing import pack

            return pack(parse_old(data, str(path)))
        if version != FORMAT_VERSION:
            raise ModelError(
                f"{path}: the language model has format {version}, but this version of the package "
                f"reads format {FORMAT_VERSION}; build it again from its ARPA file or its text"
            )
    return PackedLm(data, str(path))
