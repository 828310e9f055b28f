"""The compiled part of the package: language models, beam search, alignment, confidences, and the
recurrence of the GRU in training.

The functions are C, in the files beside this one. ``hatch_build.py`` compiles them into one library
when the package is built; here it is loaded and its functions are declared. A call releases the
interpreter lock. Importing this module loads the library, so modules that do without it when all
they do is greedy decoding import it where they need it.
"""

import ctypes
import os
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np

from asr.errors import ConfigError
from asr.native.structures import Gru, Lm, LmState, Prefixes, Search

ABI_VERSION = 4  # as in native.h, where it says when to raise it
LIBRARY = Path(__file__).with_name("_native.dll" if sys.platform == "win32" else "_native.so")

_LM, _STATE = ctypes.POINTER(Lm), ctypes.POINTER(LmState)
_SEARCH, _STREAM = ctypes.POINTER(Search), ctypes.c_void_p


class _Array:
    """The type of an argument that is an array of this ``dtype`` and number of dimensions, in the
    layout of C. numpy's own ``ndpointer`` takes several times as long for each call."""

    def __init__(self, dtype: Any, dimensions: int = 1) -> None:
        self.dtype, self.dimensions = np.dtype(dtype), dimensions

    def from_param(self, array: Any) -> Any:
        flags = array.flags
        if array.dtype != self.dtype or array.ndim != self.dimensions or not flags.c_contiguous:
            raise TypeError(
                f"needs a contiguous array of {self.dtype} of {self.dimensions} dimensions, "
                f"got {array.dtype}, {array.ndim}"
            )
        if array.size and flags.writeable:
            return ctypes.byref(ctypes.c_char.from_buffer(array))
        return array.ctypes


# What every exported function returns and takes, in the order of the files.
SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    # library.c
    "abi_version": (ctypes.c_int32, []),
    "source_hash": (ctypes.c_uint64, []),
    # lm.c
    "lm_word": (ctypes.c_int32, [_LM, ctypes.c_uint64]),
    "lm_state": (None, [_LM, _Array(np.int32), ctypes.c_int64, _STATE]),
    "lm_score": (
        None,
        [
            _LM, _STATE, _Array(np.int32), ctypes.c_int64, _Array(np.float64), _Array(np.uint8),
        ],
    ),
    "lm_pack": (
        None,
        [
            _Array(np.uint8), ctypes.c_int64, ctypes.c_int64, ctypes.c_int32, _Array(np.uint32),
            ctypes.c_int64,
        ],
    ),
    # context.c
    # beam.c
    "beam_new": (_STREAM, [_SEARCH, _STATE]),
    "beam_free": (None, [_STREAM]),
    "beam_feed": (ctypes.c_int32, [_STREAM, _Array(np.float64, 2), ctypes.c_int32]),
    "beam_entries": (ctypes.c_int32, [_STREAM]),
    "beam_room": (ctypes.c_int32, [_STREAM]),
    "beam_finish": (
        ctypes.c_int32,
        [_STREAM, ctypes.c_int32, _Array(np.int32), _Array(np.float64, 2)],
    ),
    "beam_best": (ctypes.c_int32, [_STREAM, _Array(np.float64)]),
    "beam_length": (ctypes.c_int64, [_STREAM, ctypes.c_int32]),
    "beam_tokens": (
        None, [_STREAM, ctypes.c_int32, ctypes.c_int64, _Array(np.int32)],
    ),
    "beam_describe": (
        ctypes.c_int64,
        [
            _STREAM, _Array(np.int32), _Array(np.float64), ctypes.c_int64, ctypes.c_int64,
            _Array(np.float32, 2), ctypes.c_int64, ctypes.c_int64, ctypes.c_double,
            *[_Array(np.int32)] * 3, _Array(np.float64),
        ],
    ),
    "beam_decode": (
        ctypes.c_int32,
        [
            _SEARCH, _STATE, _Array(np.float64, 2), _Array(np.float32, 2), _Array(np.int64),
            ctypes.c_int64, ctypes.c_int64, ctypes.c_double, _Array(np.int64),
            *[_Array(np.int32)] * 3, _Array(np.float64), _Array(np.float64, 2),
        ],
    ),
    "text_scores": (
        ctypes.c_int32,
        [
            _SEARCH, _STATE, _Array(np.int32), ctypes.c_int32,
            _Array(np.float64),
        ],
    ),
    # posteriors.c
    "token_posteriors": (
        ctypes.c_bool,
        [
            ctypes.POINTER(Prefixes), _Array(np.int32), _Array(np.float64), ctypes.c_int64,
            ctypes.c_int64, _Array(np.int32), _Array(np.float64),
        ],
    ),
    # align.c
    "align_text": (
        ctypes.c_int32,
        [
            _Array(np.float32, 2), ctypes.c_int64, ctypes.c_int64, _Array(np.int32),
            ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_double, _Array(np.int32),
            _Array(np.int32), ctypes.POINTER(ctypes.c_double),
        ],
    ),
    # gru.c
    "gru_forward": (ctypes.c_bool, [ctypes.POINTER(Gru), ctypes.c_int32, *[ctypes.c_int64] * 3]),
    "gru_backward": (ctypes.c_bool, [ctypes.POINTER(Gru), ctypes.c_int32, *[ctypes.c_int64] * 3]),
}  # fmt: skip


def load(path: Path) -> ctypes.CDLL:
    """Return the library at ``path`` with its functions declared.

    Raises:
        ConfigError: the library is missing, cannot be loaded, or belongs to another version.
    """
    mend = 'install the package again ("pip install ."), in a clone: python hatch_build.py'
    if not path.exists():
        raise ConfigError(f"{path}, the compiled part of this package, is missing; {mend}")
    if _is_cut_off(path):
        raise ConfigError(f"{path} cannot be loaded (it is cut off); {mend}")
    try:
        result = ctypes.CDLL(str(path))
        result.abi_version.restype = ctypes.c_int32
        if (version := result.abi_version()) != ABI_VERSION:
            raise ConfigError(
                f"{path} has version {version} of the interface, needs {ABI_VERSION}; {mend}"
            )
        for name, (returned, arguments) in SIGNATURES.items():
            function = getattr(result, name)
            function.restype = returned
            function.argtypes = arguments
    except (OSError, AttributeError) as error:
        raise ConfigError(f"{path} cannot be loaded ({error}); {mend}") from error
    return result


def _is_cut_off(path: Path) -> bool:
    """Return whether an ELF library ends before its last part, the headers of its sections (System
    V ABI, chapter 4). The system does not look: a process that loads one may end by SIGBUS."""
    try:
        with open(path, "rb") as file:
            head, size = file.read(64), os.fstat(file.fileno()).st_size
    except OSError:
        return False  # loading it says why
    if len(head) < 64 or head[:6] != b"\x7fELF\2\1":  # 64 bits, the least significant byte first
        return False
    (offset,) = struct.unpack_from("<Q", head, 40)
    length, count = struct.unpack_from("<HH", head, 58)
    return bool(size < offset + length * count)


library = load(LIBRARY)
