"""Recurrent cells, one file a cell: every module of this package but ``base`` is a cell.

Adding a cell is adding a file here; :class:`asr.training.cells.base.Cell` says what it holds.
This module lists the cells without importing torch.
"""

import pkgutil

from asr.config import require

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
