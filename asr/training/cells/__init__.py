"""Recurrent cells, one file a cell: every module of this package but ``base`` is a cell.

Adding a cell is adding a file here, named as the cell is called in ``encoder.cell``; see
:class:`asr.training.cells.base.Cell` for what it holds. Listing the cells does not import torch.
"""

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING

from asr.config import require
from asr.errors import ConfigError

if TYPE_CHECKING:
    from asr.training.cells.base import Cell

BASE = "base"


def cell_names() -> tuple[str, ...]:
    """Return the names that ``encoder.cell`` may have: those of this package's modules.

    >>> cell_names()
    ('gru', 'lstm', 'rnn')
    """
    names = {module.name for module in pkgutil.iter_modules(__path__)} - {BASE}
    return tuple(sorted(names))


def check_cell(option: str, name: str) -> None:
    """Raise a ConfigError that lists the known cells unless ``name`` is one of them.

    >>> check_cell("encoder.cell", "qrnn")
    Traceback (most recent call last):
    asr.errors.ConfigError: encoder.cell is 'qrnn', needs one of ('gru', 'lstm', 'rnn')
    """
    require(name in cell_names(), f"{option} is {name!r}, needs one of {cell_names()}")


def load_cell(name: str) -> "Cell":
    """Import a cell.

    >>> load_cell("lstm").states
    2

    Raises:
        ConfigError: there is no such cell, or its module does not define one.
    """
    check_cell("the cell", name)
    module = import_module(f"{__name__}.{name}")
    try:
        cell: Cell = module.CELL
    except AttributeError as error:
        raise ConfigError(f"{module.__file__} defines no CELL, an instance of Cell") from error
    return cell
