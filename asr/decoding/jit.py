"""Compilation of the decoder's loops by numba.

numba keeps a compiled function on disk as long as its source file stays the same. It does not
notice a change in another file whose functions are called: delete ``__pycache__`` after such a
change. The tests keep a cache for each state of the sources (tests/shared_fixtures.py).
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from asr.errors import missing_extra

try:
    import numba
except ModuleNotFoundError as error:
    raise missing_extra("beam search and alignment need", "numba", "beam") from error

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile ``function`` at its first call, to run without the interpreter lock.

    The result is kept in ``__pycache__`` beside the source or, where that is read-only, in the
    user's cache folder (``NUMBA_CACHE_DIR`` names another). Where neither can be written, every
    process compiles it again.
    """
    return _compile(function)


def inlined(function: Function) -> Function:
    """Compile ``function`` into its callers; it must be part of an inner loop and make no arrays.

    References to its array arguments are not counted. Counting them at each call, as numba does
    otherwise, took three quarters of the time of a search.
    """
    return _compile(function, forceinline=True, _nrt=False)


def _compile(function: Function, **options: Any) -> Function:
    options |= {"nogil": True, "error_model": "numpy"}
    try:
        result: Any = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no place to keep it
        result = numba.njit(**options)(function)
    return cast(Function, result)
