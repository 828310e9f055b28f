"""This module makes the tables of ``docs/scale.md``: all that follows from the inputs in
``docs/scale.json``.

Each function takes these inputs and returns a Markdown table. ``tables.py`` finds the function by
its name.
"""

from dataclasses import dataclass
from typing import Any

GPUS = (1, 8, 64)
CORES = (2, 64, 1000)
SAMPLES = 16_000
"""The samples of a second of speech, of 16 bits each in the cache of decoded audio."""

Inputs = list[dict[str, Any]]


@dataclass(frozen=True)
class Corpus:
    """A corpus to train on: its ``hours``, its ``utterances``, and the ``epochs`` over it."""

    name: str
    hours: float
    utterances: float
    epochs: int


class Facts:
    """The values of the inputs by their keys, and the corpora."""

    def __init__(self, inputs: Inputs) -> None:
        values = {item["key"]: item["value"] for item in inputs}
        self.values: dict[str, float] = values
        mean = values["librispeech_utterances"] / values["librispeech_hours"]
        self.corpora = [
            Corpus(
                "LibriSpeech",
                values["librispeech_hours"],
                values["librispeech_utterances"],
                values["librispeech_epochs"],
            ),
            Corpus(
                f"{values['large_hours']:,.0f} h",
                values["large_hours"],
                values["large_hours"] * mean,
                values["large_epochs"],
            ),
        ]

    def __getattr__(self, key: str) -> float:
        return self.values[key]

    @property
    def speed(self) -> float:
        """How many times faster than real time a GPU trains."""
        return self.gpu / self.operations

    @property
    def step(self) -> float:
        """The seconds of a step with one micro-batch on each GPU."""
        return self.batch / self.speed


def scale_inputs(inputs: Inputs) -> str:
    """Return the table of the inputs, and how each is known."""
    rows = [
        (
            item["name"],
            f"{quantity(item['value'])} {item['unit']}".strip(),
            item["kind"],
            item["source"],
        )
        for item in inputs
    ]
    return table(("", "value", "", "source"), rows)


def scale_storage(inputs: Inputs) -> str:
    """Return the table of what corpora take on disk."""
    facts = Facts(inputs)
    rows = []
    for corpus in facts.corpora:
        seconds = corpus.hours * 3600
        flac = seconds * facts.flac * 1e3
        rows.append(
            (
                corpus.name,
                f"{corpus.utterances / 1e6:.2f} million",
                size(flac),
                size(seconds * SAMPLES * 2),
                size(corpus.utterances * facts.line),
                size(corpus.utterances * facts.table),
                f"{flac / 1e9:,.0f}",
                f"{flac / 1e9 * facts.store_price:,.0f} USD",
            )
        )
    names = ("", "utterances", "FLAC", "decoded, 16 bits", "manifest", "its table")
    return table((*names, "tar files of 1 GB", "FLAC, a month"), rows)


def scale_memory(inputs: Inputs) -> str:
    """Return the table of the memory of a process."""
    facts = Facts(inputs)
    rows = [
        (
            corpus.name,
            size(corpus.utterances * facts.order),
            size(16 * facts.parameters),
        )
        for corpus in [
            *facts.corpora,
            Corpus("10 million lines", 0, 10_000_000, 0),
        ]
    ]
    return table(("", "order of an epoch", "weights, gradient and AdamW's moments"), rows)


def scale_training(inputs: Inputs) -> str:
    """Return the table of the time and cost of training."""
    facts = Facts(inputs)
    rows = []
    for corpus in facts.corpora:
        work = corpus.hours * corpus.epochs
        hours = work / facts.cpu
        cost = f"{2 * hours * facts.core_price:,.0f} USD"
        rows.append((corpus.name, "2 cores, measured", f"{facts.cpu}", time(hours), cost, ""))
        for gpus in GPUS:
            hours = work / (facts.speed * gpus)
            steps = corpus.hours * 3600 / (facts.batch * gpus)
            rows.append(
                (
                    corpus.name,
                    f"{gpus} GPU{'s' if gpus > 1 else ''}, estimated",
                    f"{facts.speed * gpus:,.0f}",
                    time(hours),
                    f"{gpus * hours * facts.gpu_price:,.0f} USD",
                    f"{steps:,.0f}, {steps * corpus.epochs:,.0f}",
                )
            )
    names = ("", "on", "times real time", "time", "cost", "steps: an epoch, all")
    return table(names, rows)


def scale_flow(inputs: Inputs) -> str:
    """Return the table of what flows while GPUs train."""
    facts = Facts(inputs)
    mean = 3600 * facts.librispeech_hours / facts.librispeech_utterances
    rows = []
    for gpus in GPUS:
        speed = facts.speed * gpus
        nodes = -(-gpus // int(facts.node))
        # A ring: each machine sends and gets twice the gradient, but for its own share.
        sent = 2 * (1 - 1 / nodes) * 4 * facts.parameters
        needed = 8 * sent / facts.step / 1e9
        rows.append(
            (
                f"{gpus}",
                f"{speed * facts.flac / 1e3:,.1f} MB/s",
                f"{speed / mean:,.0f}",
                f"{speed / mean * 2 * facts.latency:,.0f}",
                f"{facts.speed * min(gpus, facts.node) / facts.reading:,.1f}",
                f"{needed:.1f} Gbit/s, {100 * needed / facts.network:.0f} %" if nodes > 1 else "–",
            )
        )
    names = ("GPUs", "read from the store", "recordings a second", "on the way at once")
    return table((*names, "cores that read, a machine", "gradients, a machine"), rows)


def scale_bulk(inputs: Inputs) -> str:
    """Return the table of the transcription of an archive."""
    facts = Facts(inputs)
    core = facts.transcription / 2
    rows = []
    for cores in CORES:
        hours = facts.bulk_hours / (core * cores)
        rows.append(
            (
                f"{cores:,}",
                f"{core * cores:,.0f}",
                time(hours),
                f"{cores * hours * facts.core_price:,.0f} USD",
                f"{core * cores * facts.flac / 1e3:,.1f} MB/s",
            )
        )
    return table(("cores", "times real time", "time", "cost", "read from the store"), rows)


def table(names: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [names, ("---",) * len(names), *rows]
    return "".join(f"| {' | '.join(line)} |\n".replace("|  |", "| |") for line in lines)


def quantity(value: float) -> str:
    """Return a number as people read it.

    >>> quantity(0.05), quantity(281241), quantity(2e12)
    ('0.05', '281,241', '2 · 10¹²')
    """
    if value < 1e8:
        return f"{value:,.6g}" if value < 1000 else f"{value:,.0f}"
    digits, _, power = f"{value:.3g}".partition("e+")
    if not power:
        digits, _, power = f"{value:.2e}".partition("e+")
    raised = str(int(power)).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{float(digits):g} · 10{raised}"


def size(number: float) -> str:
    """Return a number of bytes as people read it.

    >>> size(2.5e8), size(6.1e11)
    ('250 MB', '610 GB')
    """
    for unit, factor in (("TB", 1e12), ("GB", 1e9)):
        if number >= factor:
            return f"{number / factor:.3g} {unit}"
    return f"{number / 1e6:.3g} MB"


def time(hours: float) -> str:
    """Return a number of hours as people read it.

    >>> time(0.5), time(30.4), time(1039)
    ('30 min', '30 h', '43 days')
    """
    if hours < 2:
        return f"{60 * hours:.0f} min"
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:,.0f} days"
