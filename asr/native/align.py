"""The structure of align.h."""

import ctypes


class Trellis(ctypes.Structure):
    """The trellis of a text on log-probs."""

    _fields_ = [
        ("log_probs", ctypes.c_void_p),
        ("labels", ctypes.c_void_p),
        ("scores", ctypes.c_void_p),
        ("moves", ctypes.c_void_p),
        ("lows", ctypes.c_void_p),
        ("starts", ctypes.c_void_p),
        ("ends", ctypes.c_void_p),
        ("threshold", ctypes.c_double),
        ("size", ctypes.c_int64),
        ("count", ctypes.c_int64),
        ("blank", ctypes.c_int64),
        ("width", ctypes.c_int64),
        ("low", ctypes.c_int64),
        ("high", ctypes.c_int64),
    ]
