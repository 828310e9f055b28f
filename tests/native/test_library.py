"""The library of compiled functions belongs to its sources, and any other is refused."""

import ctypes
import os
import re
import subprocess
import sys

import pytest
from conftest import ROOT

import hatch_build
from asr import native
from asr.errors import ConfigError

# What calls the compiled functions, and what takes too long if each access to memory is checked.
SANITIZED_TESTS = [
    "tests/native", "tests/decoding/test_alignment.py", "tests/decoding/test_beam.py",
    "tests/lm/test_ngram_file.py", "tests/lm/test_packed.py",
]  # fmt: skip
LONG_TESTS = "an_hour or on_speech or kenlm"
HEADERS_AND_SOURCES = sorted(hatch_build.FOLDER.glob("*.[ch]"))


def test_it_was_compiled_from_the_sources_as_they_are():
    assert native.library.source_hash() == hatch_build.source_hash(), (
        "a file of asr/native was changed after the library was compiled: python hatch_build.py"
    )


def test_hash_notices_every_file(tmp_path):
    (tmp_path / "one.c").write_text("int one;")
    before = hatch_build.source_hash(tmp_path)
    (tmp_path / "README").write_text("nothing that is compiled")
    assert hatch_build.source_hash(tmp_path) == before
    (tmp_path / "one.h").write_text("")
    after = hatch_build.source_hash(tmp_path)
    (tmp_path / "one.h").rename(tmp_path / "other.h")
    assert len({before, after, hatch_build.source_hash(tmp_path)}) == 3


def test_every_exported_function_is_declared():
    text = "\n".join(path.read_text() for path in HEADERS_AND_SOURCES)
    exported = re.findall(r"^EXPORT[^(]*?(\w+)\(", text, re.MULTILINE)
    assert set(exported) == set(native.SIGNATURES)


def test_version_is_the_same_in_c_and_python():
    header = (hatch_build.FOLDER / "native.h").read_text()
    assert f"#define ABI_VERSION {native.ABI_VERSION}\n" in header


@pytest.mark.parametrize("path", HEADERS_AND_SOURCES, ids=lambda path: path.name)
def test_lines_are_short(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        assert len(line) <= 100 and "\t" not in line and line == line.rstrip(), number


def test_missing_library(tmp_path):
    path = tmp_path / "_native.so"
    with pytest.raises(ConfigError) as caught:
        native.load(path)
    assert str(caught.value) == (
        f"{path}, the compiled part of this package, is missing; install the package again "
        '("pip install ."), in a clone: python hatch_build.py'
    )


def test_damaged_library(tmp_path):
    path = tmp_path / "_native.so"
    path.write_bytes(native.LIBRARY.read_bytes()[:100])
    with pytest.raises(ConfigError, match=r"_native\.so cannot be loaded \(.*python hatch_build"):
        native.load(path)


@pytest.mark.skipif(sys.platform != "linux", reason="libraries are ELF files on Linux")
@pytest.mark.parametrize("share", [0, 0.05, 0.3, 0.6, 0.99])
def test_library_that_is_cut_off(share, tmp_path):
    """The process would end by a signal if the system mapped it."""
    whole = native.LIBRARY.read_bytes()
    (tmp_path / "_native.so").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ConfigError, match=r"_native\.so cannot be loaded \(.*python hatch_build"):
        native.load(tmp_path / "_native.so")


def test_library_of_another_version(monkeypatch):
    monkeypatch.setattr(native, "ABI_VERSION", 99)
    with pytest.raises(ConfigError, match=r"has version \d+ of the interface, needs 99; install"):
        native.load(native.LIBRARY)


def test_library_without_a_function(monkeypatch):
    """It was compiled from older sources, whose interface should have had another number."""
    monkeypatch.setitem(native.SIGNATURES, "no_such_function", (None, []))
    with pytest.raises(ConfigError, match=r"cannot be loaded \(.*no_such_function.*; install"):
        native.load(native.LIBRARY)


@pytest.fixture
def compiler():
    """The installed compiler; without one, nothing can be compiled here."""
    return hatch_build.installed_compiler() or pytest.skip("there is no C compiler: install gcc")


def test_compiles_without_a_warning(compiler, tmp_path):
    options = ["-Wall", "-Wextra", "-Wconversion", "-Wno-sign-conversion", "-pedantic", "-Werror"]
    hatch_build.compile_library(tmp_path / "library.so", options)
    native.load(tmp_path / "library.so")
    assert [path.name for path in tmp_path.iterdir()] == ["library.so"]


STRUCTURES = [
    each for each in ctypes.Structure.__subclasses__() if each.__module__.startswith("asr.native.")
]


@pytest.mark.parametrize("structure", STRUCTURES, ids=lambda structure: structure.__name__)
def test_structures_are_the_same_in_c_and_python(compiler, structure, tmp_path):
    name = structure.__name__
    facts = [f"sizeof({name}) == {ctypes.sizeof(structure)}"]
    for field, _ in structure._fields_:
        place = getattr(structure, field)
        facts.append(f"offsetof({name}, {field}) == {place.offset}")
        facts.append(f"sizeof((({name} *)0)->{field}) == {place.size}")
    [home] = [path for path in HEADERS_AND_SOURCES if f"}} {name};" in path.read_text()]
    lines = ["#include <stddef.h>", f'#include "{home}"']
    lines += [f"extern char same[{fact} ? 1 : -1]; /* {fact} */" for fact in facts]
    source = tmp_path / "structure.c"
    source.write_text("\n".join([*lines, ""]))
    command = [*compiler, "-std=c99", "-fsyntax-only", source]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_the_compiler_said_is_shown(compiler, tmp_path):
    with pytest.raises(SystemExit, match=r"(?s)-fno-such.*\nerror: the C compiler failed; set CC"):
        hatch_build.compile_library(tmp_path / "library.so", ["-fno-such-option"])
    assert not list(tmp_path.iterdir())


def test_chosen_compiler(monkeypatch, tmp_path):
    monkeypatch.setenv("CC", "no-such-compiler -m64")
    assert hatch_build.installed_compiler() == ["no-such-compiler", "-m64"]
    with pytest.raises(SystemExit, match=r"error: the library cannot be compiled: .*no-such-comp"):
        hatch_build.compile_library(tmp_path / "library.so")


def test_without_a_compiler_the_build_asks_for_one(monkeypatch, tmp_path):
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    hook = hatch_build.NativeHook.__new__(hatch_build.NativeHook)
    assert hook.dependencies() == [hatch_build.ZIG]
    asks_for_headers = tmp_path / "cc"
    asks_for_headers.write_text("#!/bin/sh\nexit 1\n")
    asks_for_headers.chmod(0o755)
    assert hook.dependencies() == [hatch_build.ZIG]
    asks_for_headers.write_text("#!/bin/sh\n")
    assert hook.dependencies() == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other systems preload libraries otherwise")
def test_no_access_outside_of_memory(compiler, tmp_path):
    """Run the tests of the functions with a library that checks every access and every sum."""
    preloaded = [
        subprocess.check_output([*compiler, f"-print-file-name={name}"], text=True).strip()
        for name in ("libasan.so", "libstdc++.so")
    ]
    if not all(map(os.path.isfile, preloaded)):
        pytest.skip("the compiler has no libasan: install gcc")
    # The package as it is but for its library.
    package = tmp_path / "asr"
    (package / "native").mkdir(parents=True)
    for path in [*(ROOT / "asr").iterdir(), *(ROOT / "asr/native").glob("*.py")]:
        if path.name != "native":
            (package / path.relative_to(ROOT / "asr")).symlink_to(path)
    checks = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g"]
    hatch_build.compile_library(package / "native" / hatch_build.LIBRARY, checks)
    run = (
        "import sys, pytest; from asr import native; print(native.LIBRARY);"
        "sys.exit(pytest.main(sys.argv[1:]))"
    )
    command = [
        sys.executable, "-c", run, "-q", "-s", "-n0", "-p", "no:cacheprovider",
        "--rootdir", ROOT, "-c", ROOT / "pyproject.toml", "--ignore", __file__,
        "-k", f"not ({LONG_TESTS})", *(ROOT / path for path in SANITIZED_TESTS),
    ]  # fmt: skip
    environment = {
        "LD_PRELOAD": " ".join(preloaded),
        "ASAN_OPTIONS": "detect_leaks=0",  # those of Python
        "PYTHONPATH": "",
        "CI": "",
    }
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[:4000]
    assert str(package) in done.stdout and "passed" in done.stdout
