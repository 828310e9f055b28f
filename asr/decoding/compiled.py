"""What the compiled loops of the decoder are compiled with.

numba keeps what it compiled as long as the source file of a function stays as it is. A function
that calls one of another file is not compiled again when only that file changes: whoever works on
them deletes ``__pycache__``; the tests keep a cache for each state (tests/conftest.py).
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
    """Compile at the first call, without the interpreter lock, and keep the result on disk.

    The place is ``__pycache__`` beside the source or, where that is read-only, the user's cache
    folder (``NUMBA_CACHE_DIR`` names another). Where neither can be written, every process
    compiles anew.
    """
    return _compile(function)


def inlined(function: Function) -> Function:
    """As :func:`compiled`, for a part of an inner loop that makes no arrays itself.

    It becomes part of its caller, and does not count the references to the arrays it is handed (as
    numba would, one by one, at each call: that took three quarters of the time of a search).
    """
    return _compile(function, forceinline=True, _nrt=False)


def _compile(function: Function, **options: Any) -> Function:
    options |= {"nogil": True, "error_model": "numpy"}
    try:
        result: Any = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no place to keep it
        result = numba.njit(**options)(function)
    return cast(Function, result)
