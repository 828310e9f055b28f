"""The summary of manifests as a picture of distributions."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from asr.data.summary import ManifestSummary, histogram, round_edges
from asr.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS = {
    "seconds an utterance": "utterances by duration (s)",
    "characters a second": "utterances by speaking rate (characters a second)",
    "seconds a speaker": "speakers by their time (s)",
    "level (dB)": "recordings by level (dB): noise (dotted), speech",
}
COLORS = ("#3266a8", "#c96a12", "#2b7a4b", "#8a5aa8", "#7a7a7a")
GREY = "#888888"


def draw_statistics(found: Sequence[ManifestSummary], names: Sequence[str], path: Path) -> None:
    """Write the distributions of manifests, a colour each: shares of their utterances, speakers and
    recordings.

    Raises:
        OutputError: ``path`` cannot be written.
    """
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(2, 2, figsize=(9, 5.6), layout="constrained")
    for axes, (measure, title) in zip(panels.flat, PANELS.items(), strict=True):
        _draw(axes, found, names, measure, False)
        if measure == "level (dB)":
            _draw(axes, found, names, "noise (dB)", True)
        axes.set_title(title, fontsize=10, loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(GREY)
        axes.tick_params(colors="#444444", labelsize=8)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g} %")
        axes.set_ylim(bottom=0)
        axes.locator_params(axis="y", nbins=5)
        axes.set_visible(axes.has_data())
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False, fontsize=9)
    write_figure(figure, path)


def write_figure(figure: "Figure", path: Path) -> None:
    """Write a figure to a file, whose suffix tells the format, and close the figure.

    Raises:
        OutputError: ``path`` cannot be written.
    """
    from matplotlib import pyplot

    data = io.BytesIO()
    figure.savefig(data, format=path.suffix[1:], dpi=150)
    pyplot.close(figure)
    write_atomically(path, data.getvalue())


def _draw(
    axes: "Axes", found: Sequence[ManifestSummary], names: Sequence[str], measure: str, dotted: bool
) -> None:
    """Over common bins, the first manifest as a surface, each other one as a line."""
    values = [item.measures.get(measure, np.zeros(0)) for item in found]
    edges = round_edges(np.concatenate(values))
    for index, (one, item, name) in enumerate(zip(values, found, names, strict=True)):
        if not len(one):
            continue
        shares = 100 * np.array(histogram(one, edges)) / len(one)
        color, label = COLORS[index % len(COLORS)], f"{name} ({item.hours:.2g} h)"
        if index == 0:
            axes.stairs(shares, edges, fill=True, color=color, alpha=0.3, linewidth=0, label=label)
        else:
            style = ":" if dotted else "-"
            axes.stairs(shares, edges, color=color, linewidth=1.5, linestyle=style, label=label)
