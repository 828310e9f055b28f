"""Compilation of asr/native/*.c into the library that the package loads.

hatchling calls the hook below whenever a wheel or an editable install is made. In a clone that is
used without an installation, ``python hatch_build.py`` compiles the library in place.

The compiler is ``$CC``, else cc, gcc or clang. Where none of them works, pip downloads the package
ziglang, which holds clang and the C libraries of all platforms, for the time of the build.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ModuleNotFoundError:  # only the hook needs hatchling
    BuildHookInterface = object

WINDOWS = sys.platform == "win32"
FOLDER = Path(__file__).resolve().parent / "asr" / "native"
LIBRARY = "_native.dll" if WINDOWS else "_native.so"
ZIG = "ziglang>=0.13"
# Results must not depend on the processor or the compiler, so nothing is contracted or reordered.
OPTIONS = ["-std=c99", "-O2", "-ffp-contract=off", "-fvisibility=hidden", "-shared"]


def sources(folder: Path = FOLDER) -> list[Path]:
    """Return the C files of ``folder`` in alphabetical order."""
    return sorted(folder.glob("*.c"))


def source_hash(folder: Path = FOLDER) -> int:
    """Return 64 bits of a hash of all that the library of ``folder`` is compiled from."""
    result = hashlib.sha256(" ".join(OPTIONS).encode())
    for path in sorted([*sources(folder), *folder.glob("*.h")]):
        result.update(path.name.encode() + b"\0" + path.read_bytes())
    return int.from_bytes(result.digest()[:8], "big")


def installed_compiler() -> list[str] | None:
    """Return the command of the C compiler that is installed, or None."""
    if command := os.environ.get("CC"):
        return shlex.split(command, posix=not WINDOWS)
    for name in filter(shutil.which, ("cc", "gcc", "clang")):
        # A program of this name may come without headers, or only ask to install a compiler.
        test = b"#include <stdlib.h>\n"
        if not subprocess.run([name, "-E", "-"], input=test, capture_output=True).returncode:
            return [name]
    return None


def compile_library(target: Path, options: Sequence[str] = ()) -> None:
    """Compile the library into the file ``target``, with more ``options`` for the compiler.

    Raises:
        SystemExit: there is no compiler, or it failed; the message holds what it said.
    """
    # Unless it is told not to, zig compiles for the processor that it runs on, and for debuggers.
    zig = [sys.executable, "-m", "ziglang", "cc", "-mcpu=baseline", "-g0"]
    compiler = installed_compiler() or zig
    define = f"-DSOURCE_HASH=UINT64_C({source_hash():#x})"
    position = [] if WINDOWS else ["-fPIC"]
    command = [*compiler, *OPTIONS, *position, *options, define, *map(str, sources()), "-lm"]
    try:
        # A process that has the old library loaded keeps it, because the new one is another file.
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".build-") as folder:
            result = Path(folder, target.name)
            command += ["-o", str(result)]
            environment = {"ZIG_GLOBAL_CACHE_DIR": folder, "ZIG_LOCAL_CACHE_DIR": folder}
            done = subprocess.run(command, capture_output=True, env=os.environ | environment)
            if done.returncode == 0:
                result.replace(target)
    except OSError as error:
        raise SystemExit(f"error: the library cannot be compiled: {error}") from error
    if done.returncode:
        said = (done.stdout + done.stderr).decode(errors="replace")
        raise SystemExit(
            f"{shlex.join(command)}\n{said}\nerror: the C compiler failed; set CC to another one, "
            f'or "pip install ziglang" where there is none'
        )


class NativeHook(BuildHookInterface):
    """The build hook that puts the library into a wheel, or beside its sources if editable."""

    def dependencies(self) -> list[str]:
        """Return the packages that the build needs; pip installs them for its time alone."""
        return [] if installed_compiler() else [ZIG]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the library, and mark the wheel as one for this platform and every Python."""
        from packaging.tags import platform_tags  # comes with hatchling

        # The tags before this one promise that the library runs on older systems too.
        platform = next(tag for tag in platform_tags() if not tag.startswith(("many", "musl")))
        build_data["tag"] = f"py3-none-{platform}"
        build_data["pure_python"] = False
        if version == "editable":
            compile_library(FOLDER / LIBRARY)
        else:  # the folder of the sources may be read-only
            self.place = tempfile.TemporaryDirectory()
            compile_library(Path(self.place.name, LIBRARY))
            build_data["force_include"][f"{self.place.name}/{LIBRARY}"] = f"asr/native/{LIBRARY}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the library that was compiled for the wheel."""
        if version != "editable":
            self.place.cleanup()


if __name__ == "__main__":
    compile_library(FOLDER / LIBRARY)
