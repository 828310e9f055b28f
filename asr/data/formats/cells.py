"""Values of any kind in formats that hold text alone: as they are where that is unambiguous, else
as JSON."""

import json
import re
from typing import Any

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""What might end a line or a cell."""


def to_cell(value: Any) -> str:
    r"""The text that :func:`from_cell` makes ``value`` of again.

    >>> to_cell("en-GB"), to_cell(3), to_cell("3"), to_cell("two\nlines")
    ('en-GB', '3', '"3"', '"two\\nlines"')

    Raises:
        ValueError: a number that is not finite.
    """
    if isinstance(value, str) and value and value == value.strip() and not CONTROL.search(value):
        if from_cell(value) == value:
            return value
    return json.dumps(value, allow_nan=False)


def from_cell(text: str) -> Any:
    """The value of a text: what it is in JSON, if it is JSON, else itself.

    >>> from_cell("en-GB"), from_cell("3"), from_cell('"3"'), from_cell("007")
    ('en-GB', 3, '3', '007')
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number in JSON")
