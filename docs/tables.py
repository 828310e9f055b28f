"""Counts in tables, such as ``[29 / 773]``, are not divided at the end of a line."""

import re
from typing import Any


def on_page_content(html: str, **kwargs: Any) -> str:
    """Return a page on which no line ends within the brackets of counts.

    >>> on_page_content("<td>3.75 % [29 / 773]</td>")
    '<td>3.75 % [29&nbsp;/&nbsp;773]</td>'
    """
    return re.sub(r"\[(\d+) / (\d+)\]", r"[\1&nbsp;/&nbsp;\2]", html)
