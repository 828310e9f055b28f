"""The structures of lm.h."""

import ctypes

MAX_ORDER = 6


class LmLevel(ctypes.Structure):
    """The records of one order."""

    _fields_ = [
        ("records", ctypes.c_void_p),
        ("probs", ctypes.c_void_p),
        ("backoffs", ctypes.c_void_p),
        ("count", ctypes.c_int64),
        ("word_bits", ctypes.c_int32),
        ("value_bits", ctypes.c_int32),
        ("added_bits", ctypes.c_int32),
        ("begin_bits", ctypes.c_int32),
        ("record_bits", ctypes.c_int32),
    ]


class Lm(ctypes.Structure):
    """An n-gram language model, whose memory belongs to somebody else."""

    _fields_ = [
        ("hashes", ctypes.c_void_p),
        ("hash_ids", ctypes.c_void_p),
        ("hash_count", ctypes.c_int64),
        ("id_bits", ctypes.c_int32),
        ("order", ctypes.c_int32),
        ("levels", LmLevel * MAX_ORDER),
    ]


class LmState(ctypes.Structure):
    """The state that the next probability depends on: the latest words and their back-offs."""

    _fields_ = [
        ("length", ctypes.c_int32),
        ("words", ctypes.c_int32 * (MAX_ORDER - 1)),
        ("backoffs", ctypes.c_float * (MAX_ORDER - 1)),
    ]
