"""Each module imports only what the order of the packages allows."""

import ast
import sys
from graphlib import TopologicalSorter

import pytest
from conftest import ROOT

# A module imports only its own package, packages that stand before it, and the modules beside them.
PACKAGES = [
    "native", "audio", "model", "lm", "decoding", "display", "recognition", "data", "evaluation",
    "report", "serving", "bulk", "training", "cli",
]  # fmt: skip
# What the extra of the server brings, which asr/serving alone imports.
SERVER = {"starlette", "uvicorn", "h11", "websockets", "python_multipart"}
SERVER |= {"prometheus_client"}
# What the extra of bulk transcription brings, which asr/bulk alone imports.
CLUSTER = {"ray", "pyarrow", "fsspec"}
# These modules of asr/ must not import the packages named here.
ENTRANCES = {"__init__": ["cli"], "__main__": []}
ALLOWED = {"numpy", "soundfile", "soxr", "jiwer", "click", "rich"}
# Extras and packages that are slow to load are imported in these files alone, which give a clear
# message where one is missing.
EXTRAS = {
    "av": {"audio/ffmpeg.py"},
    "onnxruntime": {"evaluation/evaluate.py", "model/described_graph.py", "model/session.py"},
    "matplotlib": {"cli/lm_tune.py", "report/summary_picture.py"},
}
FILES = sorted((ROOT / "asr").rglob("*.py"))


def module_of(path):
    """Return the dotted name of a file; a package has that of its folder."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}


def package_of(name):
    """Return the package that a dotted name lies in, or None if it lies directly in ``asr``."""
    _, *parts = name.split(".")
    return parts[0] if parts and parts[0] in PACKAGES else None


def imports(path):
    """Yield (dotted name of a module, True if at the top level) for every import of a file."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in MODULES else node.module for name in inner]
        for name in names:
            yield name, node in tree.body


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports(path):
    place = path.relative_to(ROOT / "asr").as_posix()
    package = package_of(module_of(path))
    for name, top in imports(path):
        first = name.partition(".")[0]
        other = package_of(name)
        if first != "asr":
            known = first in ALLOWED or first in sys.stdlib_module_names or package == "training"
            known = known or (package == "serving" and first in SERVER)
            known = known or (package == "bulk" and first in CLUSTER)
            assert known or place in EXTRAS.get(first, ()), name
        elif path.parent.name == "asr" and path.stem in ENTRANCES:
            assert other not in ENTRANCES[path.stem], name
        elif name == "asr":
            assert package == "cli", "the public names are for users and the command line"
        elif other in ("serving", "bulk", "training") and other != package:
            assert package == "cli" and not top, f"{name}: only inside a command's function"
        elif other is not None:
            allowed = PACKAGES[: PACKAGES.index(package) + 1] if package else []
            assert other in allowed, f"{name} stands below {path.name}"


def test_no_module_imports_itself_by_way_of_others():
    """No imports form a circle, those inside functions and those for types alone included."""
    graph = {
        name: {other for other, _ in imports(path) if other in MODULES} - {name}
        for name, path in MODULES.items()
    }
    assert len(graph) == len(FILES) and graph["asr"] and graph["asr.__main__"] == {"asr.cli.main"}
    TopologicalSorter(graph).prepare()  # it raises CycleError, which names the modules of a cycle


def test_few_rooms_on_the_first_floor():
    """Every folder is in the list, and few modules and packages lie directly in ``asr``."""
    places = [path.relative_to(ROOT / "asr").parts for path in FILES]
    folders = {place[0] for place in places if len(place) > 1}
    modules = {place[0] for place in places if len(place) == 1}
    assert folders == set(PACKAGES) and len(folders) <= 14
    assert len(modules - {"__init__.py"}) <= 8
