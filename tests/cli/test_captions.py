"""Captions are shown on a terminal alone, on one line, in place."""

import io
import sys

import pytest

from asr.cli.captions import CLEAR, GREY, PLAIN, Captions


class Terminal(io.StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self):
        return True


def terminal(monkeypatch):
    """Put a terminal of eleven columns in place of standard output, and return it."""
    monkeypatch.setenv("COLUMNS", "11")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", Terminal())
    return sys.stdout


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("go on", "go on"),
        ("ten letters", "…n letters"),
        ("0123456789", "0123456789"),
        ("日本語日本語", "…語日本語"),  # letters of two columns
    ],
)
def test_the_end_of_a_text_fits_into_the_line(text, line, monkeypatch):
    shown = terminal(monkeypatch)
    Captions().show(text)
    assert shown.getvalue() == f"{CLEAR}{GREY}{line}{PLAIN}"


def test_the_line_is_cleared_once(monkeypatch):
    shown = terminal(monkeypatch)
    captions = Captions()
    captions.clear()
    captions.show("go")
    captions.clear()
    captions.clear()
    assert shown.getvalue() == f"{CLEAR}{GREY}go{PLAIN}{CLEAR}"


@pytest.mark.parametrize(("kind", "output"), [("dumb", Terminal), ("xterm", io.StringIO)])
def test_elsewhere_nothing_is_shown(kind, output, monkeypatch):
    monkeypatch.setenv("TERM", kind)
    monkeypatch.setattr(sys, "stdout", output())
    captions = Captions()
    captions.show("go")
    captions.clear()
    assert sys.stdout.getvalue() == ""
