"""The structure of search.h that Python fills in."""

import ctypes
from typing import Any

from asr.native.lm import Lm


class Search(ctypes.Structure):
    """The tables and options of a search, whose comments in search.h say what the fields hold.

    ``kept`` are the Python objects that the addresses point into.
    """

    kept: Any

    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("boundaries", "codes", "powers")),
        *((name, ctypes.c_void_p) for name in ("lexicon_first", "lexicon_label", "lexicon_words")),
        *((name, ctypes.c_void_p) for name in ("lexicon_follow",)),
        ("lm", ctypes.POINTER(Lm)),
        *((name, ctypes.c_void_p) for name in ("token_words",)),
        *((name, ctypes.c_void_p) for name in ("hot_next", "hot_gain", "hot_potential")),
        *((name, ctypes.c_double) for name in ("lm_weight", "word_bonus", "unknown_score")),
        *((name, ctypes.c_double) for name in ("beam_threshold", "token_threshold", "blank_skip")),
        ("largest_factor", ctypes.c_double),
        *((name, ctypes.c_int32) for name in ("size", "blank", "space", "leading", "closed")),
        *((name, ctypes.c_int32) for name in ("lm_kind", "lm_unknown", "lm_end", "beam_size")),
        *((name, ctypes.c_int32) for name in ("max_tokens", "plain")),
    ]
