"""The structures of the headers, with the same fields in the same order."""

from ctypes import POINTER, Structure, c_double, c_float, c_int32, c_int64, c_void_p
from typing import Any

MAX_ORDER = 6


def _fields(kind: Any, names: str) -> list[tuple[str, Any]]:
    return [(name, kind) for name in names.split()]


class LmLevel(Structure):
    """The records of one order (lm.h)."""

    _fields_ = [
        *_fields(c_void_p, "records probs backoffs"),
        ("count", c_int64),
        *_fields(c_int32, "word_bits value_bits added_bits begin_bits record_bits"),
    ]


class Lm(Structure):
    """An n-gram language model, whose memory belongs to somebody else (lm.h)."""

    _fields_ = [
        *_fields(c_void_p, "hashes hash_ids"),
        ("hash_count", c_int64),
        *_fields(c_int32, "id_bits order"),
        ("levels", LmLevel * MAX_ORDER),
    ]


class LmState(Structure):
    """What the next probability depends on: the latest words and their back-offs (lm.h)."""

    _fields_ = [
        ("length", c_int32),
        ("words", c_int32 * (MAX_ORDER - 1)),
        ("backoffs", c_float * (MAX_ORDER - 1)),
    ]


class Search(Structure):
    """The tables and options of a search (search.h).

    ``kept`` are the Python objects that the addresses point into.
    """

    kept: Any

    _fields_ = [
        *_fields(c_void_p, "boundaries codes powers"),
        *_fields(c_void_p, "lexicon_first lexicon_label lexicon_words lexicon_follow"),
        ("lm", POINTER(Lm)),
        *_fields(c_void_p, "token_words hot_next hot_gain hot_potential"),
        *_fields(c_double, "lm_weight word_bonus unknown_score"),
        *_fields(c_double, "beam_threshold token_threshold blank_skip largest_factor"),
        *_fields(c_int32, "size blank space leading closed lm_kind lm_unknown lm_end"),
        *_fields(c_int32, "beam_size max_tokens plain"),
    ]


class Prefixes(Structure):
    """The prefixes of a search, and the tables that divide them into words (posteriors.h)."""

    _fields_ = [
        *_fields(c_void_p, "parents tokens boundaries codes powers"),
        ("space", c_int64),
    ]


class Gru(Structure):
    """A layer of the GRU in training: its sizes, and the addresses of its arrays (gru.h)."""

    _fields_ = [
        *_fields(c_int64, "frames directions hidden"),
        *_fields(c_void_p, "lengths weight bias products gates candidates states"),
        *_fields(c_void_p, "states_gradient products_gradient candidates_gradient"),
    ]
