"""Tables of evaluations: a row for each, as Markdown, CSV or LaTeX."""

import csv
import io
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.cells import cell_len

from asr.counts import counted
from asr.errors import DataError
from asr.evaluation.interval import Interval
from asr.evaluation.results import FILE, Results, score_from_values
from asr.evaluation.scoring import ErrorCounts, Score


@dataclass(frozen=True)
class Row:
    """The row of a table for one evaluation; None stands for what is not known.

    ``test_set`` is None if all rows have the same. ``parameters`` is the number of parameters of
    the acoustic model, ``minutes`` the duration of its training, and ``speed`` the seconds of audio
    that are recognised in a second. If ``unit`` is "character", the words of ``score`` are
    characters.
    """

    system: str
    test_set: str | None
    decoder: str | None
    language_model: str | None
    score: Score
    interval: Interval | None
    unseen: Score | None
    parameters: int | None
    minutes: float | None
    speed: float | None
    unit: str = "word"


def rows(results: Sequence[Results]) -> list[Row]:
    """Return a row for each evaluation, in their order.

    Raises:
        DataError: an evaluation has no score, or is given twice.
    """
    names = system_names(results)
    manifests = [item.values.get("manifest") or {} for item in results]
    several = len({manifest.get("sha256") for manifest in manifests}) > 1
    return [
        _row(item, name, manifest.get("path") if several else None)
        for item, name, manifest in zip(results, names, manifests, strict=True)
    ]


def _row(results: Results, name: str, test_set: str | None) -> Row:
    values = results.values
    provenance = (values.get("model") or {}).get("provenance") or {}
    try:
        interval, unseen = values.get("wer_interval"), values.get("unseen_texts")
        return Row(
            system=name,
            test_set=test_set,
            decoder=_decoder(values.get("decoder")),
            language_model=_language_model(values.get("decoder")),
            score=score_from_values(values["score"]),
            interval=Interval(**interval) if interval else None,
            unseen=score_from_values(unseen) if unseen else None,
            parameters=provenance.get("parameters"),
            minutes=provenance.get("minutes"),
            speed=values.get("times_real_time"),
            unit=(values.get("normalization") or {}).get("unit", "word"),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{results.path}: its score cannot be read, a field is missing or of another type "
            f"({error}); evaluate or score once more"
        ) from error


def system_names(results: Sequence[Results]) -> list[str]:
    """Return a name for the system of each evaluation, all of them different.

    It is the name that the model was trained under, else that of the folder, or that of the file if
    this is not called ``results.json``. Equal names get as much of their paths as tells them apart.

    Raises:
        DataError: a file is given twice.
    """
    paths = []
    for item in results:
        path = Path(os.path.abspath(item.path))
        paths.append(path.parent.parts if path.name == FILE else (*path.parent.parts, path.stem))
    twice = [item.path for item, path in zip(results, paths, strict=True) if paths.count(path) > 1]
    if twice:
        raise DataError(f"{twice[0]} is given twice; needs each evaluation once")
    models = [_trained_as(item.values) for item in results]
    names = [model or path[-1] for model, path in zip(models, paths, strict=True)]
    count = Counter(names)
    for index, (name, model) in enumerate(zip(names, models, strict=True)):
        if count[name] > 1:
            ending = _ending(paths[index], paths)
            names[index] = f"{model} ({ending})" if model else ending
    return names


def _trained_as(values: dict[str, Any]) -> str | None:
    config = ((values.get("model") or {}).get("provenance") or {}).get("config") or {}
    return config.get("name")


def _ending(path: tuple[str, ...], paths: Sequence[tuple[str, ...]]) -> str:
    """Return the shortest end of ``path`` that no other of ``paths`` has."""
    length = 1
    while sum(other[-length:] == path[-length:] for other in paths) > 1:
        length += 1
    return "/".join(path[-length:])


def _decoder(values: dict[str, Any] | None) -> str | None:
    if values is None:
        return None
    parts = [values["name"]]
    if values.get("options"):
        parts[0] += f" {values['options']['beam_size']}"
    if values.get("lexicon"):
        parts.append(f"lexicon of {values['lexicon']}")
    if values.get("hotwords"):
        parts.append("hot words")
    return ", ".join(parts)


def _language_model(values: dict[str, Any] | None) -> str | None:
    values = values or {}
    lm, rescore_lm = values.get("lm"), values.get("rescore_lm")
    parts = [f"{len(lm['ngrams'])}-gram of {lm['unit']}s"] if lm else []
    parts += [f"GRU of {rescore_lm['unit']}s"] if rescore_lm else []
    return ", then ".join(parts) or None


Value = str | int | float | None
Columns = dict[str, Callable[[Row], Value]]

TEXTS = ("system", "test set", "decoder", "language model")
"""The columns of texts, which are aligned to the left."""

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
"""The columns of tables for people."""

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
"""The columns of tables for programs: rates as fractions, beside their counts."""


def _short(counts: ErrorCounts) -> str:
    return f"{100 * counts.rate:.2f} % [{counts.errors} / {counts.reference}]"


def _unseen(row: Row, unit: str) -> str | None:
    return _short(row.unseen.words) if row.unseen is not None and row.unit == unit else None


def _factor(speed: float) -> str:
    return f"{speed:.{0 if speed >= 10 else 1}f}"


def _limits(interval: Interval) -> str:
    ends = f"{100 * interval.low:.2f} to {100 * interval.high:.2f} %"
    return f"{ends}, {counted(interval.groups, interval.over.removesuffix('s'))}"


def _cells(items: Sequence[Row], columns: Columns) -> tuple[list[str], list[list[str]]]:
    """Return the head and the body of a table, without the columns that are empty in every row."""
    values = {name: [value(row) for row in items] for name, value in columns.items()}
    kept = {name: column for name, column in values.items() if any(x is not None for x in column)}
    body = [
        ["" if cell is None else str(cell) for cell in row]
        for row in zip(*kept.values(), strict=True)
    ]
    return list(kept), [[" ".join(cell.split()) for cell in row] for row in body]


def to_csv(items: Sequence[Row]) -> str:
    """Return a table of raw numbers as CSV, with a line of column names."""
    head, body = _cells(items, RAW)
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([head, *body])
    return text.getvalue()


def to_markdown(items: Sequence[Row]) -> str:
    """Return a table as Markdown, whose columns are padded so that the source is readable, too."""
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
    """Return a table as a ``tabular`` of LaTeX, with the rules of the package booktabs."""
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
    r"""Escape the characters of ``text`` that have a meaning in LaTeX.

    >>> print(latex_escaped(r"a_1 & 5 %"))
    a\_1 \& 5 \%
    """
    return "".join(LATEX.get(character, character) for character in text)


FORMATS: dict[str, Callable[[Sequence[Row]], str]] = {
    "md": to_markdown,
    "csv": to_csv,
    "latex": to_latex,
}
