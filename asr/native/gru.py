"""The structure of gru.h."""

import ctypes


class Gru(ctypes.Structure):
    """A layer of the GRU in training: its sizes, and the addresses of its arrays."""

    _fields_ = [
        ("frames", ctypes.c_int64),
        ("directions", ctypes.c_int64),
        ("hidden", ctypes.c_int64),
        ("lengths", ctypes.c_void_p),
        ("weight", ctypes.c_void_p),
        ("bias", ctypes.c_void_p),
        ("products", ctypes.c_void_p),
        ("gates", ctypes.c_void_p),
        ("candidates", ctypes.c_void_p),
        ("states", ctypes.c_void_p),
        ("states_gradient", ctypes.c_void_p),
        ("products_gradient", ctypes.c_void_p),
        ("candidates_gradient", ctypes.c_void_p),
    ]
