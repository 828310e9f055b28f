"""Tables that show the summary of manifests on a terminal."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.bar import Bar
from rich.console import Console
from rich.table import Table

from asr.counts import counted
from asr.data.summary import (
    CLIPPED,
    QUANTILES,
    CorpusSummary,
    ManifestSummary,
    histogram,
    quantiles,
    round_edges,
)

MOST_WORDS, MOST_CHARACTERS = 12, 60


def names(paths: Sequence[Path]) -> list[str]:
    """Return the stems of the manifests; if two are equal, with as many of their folders in front
    as make them differ, or with all.

    >>> names([Path("an4/train.jsonl"), Path("fsdd/train.jsonl")])
    ['an4/train', 'fsdd/train']
    """
    parts = [path.with_suffix("").parts for path in paths]
    for count in range(1, max(map(len, parts)) + 1):
        short = ["/".join(item[-count:]) for item in parts]
        if len(set(short)) == len(short):
            break
    return short


def print_summary(comparison: CorpusSummary, console: Console) -> None:
    """Print tables on ``console``, none of them wider than 60 columns if the names are short."""
    found = comparison.manifests
    labels = names([item.path for item in found])
    short = dict(zip([item.path for item in found], labels, strict=True))
    rows = [
        (label, len(item.durations), f"{item.hours:.2f}", len(item.speakers),
         item.words.total(), len(item.words), item.once)
        for label, item in zip(labels, found, strict=True)
    ]  # fmt: skip
    _table(console, ["", "utterances", "hours", "speakers", "words", "distinct", "once"], rows)
    for label, item in zip(labels, found, strict=True):
        if item.silent or item.anonymous:
            console.print(
                f"{label}: {counted(item.silent, 'utterance')} without text, {item.anonymous} "
                "without a "
                "speaker"
            )
    _show_distributions(found, labels, console)
    _show_histogram(found, console)
    heard = [
        (label, item.audio.files, item.audio.unreadable, *_clipping(item))
        for label, item in zip(labels, found, strict=True)
        if item.audio
    ]
    if heard:
        header = ["recordings", "decoded", "unreadable", "clipped", "worst"]
        _table(console, header, heard)
    for label, item in zip(labels, found, strict=True):
        console.print(f"words of {label}: {_counts(item.words, MOST_WORDS)}")
        console.print(f"characters: {_counts(item.characters, MOST_CHARACTERS)}\n")
    pairs = [
        (f"{short[later]}, {short[earlier]}", len(leakage.speakers), leakage.texts, leakage.audio)
        for later, earlier, leakage in comparison.shared
    ]
    if pairs:
        _table(console, ["of the first, shared", "speakers", "texts", "recordings"], pairs)
        lacking = [
            (short[item.path], len(item.words), item.words.total(), f"{100 * item.share:.2f} %")
            for item in comparison.new_words
        ]
        _table(console, [f"words not in {labels[0]}", "distinct", "running", "share"], lacking)
    for news in comparison.new_words:
        if news.words:
            console.print(f"{short[news.path]}: {_counts(news.words, MOST_WORDS)}")


def _show_distributions(
    found: Sequence[ManifestSummary], labels: Sequence[str], console: Console
) -> None:
    columns = ["min", *(f"{100 * share:g} %" for share in QUANTILES[1:-1]), "max"]
    columns[len(columns) // 2] = "median"
    for name in max((list(item.measures) for item in found), key=len):
        rows = []
        for label, item in zip(labels, found, strict=True):
            values = quantiles(item.measures[name]) if name in item.measures else None
            if values:
                rows.append((label, *map(_number, values)))
        if rows:
            console.print(name)
            _table(console, ["", *columns], rows)


def _show_histogram(found: Sequence[ManifestSummary], console: Console) -> None:
    """Print a histogram of the durations of all utterances as bars."""
    durations = np.concatenate([item.durations for item in found])
    edges = round_edges(durations)
    counts = histogram(durations, edges)
    table = Table("seconds", "utterances", "", box=None, expand=True)
    table.columns[0].justify = table.columns[1].justify = "right"
    table.columns[2].ratio = 1
    for index, (low, count) in enumerate(zip(edges, counts, strict=False)):
        last = index == len(counts) - 1
        label = f"from {low:g}" if last else f"{low:g} to {edges[index + 1]:g}"
        table.add_row(label, str(count), Bar(max(counts), 0, count))
    console.print(table, "")


def _clipping(item: ManifestSummary) -> tuple[int, str]:
    assert item.audio
    clipped = item.audio.clipped
    return int((clipped >= CLIPPED).sum()), f"{100 * clipped.max(initial=0.0):.2f} %"


def _counts(counts: Mapping[str, int], most: int) -> str:
    shown = [f"{name if name.strip() else repr(name)} {count}" for name, count in counts.items()]
    more = f", … {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + more


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}"


def _table(console: Console, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(header[0], overflow="fold")
    for name in header[1:]:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*map(str, row))
    console.print(table, "")
