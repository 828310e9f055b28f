"""Pictures of what benchmarks measured: panels with few lines, in the reader's light or dark scheme
(matplotlib, of the extra plots)."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, LINE = "#333333", "#3266a8"
INK_IN_THE_DARK, LINE_IN_THE_DARK = "#dddddd", "#7fb0ee"
SCHEMES = f"""<style>
:root {{--ink: {INK}; --line: {LINE}}}
@media (prefers-color-scheme: dark) {{
:root {{--ink: {INK_IN_THE_DARK}; --line: {LINE_IN_THE_DARK}}}
}}
</style>
"""


def subplots(rows: int, columns: int, size: tuple[float, float], **options: Any) -> Any:
    """Return a figure of ``size`` (inches) and its panels; ``options`` are those of matplotlib's
    ``subplots``."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    return pyplot.subplots(rows, columns, figsize=size, layout="constrained", **options)


def style(axes: "Axes") -> None:
    """Give a panel plain numbers and few lines."""
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.minorticks_off()
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    axes.tick_params(colors=INK, labelsize=9)
    axes.grid(color=INK, alpha=0.15)


def save(figure: "Figure", path: Path) -> None:
    """Write a figure and close it; an SVG file has the colours of the scheme that its reader
    has."""
    from matplotlib import pyplot, rc_context

    # Text stays text, and equal data give an equal file.
    settings = {"svg.fonttype": "none", "svg.hashsalt": path.stem, "font.family": "sans-serif"}
    with rc_context(settings):
        figure.savefig(path, dpi=150, transparent=path.suffix == ".svg", metadata={"Date": None})
    pyplot.close(figure)
    if path.suffix == ".svg":
        text = path.read_text(encoding="utf-8")
        text = text.replace(INK, "var(--ink)").replace(LINE, "var(--line)")
        head, tag, rest = text.partition("<defs>")
        path.write_text(f"{head}{SCHEMES}{tag}{rest}", encoding="utf-8")
