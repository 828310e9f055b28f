"""Write the tables of the documentation from the recorded results, or only compare them.

    python scripts/tables.py [--check]

A table stands between ``<!-- NAME: PATH -->`` and ``<!-- end of NAME -->`` in a README or a page of
``docs``. PATH is a JSON file of records, or a folder of such files, relative to the page. NAME is
the name of the function that makes the table. It may be one of ``common_tables.py``: ``results``
for a ``results.json`` of ``asr evaluate``, ``seeds`` for a folder of ``record_run.py``, or ``cost``
for a folder of ``project_cost.py``; or one of ``scale_tables.py``. Else it is one of ``tables.py``
in the folder of the recipe that the records belong to; NAME has ``-`` where the function has ``_``.
The name ``recipes`` stands for the table of all recipes in the folder PATH (``overview.py``). If
the records do not exist yet, the text "Not measured yet." takes the place of the table.
``--check`` changes nothing, and fails if
a table is outdated.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import common_tables
import scale_tables
from overview import overview, own_tables

from asr.errors import AsrError, DataError
from asr.files import write_atomically

ROOT = Path(__file__).resolve().parent.parent
COMMON = {
    "results": common_tables.results,
    "seeds": common_tables.seeds,
    "cost": common_tables.cost,
    "scale-inputs": scale_tables.scale_inputs,
    "scale-storage": scale_tables.scale_storage,
    "scale-memory": scale_tables.scale_memory,
    "scale-training": scale_tables.scale_training,
    "scale-flow": scale_tables.scale_flow,
    "scale-bulk": scale_tables.scale_bulk,
}
TABLE = re.compile(r"(<!-- ([a-z-]+): (\S+) -->\n).*?(<!-- end of \2 -->)", re.DOTALL)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="change nothing, but fail if a table is outdated"
    )
    options = parser.parse_args(arguments)
    try:
        for page in pages(ROOT):
            update(page, options.check)
    except AsrError as error:
        sys.exit(f"error: {error}")


def pages(root: Path) -> list[Path]:
    """Return the pages of the documentation that may hold tables."""
    return [
        root / "README.md",
        *sorted([*root.glob("recipes/**/*.md"), *root.glob("docs/**/*.md")]),
    ]


def update(page: Path, check: bool) -> None:
    """Write the tables of a page, or only ``check`` them.

    Raises:
        DataError: ``check`` is set and a table is outdated, a name is unknown, or the README of a
            recipe lacks its facts.
    """
    old = page.read_text(encoding="utf-8")
    new = TABLE.sub(lambda match: _fill(match, page.parent), old)
    if new != old and check:
        raise DataError(f"the table in {page} is outdated; run scripts/tables.py")
    if new != old:
        write_atomically(page, new)


def _fill(match: re.Match[str], folder: Path) -> str:
    before, name, place, after = match.groups()
    return f"{before}{make(name, folder / place)}{after}"


def make(name: str, path: Path) -> str:
    """Return the table ``name`` of the records at ``path``.

    Raises:
        DataError: nothing makes a table of that name.
    """
    if name == "recipes":
        return overview(path)
    function = find(name, path.parent)
    if not path.exists():
        return "Not measured yet.\n"
    if path.is_dir():
        return function([_read(file) for file in sorted(path.glob("*.json"))])
    return function(_read(path))


def find(name: str, recipe: Path) -> Callable[[Any], str]:
    """Return the function that makes the table ``name`` of records in the folder ``recipe``.

    Raises:
        DataError: there is no such function.
    """
    function = COMMON.get(name) or getattr(own_tables(recipe), name.replace("-", "_"), None)
    if function is None:
        raise DataError(
            f"no table is called {name}; known are recipes, {', '.join(COMMON)} and the functions "
            f"of {recipe}/tables.py"
        )
    return function


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
