"""The compiled part of the package: language models, beam search, alignment and confidences.

The functions are C, in the files beside this one. ``hatch_build.py`` compiles them into one library
when the package is built; here it is loaded and its functions are declared. A call releases the
interpreter lock. Importing this module loads the library, so modules that do without it when all
they do is greedy decoding import it where they need it.
"""

import ctypes
import sys
from pathlib import Path
from typing import Any

from asr.errors import ConfigError

ABI_VERSION = 1  # as in native.h, where it says when to raise it
LIBRARY = Path(__file__).with_name("_native.dll" if sys.platform == "win32" else "_native.so")

# What every exported function returns and takes, in the order of the files. Arrays are best
# declared by numpy.ctypeslib.ndpointer, which checks their type and layout at each call.
SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    # library.c
    "abi_version": (ctypes.c_int32, []),
    "source_hash": (ctypes.c_uint64, []),
    # lm.c
    # context.c
    # beam.c
    # posteriors.c
    # align.c
}


def load(path: Path) -> ctypes.CDLL:
    """Return the library at ``path`` with its functions declared.

    Raises:
        ConfigError: the library is missing, cannot be loaded, or belongs to another version.
    """
    mend = 'install the package again ("pip install ."), in a clone: python hatch_build.py'
    if not path.exists():
        raise ConfigError(f"{path}, the compiled part of this package, is missing; {mend}")
    try:
        result = ctypes.CDLL(str(path))
        result.abi_version.restype = ctypes.c_int32
        version = result.abi_version()
    except (OSError, AttributeError) as error:
        raise ConfigError(f"{path} cannot be loaded ({error}); {mend}") from error
    if version != ABI_VERSION:
        raise ConfigError(
            f"{path} has version {version} of the interface, needs {ABI_VERSION}; {mend}"
        )
    for name, (returned, arguments) in SIGNATURES.items():
        function = getattr(result, name)
        function.restype = returned
        function.argtypes = arguments
    return result


library = load(LIBRARY)
