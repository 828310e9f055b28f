"""The structure of posteriors.h."""

import ctypes


class Prefixes(ctypes.Structure):
    """The prefixes of a search, and the tables that divide them into words."""

    _fields_ = [
        ("parents", ctypes.c_void_p),
        ("tokens", ctypes.c_void_p),
        ("boundaries", ctypes.c_void_p),
        ("codes", ctypes.c_void_p),
        ("powers", ctypes.c_void_p),
        ("space", ctypes.c_int64),
    ]
