"""A table of evaluations as Markdown, CSV or LaTeX."""

import csv
import io
from collections.abc import Callable, Sequence

from rich.cells import cell_len

from asr.evaluation.interval import Interval
from asr.evaluation.scoring import ErrorCounts
from asr.report.table import Row

Value = str | int | float | None
Columns = dict[str, Callable[[Row], Value]]

TEXTS = ("system", "test set", "decoder", "language model")
"""Columns of words, which stand at the left."""

READ: Columns = {
    "system": lambda row: row.system,
    "test set": lambda row: row.test_set,
    "decoder": lambda row: row.decoder,
    "language model": lambda row: row.language_model,
    "WER": lambda row: str(row.score.words) if row.unit == "word" else None,
    "95 % interval": lambda row: None if row.interval is None else _limits(row.interval),
    "CER": lambda row: _short(row.score.characters) if row.unit == "word" else str(row.score.words),
    "SER": lambda row: (
        f"{100 * row.score.ser:.2f} % [{row.score.sentence_errors} / {row.score.sentences}]"
    ),
    "WER, unseen texts": lambda row: _unseen(row, "word"),
    "CER, unseen texts": lambda row: _unseen(row, "character"),
    "parameters": lambda row: None if row.parameters is None else f"{row.parameters / 1e6:.2f} M",
    "training": lambda row: None if row.minutes is None else f"{row.minutes:.0f} min",
    "times real time": lambda row: None if row.speed is None else _factor(row.speed),
}
"""What people read."""

RAW: Columns = {
    "system": lambda row: row.system,
    "test_set": lambda row: row.test_set,
    "decoder": lambda row: row.decoder,
    "language_model": lambda row: row.language_model,
    "unit": lambda row: None if row.unit == "word" else row.unit,
    "wer": lambda row: round(row.score.wer, 6),
    "word_errors": lambda row: row.score.words.errors,
    "words": lambda row: row.score.words.reference,
    "insertions": lambda row: row.score.words.insertions,
    "deletions": lambda row: row.score.words.deletions,
    "substitutions": lambda row: row.score.words.substitutions,
    "wer_low": lambda row: None if row.interval is None else round(row.interval.low, 6),
    "wer_high": lambda row: None if row.interval is None else round(row.interval.high, 6),
    "interval_groups": lambda row: None if row.interval is None else row.interval.groups,
    "interval_over": lambda row: None if row.interval is None else row.interval.over,
    "cer": lambda row: round(row.score.cer, 6),
    "character_errors": lambda row: row.score.characters.errors,
    "characters": lambda row: row.score.characters.reference,
    "ser": lambda row: round(row.score.ser, 6),
    "sentence_errors": lambda row: row.score.sentence_errors,
    "sentences": lambda row: row.score.sentences,
    "unseen_wer": lambda row: None if row.unseen is None else round(row.unseen.wer, 6),
    "unseen_word_errors": lambda row: None if row.unseen is None else row.unseen.words.errors,
    "unseen_words": lambda row: None if row.unseen is None else row.unseen.words.reference,
    "parameters": lambda row: row.parameters,
    "training_minutes": lambda row: row.minutes,
    "times_real_time": lambda row: row.speed,
}
"""What programs read: rates as fractions, beside their counts."""


def _short(counts: ErrorCounts) -> str:
    return f"{100 * counts.rate:.2f} % [{counts.errors} / {counts.reference}]"


def _unseen(row: Row, unit: str) -> str | None:
    return _short(row.unseen.words) if row.unseen is not None and row.unit == unit else None


def _factor(speed: float) -> str:
    return f"{speed:.{0 if speed >= 10 else 1}f}"


def _limits(interval: Interval) -> str:
    ends = f"{100 * interval.low:.2f} to {100 * interval.high:.2f} %"
    return f"{ends}, {interval.groups} {interval.over}"


def _cells(items: Sequence[Row], columns: Columns) -> tuple[list[str], list[list[str]]]:
    """Head and body, without the columns that no row has."""
    values = {name: [value(row) for row in items] for name, value in columns.items()}
    kept = {name: column for name, column in values.items() if any(x is not None for x in column)}
    body = [
        ["" if cell is None else str(cell) for cell in row]
        for row in zip(*kept.values(), strict=True)
    ]
    return list(kept), [[" ".join(cell.split()) for cell in row] for row in body]


def to_csv(items: Sequence[Row]) -> str:
    """Raw numbers, a line of names before them."""
    head, body = _cells(items, RAW)
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([head, *body])
    return text.getvalue()


def to_markdown(items: Sequence[Row]) -> str:
    """Columns of one width, to be read as it is too."""
    head, body = _cells(items, READ)
    lines = [[cell.replace("|", r"\|") for cell in line] for line in (head, *body)]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    rule = [
        "-" * width if name in TEXTS else "-" * (width - 1) + ":"
        for name, width in zip(head, widths, strict=True)
    ]
    text = ""
    for line in (lines[0], rule, *lines[1:]):
        padded = []
        for name, cell, width in zip(head, line, widths, strict=True):
            space = " " * (width - cell_len(cell))
            padded.append(cell + space if name in TEXTS else space + cell)
        text += f"| {' | '.join(padded)} |\n"
    return text


LATEX = {character: "\\" + character for character in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # at the beginning of a line the \\ before it would take it for an option
}


def to_latex(items: Sequence[Row]) -> str:
    """A ``tabular`` with the rules of the package booktabs."""
    head, body = _cells(items, READ)
    lines = [" & ".join(map(latex_escaped, line)) + r" \\" for line in (head, *body)]
    kinds = "".join("l" if name in TEXTS else "r" for name in head)
    return "\n".join(
        [
            rf"\begin{{tabular}}{{{kinds}}}",
            r"\toprule",
            lines[0],
            r"\midrule",
            *lines[1:],
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def latex_escaped(text: str) -> str:
    r"""``text`` with what LaTeX gives a meaning escaped.

    >>> print(latex_escaped(r"a_1 & 5 %"))
    a\_1 \& 5 \%
    """
    return "".join(LATEX.get(character, character) for character in text)


FORMATS: dict[str, Callable[[Sequence[Row]], str]] = {
    "md": to_markdown,
    "csv": to_csv,
    "latex": to_latex,
}
