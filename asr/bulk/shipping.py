"""The files of a model on their way to other machines of a cluster, which need not have them."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from asr.bulk.options import Options

FILES = ("lm", "lexicon", "rescore_lm")
"""The options of beam search that name files."""
NONE = "none"
"""The value of such an option that stands for no file."""


@dataclass(frozen=True)
class Shipped:
    """Options, and the content of the files that they name, which stands in Ray's object store.

    ``node`` is the machine that has the files themselves.
    """

    options: Options
    node: str
    contents: Mapping[str, Any] = field(default_factory=dict)

    def here(self) -> Options:
        """Return the options with paths of this machine."""
        import ray

        if not self.contents or ray.get_runtime_context().get_node_id() == self.node:
            return self.options
        places = {name: _unpacked(content) for name, content in self.contents.items()}
        model = places.pop("model", self.options.model)
        search = {**self.options.search, **{name: str(place) for name, place in places.items()}}
        return replace(self.options, model=model, search=search)


def ship(options: Options) -> Shipped:
    """Put the files that ``options`` name into the object store; the model in the package is on
    every machine already.

    Raises:
        OSError: one of them cannot be read.
    """
    import ray

    paths = {name: Path(options.search[name]).absolute() for name in _named(options)}
    search = {**options.search, **{name: str(path) for name, path in paths.items()}}
    model = None if options.model is None else Path(options.model).absolute()
    options = replace(options, model=model, search=search, given=options.search)
    if model is not None:
        paths["model"] = model
    contents = {name: ray.put(_content(path)) for name, path in paths.items()}
    return Shipped(options, ray.get_runtime_context().get_node_id(), contents)


def _named(options: Options) -> list[str]:
    return [name for name in FILES if options.search.get(name, NONE) != NONE]


def _content(path: Path) -> dict[str, bytes]:
    """Return the bytes of a file, or of all files of a folder, by their names in its parent."""
    paths = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return {str(file.relative_to(path.parent)): file.read_bytes() for file in sorted(paths)}


@cache
def _unpacked(content: Any) -> Path:
    """Return the place of files on this machine, where they stay as long as this process does."""
    import ray

    files: dict[str, bytes] = ray.get(content)
    folder = Path(tempfile.mkdtemp(prefix="asr-bulk-"))
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder / Path(next(iter(files))).parts[0]
