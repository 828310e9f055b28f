"""The order of the packages: what each module may import."""

import ast
import sys

import pytest
from conftest import ROOT

# A module imports only its own package, packages that stand before it, and the modules beside them.
PACKAGES = [
    "audio", "model", "lm", "decoding", "recognition", "data", "evaluation", "report", "training",
    "cli",
]  # fmt: skip
ALLOWED = {"numpy", "soundfile", "soxr", "onnxruntime", "jiwer", "typer", "rich"}
# Extras, and what is slow to load, imported where their absence gets a clear message, and nowhere else.
EXTRAS = {
    "av": {"audio/ffmpeg.py"},
    "numba": {"decoding/compiled.py"},
    "matplotlib": {"cli/lm_tune.py", "cli/data_stats_plot.py"},
}
MODULES = sorted((ROOT / "asr").rglob("*.py"))


def package_of(parts):
    """The package that a module or a dotted name lies in, None if directly in ``asr``."""
    return parts[0] if parts and parts[0] in PACKAGES else None


def imports(path):
    """(dotted name, whether it stands at the top level) of every import."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = [node.module]
        for name in names:
            yield name, node in tree.body


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports(path):
    parts = path.relative_to(ROOT / "asr").with_suffix("").parts
    if parts == ("__init__",):
        return  # Its names are imported when they are first used.
    package = package_of(parts)
    for name, top in imports(path):
        first, *rest = name.split(".")
        if first != "asr":
            known = first in ALLOWED or first in sys.stdlib_module_names or package == "training"
            assert known or "/".join(parts) + ".py" in EXTRAS.get(first, ()), name
            continue
        other = package_of(rest)
        if other == "training" != package:
            assert package == "cli" and not top, f"{name}: only inside a command's function"
        elif other is not None:
            allowed = PACKAGES[: PACKAGES.index(package) + 1] if package else []
            assert other in allowed, f"{name} stands below {path.name}"


def test_every_folder_is_in_the_list():
    found = {path.relative_to(ROOT / "asr").parts[0] for path in MODULES if path.parent.name}
    folders = {name for name in found if not name.endswith(".py")}
    assert folders == set(PACKAGES)
    assert len(found - folders - {"__init__.py"}) <= 8
