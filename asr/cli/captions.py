"""Captions on a terminal: the words that may still change stand on the last line, in grey."""

import os
import shutil
import sys

GREY, PLAIN = "\x1b[90m", "\x1b[0m"
CLEAR = "\r\x1b[K"


class Captions:
    """The last line of standard output, if that is a terminal; otherwise nothing is shown.

    >>> Captions().show("a word that may change")
    """

    def __init__(self) -> None:
        self._shown = False
        self._wanted = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"

    def show(self, text: str) -> None:
        """Show ``text`` in place of what the line shows; of a long text, its end."""
        if not self._wanted:
            return
        from rich.cells import cell_len  # letters of some scripts take two columns

        columns = shutil.get_terminal_size().columns - 1  # a full line would wrap
        if cell_len(text) > columns:
            while cell_len(text) > columns - 1:
                text = text[1:]
            text = "…" + text
        print(f"{CLEAR}{GREY}{text}{PLAIN}", end="", flush=True)
        self._shown = True

    def clear(self) -> None:
        """Empty the line, before something else is printed."""
        if self._shown:
            print(CLEAR, end="", flush=True)
            self._shown = False
