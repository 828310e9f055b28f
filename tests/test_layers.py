"""The two floors: what each module of the recognition floor may import."""

import ast
import sys

import pytest
from conftest import ROOT

# In this order: a module imports only modules that stand before it.
FLOOR = [
    "errors", "files", "ahead", "config", "headers", "pipes", "inputs", "ogg", "samples",
    "containers", "audio", "probe", "text", "manifest", "corpora", "datasets", "confidence",
    "modeldir", "archives", "hearing", "sources", "recordings", "subgraph", "acoustic",
    "windows", "pieces", "decoding", "words", "domain", "segments", "transcriber", "aligner",
    "golden", "subtitles", "writers", "scoring", "tuning", "report", "validation", "statistics",
    "cli",
]  # fmt: skip
ALLOWED = {"numpy", "soundfile", "soxr", "onnxruntime", "jiwer", "typer", "rich"}
# Extras, imported where their absence gets a clear message, and nowhere else.
EXTRAS = {
    "numba": {"decoding/compiled.py"},
    "matplotlib": {"cli/lm_tune.py", "cli/data_stats_plot.py"},
}
MODULES = sorted(path for path in (ROOT / "asr").rglob("*.py") if "training" not in path.parts)


def imports(path):
    """(module name, whether it stands at the top level) of every import."""
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
    lazy_init = parts == ("__init__",)
    position = len(FLOOR) if lazy_init else FLOOR.index(parts[0])
    for name, top in imports(path):
        package, *rest = name.split(".")
        if package != "asr":
            known = package in ALLOWED or package in sys.stdlib_module_names
            assert known or "/".join(parts) + ".py" in EXTRAS.get(package, ()), name
        elif rest and rest[0] == "training":
            assert parts[0] == "cli" and not top, f"{name}: only inside a command's function"
        elif rest:
            same = rest[0] == parts[0] and len(parts) > 1
            assert same or FLOOR.index(rest[0]) < position, f"{name} stands above"


def test_every_module_has_its_place():
    names = {path.relative_to(ROOT / "asr").with_suffix("").parts[0] for path in MODULES}
    assert names - {"__init__"} == set(FLOOR)
